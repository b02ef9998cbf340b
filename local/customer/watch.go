package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// asyncOperation is the header with the URL of an operation.
const asyncOperation = "Azure-Asyncoperation"

// operation is the status of an operation; other services report less.
type operation struct {
	Status          string  `json:"status"`
	PercentComplete float64 `json:"percentComplete"`
	CurrentStep     string  `json:"currentStep"`
	// StepError is why the step's last attempt failed, while it is tried again.
	StepError *fault `json:"stepError"`
	Error     *fault `json:"error"`
}

type fault struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Target  string  `json:"target"`
	Details []fault `json:"details"`
}

func (f *fault) lines(indent string) string {
	text := "\n" + indent + f.Code + ": " + f.Message
	if f.Target != "" {
		text += " (" + f.Target + ")"
	}
	for i := range f.Details {
		text += f.Details[i].lines(indent + "  ")
	}
	return text
}

func (o operation) err() error {
	switch {
	case o.Status == "Succeeded":
		return nil
	case o.Error == nil:
		return errors.New("the operation ended as " + o.Status)
	}
	return errors.New("the operation ended as " + o.Status + o.Error.lines("  "))
}

// pollInterval is the time between two looks at an operation or a cluster.
const pollInterval = time.Second

// follow shows the steps of an operation until it ends, and returns its error. A
// service that does not answer for a while is waited for: the operation continues.
func (c *Customer) follow(ctx context.Context, t Target, url string) error {
	if url == "" {
		return nil // it ended at once
	}
	began, seen, shown := time.Now(), time.Now(), &Progress{}
	return c.poll(ctx, t, func() (bool, error) {
		var o operation
		_, err := c.session.Call(ctx, http.MethodGet, url, nil, &o)
		if err == nil {
			seen = time.Now()
		} else if missing(err) || time.Since(seen) > patience {
			return true, fmt.Errorf("read the operation: %w", err)
		}
		c.show(o.progress(), shown)
		if !terminal(o.Status) {
			return false, nil
		}
		c.say("%s after %s", o.Status, time.Since(began).Round(time.Second))
		return true, o.err()
	})
}

// Progress is what a running operation is at.
type Progress struct {
	Step            string
	PercentComplete float64
	// WaitingFor is what the step waits for, and StepError why its last attempt
	// failed, while it is tried again; both may be empty.
	WaitingFor, StepError string
}

func (o operation) progress() Progress {
	p := Progress{Step: o.CurrentStep, PercentComplete: o.PercentComplete}
	if o.StepError != nil {
		p.StepError = o.StepError.lines("")
	}
	return p
}

// show prints the step when it changes, and in one line each what it waits for and
// what keeps it from ending when that appears or changes. shown is what was printed.
func (c *Customer) show(now Progress, shown *Progress) {
	if now.Step != "" && now.Step != shown.Step {
		*shown = Progress{Step: now.Step}
		_, _ = fmt.Fprintf(c.out, "%3.0f %%  %s\n", now.PercentComplete, now.Step)
	}
	line := func(words, now string, shown *string) {
		if now = strings.Join(strings.Fields(now), " "); now != "" && now != *shown {
			*shown = now
			_, _ = fmt.Fprintf(c.out, "       %s %s\n", words, now)
		}
	}
	line("waiting for", now.WaitingFor, &shown.WaitingFor)
	line("tried again after", now.StepError, &shown.StepError)
}

func terminal(status string) bool {
	return status == "Succeeded" || status == "Failed" || status == "Canceled"
}

// Watch shows the state of a cluster, and the progress of its operation if Steps is set, until no
// operation runs on it, and returns an error if the last one failed. A cluster that no longer
// exists was deleted.
func (c *Customer) Watch(ctx context.Context, t Target) error {
	shown, step, seen := "", &Progress{}, time.Now()
	return c.poll(ctx, t, func() (bool, error) {
		cl, err := c.cluster(ctx, t)
		switch {
		case err != nil && time.Since(seen) > patience:
			return true, err
		case err != nil:
			return false, nil //nolint:nilerr // asked again until then
		case cl == nil && shown == "":
			return true, fmt.Errorf("%s: %w", t.Name, ErrNotFound)
		case cl == nil:
			c.say("%s is deleted", t.Name)
			return true, nil
		}
		seen = time.Now()
		now := string(state(cl))
		if now != shown {
			c.say("%s: %s", t.Name, now)
			shown, step = now, &Progress{}
		}
		if c.Steps != nil && !terminal(now) {
			if p, err := c.Steps(ctx, deref(cl.ID)); err == nil { // the states go on without
				c.show(p, step)
			}
		}
		if now == "Failed" {
			return true, fmt.Errorf("the last operation on %s failed", t.Name)
		}
		return terminal(now), nil
	})
}

// poll calls look until it is done or ctx ends.
func (c *Customer) poll(ctx context.Context, t Target, look func() (done bool, err error)) error {
	for {
		done, err := look()
		if ctx.Err() != nil {
			return fmt.Errorf("stopped watching; the operation continues. Watch it again with: %s", fmt.Sprintf(c.watchAgain, t.Arguments()))
		}
		if done {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.pollInterval):
		}
	}
}

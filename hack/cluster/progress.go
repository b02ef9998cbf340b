package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aro-rp/aro/hack/cluster/login"
)

// asyncOperation names the header that leads to an operation.
const asyncOperation = "Azure-Asyncoperation"

// operation is what the service tells of one; other services tell less.
type operation struct {
	Status          string  `json:"status"`
	PercentComplete float64 `json:"percentComplete"`
	CurrentStep     string  `json:"currentStep"`
	Error           *fault  `json:"error"`
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

func (o operation) ended() bool {
	return o.Status == "Succeeded" || o.Status == "Failed" || o.Status == "Canceled"
}

const lookEvery = time.Second

// follow shows the steps of an operation until it ends, and fails if it did. It
// bears with a service that does not answer for a while: the operation goes on.
func follow(ctx context.Context, s *login.Session, watch string) error {
	if watch == "" {
		return nil // it ended at once
	}
	began, seen, step := time.Now(), time.Now(), ""
	for {
		var o operation
		_, err := s.Call(ctx, http.MethodGet, watch, nil, &o)
		if err == nil {
			seen = time.Now()
		} else if missing(err) || time.Since(seen) > patience {
			return fmt.Errorf("look at the operation: %w", err)
		}
		if o.CurrentStep != "" && o.CurrentStep != step {
			step = o.CurrentStep
			fmt.Printf("%3.0f %%  %s\n", o.PercentComplete, step)
		}
		if o.ended() {
			fmt.Printf("      %s after %s\n", o.Status, time.Since(began).Round(time.Second))
			return o.err()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it goes on without being watched: %w", ctx.Err())
		case <-time.After(lookEvery):
		}
	}
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

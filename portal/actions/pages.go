package actions

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/a-h/templ"
)

// Form is the page of an action on a cluster.
type Form struct {
	*Action
	// Cluster is its id, and ClusterName what people call it.
	Cluster, ClusterName string
	// CSRF is the token of the session.
	CSRF   string
	Values Values
	// Elevated people may run what changes something.
	Elevated bool
	// Problem is what is wrong with the form; nil if nothing is.
	Problem *Problem
	// Request was sent to try or run the action, and Answer is what it led to; nil before.
	Request *Request
	Answer  *Answer
	// Ran means that it was sent to run the action.
	Ran bool
	// Confirm is the token of the request that was tried; with it the action runs.
	Confirm string
}

// List is the page of all actions on a cluster.
type List struct {
	*Catalogue
	Cluster, ClusterName string
	Elevated             bool
}

// address is where the action of a name is.
func address(cluster, name string) templ.SafeURL { return templ.URL(cluster + "/actions/" + name) }

// of are the actions of a group.
func (l List) of(group string) (actions []Action) {
	for _, a := range l.Actions {
		if a.Group == group {
			actions = append(actions, a)
		}
	}
	return actions
}

// tries is the button that sends the form.
func (f Form) tries() string {
	switch {
	case f.Reads:
		return "Show"
	case f.DryRun:
		return "Dry run"
	}
	return "Review"
}

// step is what that button does.
func (f Form) step() string {
	if f.Reads {
		return "run"
	}
	return "try"
}

// Outcome shows the answer as it comes: each part is sent at once. The button that runs what was
// tried comes last, if the dry run succeeded.
func (f Form) Outcome() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		succeeded := f.Request != nil && f.Answer == nil // nothing to try
		if f.Answer != nil {
			var err error
			if succeeded, err = f.show(ctx, w); err != nil {
				return err
			}
		}
		if succeeded && f.Changes() && !f.Ran {
			return f.confirmation().Render(ctx, w)
		}
		return nil
	})
}

func (f Form) show(ctx context.Context, w io.Writer) (succeeded bool, err error) {
	if !f.Answer.isStream() {
		shown, err := f.Answer.read()
		if err != nil {
			return false, err
		}
		return !f.Answer.Failed(), f.shown(shown).Render(ctx, w)
	}
	if err := begin().Render(ctx, w); err != nil {
		return false, err
	}
	succeeded, err = f.Answer.events(func(e Event) error {
		if err := e.line().Render(ctx, w); err != nil {
			return err
		}
		return templ.Flush().Render(ctx, w)
	})
	if err != nil {
		return false, err
	}
	return succeeded, end().Render(ctx, w)
}

// begin and end enclose the lines of a stream.
func begin() templ.Component { return templ.Raw(`<ol class="timeline" aria-live="polite">`) }
func end() templ.Component   { return templ.Raw(`</ol>`) }

func groupID(i int) string { return fmt.Sprintf("group-%d", i) }

func (f Field) rows() string {
	if f.Kind == Object {
		return "14"
	}
	return "4"
}

// about is the description with the form of the value.
func (f Field) about() string {
	switch f.Kind {
	case Lines:
		return f.Description + " One in a line."
	case Pairs:
		return f.Description + " NAME=VALUE, one in a line."
	case Object:
		return f.Description + " YAML or JSON."
	}
	return f.Description
}

func counted(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// tone is the style of the line in a timeline.
func (e Event) tone() string {
	switch {
	case e.Error != nil || e.Outcome != "" && e.Outcome != "Succeeded":
		return "failure"
	case e.Outcome != "":
		return "state"
	}
	return "step"
}

// clock is the time of day.
func (e Event) clock() string {
	at, err := time.Parse(time.RFC3339, e.Time)
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.TimeOnly)
}

func (e Event) exit() string { return fmt.Sprintf("exit code %d", *e.ExitCode) }

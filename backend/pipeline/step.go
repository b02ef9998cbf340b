// Package pipeline runs a plan: a list of named steps on one leased document, each recorded in the
// document when it ends, so that any worker can continue where the last one stopped.
//
// It defines what a step is, what its outcome means and how progress is recorded, for documents of
// any Kind. It knows neither what the steps do nor who runs plans, and it never ends an operation.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aro-rp/aro/model"
)

// Step is one entry of a plan: an action, done once, or a condition, checked until it holds.
type Step[D, R any] struct {
	// Name is stored. A name is never given to another step, not even after its step is removed.
	Name string
	// Do reads the current state, decides, and acts. It may be killed after any line and is then
	// called again, so it has to find out what was done already. It never waits for a condition: it
	// returns wait.Later instead, and returns soon after ctx ends.
	//
	// An *arm.Error ends the plan, unless its code means a transient error, or it is wrapped by
	// wait.Again. Any other error is retried until Timeout; one that is wrapped by wait.AgainFor no
	// longer than its bound.
	Do func(ctx context.Context, w *Work[D, R]) error
	// Timeout bounds the step over all its attempts by any worker, beginning with the first
	// recorded one.
	Timeout time.Duration
	// Only selects the resources that need the step; nil selects all.
	Only func(*R) bool
	// Explain converts an error of Do for customers; nil leaves it as it is.
	Explain func(err error, r *R) error
}

// Validate rejects a plan that cannot be recorded: one without steps, with a nameless or unbounded
// step, or with a name that occurs twice.
func Validate[D, R any](steps []Step[D, R]) error {
	if len(steps) == 0 {
		return errors.New("the plan has no steps")
	}
	seen := map[string]bool{}
	for i, s := range steps {
		switch {
		case s.Name == "":
			return fmt.Errorf("step %d has no name", i)
		case seen[s.Name]:
			return fmt.Errorf("step %q occurs twice", s.Name)
		case s.Do == nil:
			return fmt.Errorf("step %q does nothing", s.Name)
		case s.Timeout <= 0:
			return fmt.Errorf("step %q has no timeout", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// Pause is Run's result when the plan cannot continue now. The worker is free until then.
type Pause struct {
	// After is the time until the next attempt.
	After time.Duration

	step model.Step // what to record about the attempt
}

func (p *Pause) Error() string {
	return fmt.Sprintf("step %q: next attempt in %s", p.step.Name, p.After)
}

// ErrSuperseded means that the document has another operation now. The worker that runs the old one
// stops and releases the document.
var ErrSuperseded = errors.New("another operation has taken the document over")

// next returns the first unfinished step of the plan for this resource.
func next[D, R any](op *model.Operation, r *R, steps []Step[D, R]) *Step[D, R] {
	for i := range steps {
		if !op.HasFinished(steps[i].Name) && steps[i].isFor(r) {
			return &steps[i]
		}
	}
	return nil
}

func (s *Step[D, R]) isFor(r *R) bool { return s.Only == nil || s.Only(r) }

// count returns the number of steps that the plan has for this resource, finished ones included.
func count[D, R any](op *model.Operation, r *R, steps []Step[D, R]) int {
	n := len(op.Finished)
	for i := range steps {
		if !op.HasFinished(steps[i].Name) && steps[i].isFor(r) {
			n++
		}
	}
	return n
}

// Package pipeline runs a plan: a list of named steps against one cluster, each
// recorded in the cluster's document when it ends, so that any worker can go on
// where the last one stopped.
//
// It owns what a step is, how its outcome is judged and how progress is
// recorded. It knows the store, the model and the error catalogue; it knows
// neither what the steps do nor who runs plans, and it never ends an operation.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aro-rp/aro/model"
)

// Step is one entry of a plan: an action, done once, or a condition, asked until
// it holds.
type Step struct {
	// Name is stored. A name is never given to another step, not even after the
	// step that had it is gone.
	Name string
	// Do looks, decides and acts. It may be killed after any line and is then
	// called again, so it has to find out what was done already. It never waits
	// for the world: it returns wait.Later instead, and returns soon after ctx ends.
	//
	// An *arm.Error ends the plan, unless it says no more than that something did not
	// work now, or comes by wait.Again. Any other error is tried again until Timeout;
	// one that comes by wait.AgainFor no longer than its bound.
	Do func(ctx context.Context, w *Work) error
	// Timeout bounds the step over all its attempts, beginning with the first
	// one that was recorded, whoever makes them.
	Timeout time.Duration
	// Only says for which clusters the step is; nil means for all.
	Only func(*model.Cluster) bool
}

// Validate refuses a plan that cannot be recorded: one without steps, with a
// nameless or unbounded step, or with a name that occurs twice.
func Validate(steps []Step) error {
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

// Pause is Run's answer when the plan cannot go on now. The worker is free until
// then.
type Pause struct {
	// After is how long to wait before the next attempt.
	After time.Duration

	step model.Step // what to record about the attempt
}

func (p *Pause) Error() string {
	return fmt.Sprintf("step %q: next attempt in %s", p.step.Name, p.After)
}

// ErrSuperseded means that the cluster now has another operation, which is
// always a delete. Whoever runs the old one stops and hands the cluster over.
var ErrSuperseded = errors.New("another operation has taken the cluster over")

func next(c *model.Cluster, steps []Step) *Step {
	for i := range steps {
		if !c.Internal.Operation.HasFinished(steps[i].Name) && steps[i].isFor(c) {
			return &steps[i]
		}
	}
	return nil
}

func (s *Step) isFor(c *model.Cluster) bool { return s.Only == nil || s.Only(c) }

// count is how many steps the plan has for this cluster, with those it had.
func count(c *model.Cluster, steps []Step) int {
	n := len(c.Internal.Operation.Finished)
	for i := range steps {
		if !c.Internal.Operation.HasFinished(steps[i].Name) && steps[i].isFor(c) {
			n++
		}
	}
	return n
}

// Package wait has the errors with which a call to Azure or to a cluster asks to be
// repeated: later, because a condition does not hold yet, or again, because the
// failure may be temporary. It also measures what a step waits for.
//
// It imports no other package of the service: callers of Azure or a cluster return
// these errors, and the step engine in backend/pipeline handles them.
package wait

import (
	"time"

	"github.com/aro-rp/aro/arm"
)

// Later returns the error of a step whose condition does not hold yet: try again
// after d. No worker is busy meanwhile. waitingFor completes "waiting for" and is
// shown to users; it must not contain secrets.
func Later(d time.Duration, waitingFor string) error {
	return LaterFor("", d, waitingFor)
}

// LaterFor is Later for a part of the cluster. If it does not become ready in time,
// the error of the step names it.
func LaterFor(part string, d time.Duration, waitingFor string) error {
	return &Pending{Part: part, After: d, WaitingFor: waitingFor}
}

// Pending is the error of Later and LaterFor.
type Pending struct {
	// Part is the part of the cluster that the step waits for; may be empty.
	Part string
	// After is the time before the next attempt.
	After time.Duration
	// WaitingFor completes the words "waiting for".
	WaitingFor string
}

func (p *Pending) Error() string { return "waiting for " + p.WaitingFor }

// Again returns the error of a step that failed with err, probably temporarily, for
// example because of another change in progress. The step is retried; the plan ends
// with err only when the step's timeout is over.
func Again(err *arm.Error) error { return &Retryable{Err: err} }

// AgainAfter is Again if the server requires that d passes first.
func AgainAfter(d time.Duration, err *arm.Error) error { return &Retryable{Err: err, After: d} }

// AgainFor is Again for a refusal that is temporary only for a short time, such as
// that of a role assignment that has not taken effect yet: the plan ends with err
// when the step has been refused for d, even before its timeout.
func AgainFor(d time.Duration, err *arm.Error) error { return &Retryable{Err: err, Within: max(d, 1)} }

// Retryable is the error of Again, AgainAfter and AgainFor.
type Retryable struct {
	Err *arm.Error
	// After is the minimum time before the next attempt.
	After time.Duration
	// Within bounds how long a refused step is retried; 0 is the timeout of the step.
	Within time.Duration
}

func (r *Retryable) Error() string { return r.Err.Error() }

func (r *Retryable) Unwrap() error { return r.Err }

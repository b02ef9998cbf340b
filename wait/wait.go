// Package wait is how a call to Azure or to a cluster says that time is part of
// the answer: ask again later, or try again because what failed may pass. It also
// measures for whom a step waits.
//
// It is a leaf: whoever calls Azure or a cluster returns these errors, and the
// step engine in backend/pipeline acts on them.
package wait

import (
	"time"

	"github.com/aro-rp/aro/arm"
)

// Later returns the error of a step whose condition does not hold yet: ask again
// after d. The worker is free meanwhile. waitingFor completes the words "waiting
// for" and is shown to people; it holds no secrets.
func Later(d time.Duration, waitingFor string) error {
	return LaterFor("", d, waitingFor)
}

// LaterFor is Later for a part of the cluster. If it does not become ready in
// time, the error is about it and not about the step.
func LaterFor(part string, d time.Duration, waitingFor string) error {
	return &Pending{Part: part, After: d, WaitingFor: waitingFor}
}

// Pending is the error of Later and LaterFor.
type Pending struct {
	// Part is the part of the cluster that is waited for; it may be empty.
	Part string
	// After is how long to wait before the next look.
	After time.Duration
	// WaitingFor completes the words "waiting for".
	WaitingFor string
}

func (p *Pending) Error() string { return "waiting for " + p.WaitingFor }

// Again returns the error of a step that failed with err, probably because
// something needs time, such as a change of somebody else that has to end. The
// step is tried again; only when its time is over does the plan end with err.
func Again(err *arm.Error) error { return &Retryable{Err: err} }

// AgainAfter is Again when the other side said that d must pass first.
func AgainAfter(d time.Duration, err *arm.Error) error { return &Retryable{Err: err, After: d} }

// AgainFor is Again for a refusal that passes soon or not at all, such as that of
// a role assignment that may not have spread yet: the plan ends with err when the
// step has been refused for d, however much of its time is left.
func AgainFor(d time.Duration, err *arm.Error) error { return &Retryable{Err: err, Within: max(d, 1)} }

// Retryable is the error of Again, AgainAfter and AgainFor.
type Retryable struct {
	Err *arm.Error
	// After is the time before which an attempt is of no use.
	After time.Duration
	// Within is how long a step that is refused is tried again; 0 is as long as it lasts.
	Within time.Duration
}

func (r *Retryable) Error() string { return r.Err.Error() }

func (r *Retryable) Unwrap() error { return r.Err }

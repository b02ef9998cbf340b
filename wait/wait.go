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
// something needs time, such as a role assignment that has not spread yet. The
// step is tried again; only when its time is over does the plan end with err.
func Again(err *arm.Error) error { return &Retryable{err: err} }

// AgainAfter is Again when the other side said that d must pass first.
func AgainAfter(d time.Duration, err *arm.Error) error { return &Retryable{err, d} }

// Retryable is the error of Again and AgainAfter.
type Retryable struct {
	err   *arm.Error
	after time.Duration
}

func (r *Retryable) Error() string { return r.err.Error() }

func (r *Retryable) Unwrap() error { return r.err }

// After returns the time before which an attempt is of no use. r may be nil.
func (r *Retryable) After() time.Duration {
	if r == nil {
		return 0
	}
	return r.after
}

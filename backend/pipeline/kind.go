package pipeline

import (
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Kind describes one kind of leased documents to the engine. D is the type of the
// document, R that of the resource in it, which is what steps see and change.
type Kind[D, R any] struct {
	// Meta returns the document's metadata for the store.
	Meta func(*D) *store.Meta
	// Resource returns the part of the document that steps see and change.
	Resource func(*D) *R
	// Operation returns the document's running operation; nil while none runs.
	Operation func(*D) *model.Operation
	// Saved is called after a step changed the resource; may be nil.
	Saved func(*D)
	// GaveUp returns the error that clients see when a step timed out and its last error has no
	// message for them; by default an arm.OperationFailed.
	GaveUp func(kind model.OperationKind, step string) *arm.Error
}

func (k *Kind[D, R]) gaveUp(kind model.OperationKind, step string) *arm.Error {
	if k.GaveUp != nil {
		return k.GaveUp(kind, step)
	}
	return arm.OperationFailed.Errorf("The step %q failed again and again. Repeat the request; if it persists contact support.", step)
}

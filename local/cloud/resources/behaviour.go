package resources

import (
	"context"
	"net/http"
	"net/url"
)

// Caller is who makes a request. The zero Caller is the local Azure itself, which
// may do everything.
type Caller struct {
	TenantID, ObjectID, AppID, Audience string
}

// Call is one request to ARM.
type Call struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   map[string]any
	Caller Caller
	// Document is the parsed body, if it was parsed before the engine read it.
	Document any
	// Values are the variable segments of a Route's pattern.
	Values map[string]string
	// Fails makes a PUT, PATCH or DELETE of a resource that is accepted end with its
	// error; nil for calls that go well.
	Fails func(ctx context.Context) error
}

// fated is work, unless the call is to fail after it was accepted.
func (c *Call) fated(work func(context.Context, *Resource) error) func(context.Context, *Resource) error {
	if c.Fails == nil {
		return work
	}
	return func(ctx context.Context, _ *Resource) error { return c.Fails(ctx) }
}

// Answer is what a call gives back. A nil Body answers nothing.
type Answer struct {
	Status int
	Header http.Header
	Body   any
}

// Change is a PUT or PATCH that is about to happen.
type Change struct {
	// Old is nil when the resource is created. It is a copy.
	Old *Resource
	// New is what will be kept; hooks edit it.
	New  *Resource
	Call *Call
}

// Action is what a POST does on a resource, or what a GET below it shows. It
// returns the body of the answer, nil for none.
type Action struct {
	Run func(ctx context.Context, r *Resource, call *Call) (any, error)
	// Long actions run on after the answer. After a restart they run again.
	Long bool
}

// Behaviour makes one resource type more than a document. Every field may be left out.
//
// Put, InUse, and the Show of answers run one after the other, never two at a time
// for changes; hooks must be quick and may use the Engine with the ctx they got,
// which must not be handed to a goroutine. Delete and Settle run on their own.
type Behaviour struct {
	// Embeds are the members of properties whose elements are resources of a nested
	// type of the same name, such as a virtual network's "subnets". They are kept in
	// the parent and answer on their own paths too. If the nested type has a
	// Behaviour, its Put runs for every element that is new or changed, before the
	// parent's Put, its InUse for every one that vanishes.
	Embeds []string
	// Keeps are those of Embeds that a PUT leaves as they are if its body does not
	// have the member at all. It empties the others.
	Keeps []string
	// Put refuses a change or completes it: defaults, read-only values.
	Put func(ctx context.Context, c *Change) error
	// Kept runs when a change is kept, before any call can see it.
	Kept func(ctx context.Context, c *Change) error
	// Settle does what takes time once the change is kept. Its resource is a copy to
	// read; it changes things with Engine.Change. It runs again after a restart.
	Settle func(ctx context.Context, r *Resource) error
	// InUse refuses a deletion.
	InUse func(ctx context.Context, r *Resource) error
	// Delete deletes what implements the resource. It runs again after a restart.
	Delete func(ctx context.Context, r *Resource) error
	// Deleted runs when the resource is gone.
	Deleted func(ctx context.Context, r *Resource) error
	// Show decorates a copy that is about to be shown.
	Show func(ctx context.Context, r *Resource, query url.Values) error
	// Actions by the last segment of a POST's path, in its canonical casing.
	Actions map[string]Action
	// Views by the last segment of a GET's path below the resource.
	Views map[string]Action
	// Read and List answer GETs of one resource and of its collections instead of
	// the engine, wherever the collection is.
	Read, List Handler
	// Async types answer before a PUT or DELETE is over, always: clients follow the
	// operation below the resource, in the collection of this name.
	Async string
	// Created is the status of a PUT that created; 201 if 0.
	Created int
	// Stateless resources show no provisioningState.
	Stateless bool
	// Missing is the provider's not-found error, for types with an error of their own.
	Missing func(id ID) error
	// Located types answer the PUT that creates one with its path in a header.
	Located bool
	// Synchronous resources are deleted while the caller waits: their clients know no 202.
	Synchronous bool
	// Global resources need no location.
	Global bool
	// Echoes makes a DELETE answer with what it deleted.
	Echoes bool
}

package resources

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aro-rp/aro/arm"
)

// deletionWait bounds how long a group's deletion waits for what cannot be
// deleted yet.
const deletionWait = 2 * time.Minute

// Remove deletes a resource with all below it and waits for the end. What is not
// there is no error.
func (e *Engine) Remove(ctx context.Context, path string) error {
	id, err := Parse(path)
	if err != nil {
		return err
	}
	call := &Call{Method: http.MethodDelete, Path: path}
	if parent, member, ok := e.embedded(id); ok {
		_, err := e.deleteElement(ctx, call, id, parent, member)
		return err
	}
	r, found, err := e.Find(ctx, path)
	if err != nil || !found {
		return err
	}
	if err := e.refuseUse(ctx, r); err != nil {
		return err
	}
	return e.remove(ctx, r)
}

func (e *Engine) delete(ctx context.Context, call *Call) (*Answer, error) {
	id, err := Parse(call.Path)
	if err != nil {
		return nil, err
	}
	if parent, member, ok := e.embedded(id); ok {
		return e.deleteElement(ctx, call, id, parent, member)
	}
	op, shown, err := e.decideDeletion(ctx, call, id)
	if err != nil {
		return nil, err
	}
	if op == nil {
		return &Answer{Status: http.StatusNoContent}, nil
	}
	done := e.begin(op, call.fated(e.remove))
	answer := &Answer{Status: http.StatusOK, Header: http.Header{}}
	grace := e.Grace
	if b := e.behaviour(op.Type); b.Synchronous || b.Stateless && b.Delete == nil {
		grace = operationTime
	}
	if ended := call.Fails == nil && e.soon(ctx, done, grace); ended && e.behaviour(op.Type).Async == "" {
		if err := e.failure(ctx, op.ID); err != nil {
			return nil, err
		}
		if b := e.behaviour(op.Type); b.Echoes {
			answer.Body = shown
		}
		return answer, nil
	}
	answer.Status = http.StatusAccepted
	e.follow(answer.Header, op)
	return answer, nil
}

// decideDeletion marks a resource; nil if there is none.
func (e *Engine) decideDeletion(ctx context.Context, call *Call, id ID) (*Operation, map[string]any, error) {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	r, found, err := e.Find(ctx, call.Path)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		// Groups that do not exist are an error, also for what would be in them.
		if err := e.missing(ctx, call.Path, id); AsError(err).Code == "ResourceGroupNotFound" {
			return nil, nil, err
		}
		if call.Header.Get("If-Match") != "" {
			return nil, nil, preconditions(call, nil)
		}
		return nil, nil, nil
	}
	if err := preconditions(call, r); err != nil {
		return nil, nil, err
	}
	if err := e.refuseUse(ctx, r); err != nil {
		return nil, nil, err
	}
	shown, err := e.show(ctx, r, call.Query)
	if err != nil {
		return nil, nil, err
	}
	op := e.operation(call, r, deleteOperation)
	r.operation = op.ID
	if !e.behaviour(r.Type).Stateless {
		r.Set(Deleting, "provisioningState")
	}
	if err := e.State.Put(ctx, operationKind, op.ID, op); err != nil {
		return nil, nil, err
	}
	return op, shown, e.keep(ctx, r)
}

func (e *Engine) refuseUse(ctx context.Context, r *Resource) error {
	if b := e.behaviour(r.Type); b.InUse != nil {
		return b.InUse(ctx, r)
	}
	return nil
}

// remove ends a resource and what is below it: nested and extension resources,
// deepest first.
func (e *Engine) remove(ctx context.Context, r *Resource) error {
	if r.Type == GroupType {
		return e.removeGroup(ctx, r)
	}
	below, err := e.Below(ctx, r.ID, "")
	if err != nil {
		return err
	}
	slices.Reverse(below) // a path sorts after those above it
	for _, one := range append(below, r) {
		b := e.behaviour(one.Type)
		if b.Delete != nil {
			if err := b.Delete(ctx, one); err != nil {
				return fmt.Errorf("delete %s: %w", one.ID, err)
			}
		}
		if err := e.forget(ctx, one); err != nil {
			return err
		}
		if b.Deleted != nil {
			if err := b.Deleted(ctx, one); err != nil {
				return fmt.Errorf("delete %s: %w", one.ID, err)
			}
		}
	}
	return nil
}

func (e *Engine) forget(ctx context.Context, r *Resource) error {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	_, err := e.State.Delete(ctx, kind, Key(r.ID))
	e.keys.remove(r.Type, Key(r.ID))
	return err
}

// removeGroup deletes what is in a group until nothing is left: what is in use is
// tried again once its user is gone.
func (e *Engine) removeGroup(ctx context.Context, group *Resource) error {
	deadline := e.Now().Add(deletionWait)
	for {
		left, err := e.contents(ctx, group.ID)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return e.removeEmpty(ctx, group)
		}
		progress := false
		var refusal error
		for _, r := range left {
			if err := e.Remove(ctx, r.ID); err != nil {
				refusal = err
				continue
			}
			progress = true
		}
		if progress {
			deadline = e.Now().Add(deletionWait)
			continue
		}
		if e.Now().After(deadline) || !deferrable(refusal) {
			return Refuse(http.StatusConflict, "ResourceGroupDeletionBlocked", "Deletion of resource group '%s' failed as resources with identifiers '%s' could not be deleted: %v",
				group.Name, left[0].ID, refusal)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// deferrable reports whether a refusal may be temporary, such as a resource still in use.
func deferrable(err error) bool {
	status := AsError(err).Status
	return status == http.StatusConflict || status == http.StatusBadRequest
}

// contents are the resources directly in a group, without what extends the group itself.
func (e *Engine) contents(ctx context.Context, group string) ([]*Resource, error) {
	all, err := e.Below(ctx, group, "")
	if err != nil {
		return nil, err
	}
	var top []*Resource
	for _, r := range all {
		id := mustParse(r.ID)
		if len(id.Types) == 1 && Key(id.Scope) == Key(group) && !arm.EqualFold(id.Namespace, "Microsoft.Authorization") {
			top = append(top, r)
		}
	}
	return top, nil
}

// removeEmpty deletes a group that nothing is left in but what extends it.
func (e *Engine) removeEmpty(ctx context.Context, group *Resource) error {
	below, err := e.Below(ctx, group.ID, "")
	if err != nil {
		return err
	}
	slices.Reverse(below)
	for _, r := range append(below, group) {
		if err := e.forget(ctx, r); err != nil {
			return err
		}
		if b := e.behaviour(r.Type); b.Deleted != nil {
			if err := b.Deleted(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// Forget drops a resource with all below it as if it had never been: no hook runs
// but Deleted. It is for shadows of what another service keeps.
func (e *Engine) Forget(ctx context.Context, path string) error {
	r, found, err := e.Find(ctx, path)
	if err != nil || !found {
		return err
	}
	return e.removeEmpty(ctx, r)
}

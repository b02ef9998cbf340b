package resources

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
)

// element is the named element of a member as a resource, nil if there is none.
func (e *Engine) element(parent *Resource, member, name string) *Resource {
	for _, m := range Objects(parent.Get(member)) {
		if s, _ := m["name"].(string); arm.EqualFold(s, name) {
			r := FromBody(m)
			r.ID, _ = m["id"].(string)
			r.Type, _ = m["type"].(string)
			r.Etag, _ = m["etag"].(string)
			r.Name = s
			return r
		}
	}
	return nil
}

// replaceElement puts r in the place of the element with its name, or at the end.
func replaceElement(parent *Resource, member string, r *Resource) {
	r.Etag = `W/"` + uuid.NewString() + `"`
	elements := Objects(parent.Get(member))
	for i, m := range elements {
		if s, _ := m["name"].(string); arm.EqualFold(s, r.Name) {
			elements[i] = r.Shown()
			parent.Set(elements, member)
			return
		}
	}
	parent.Set(append(elements, r.Shown()), member)
}

// settleElements gives the elements of a changed parent their ids and states, and
// runs the hooks of their types.
func (e *Engine) settleElements(ctx context.Context, c *Change) error {
	b := e.behaviour(c.New.Type)
	for _, member := range b.Embeds {
		value := c.New.Get(member)
		if value == nil && c.Old != nil && slices.Contains(b.Keeps, member) {
			value = c.Old.Get(member)
		}
		if value == nil {
			value = []any{}
		}
		kept := []any{}
		names := map[string]bool{}
		for _, m := range Objects(value) {
			r, err := e.settleElement(ctx, c, member, m)
			if err != nil {
				return err
			}
			if names[arm.ToLower(r.Name)] {
				return Refuse(http.StatusBadRequest, "InvalidRequestFormat", "The name '%s' appears twice in %s.", r.Name, member)
			}
			names[arm.ToLower(r.Name)] = true
			kept = append(kept, r.Shown())
		}
		if c.Old != nil {
			for _, m := range Objects(c.Old.Get(member)) {
				name, _ := m["name"].(string)
				if err := e.mayVanish(ctx, e.element(c.Old, member, name), names); err != nil {
					return err
				}
			}
		}
		c.New.Set(kept, member)
	}
	return nil
}

func (e *Engine) mayVanish(ctx context.Context, r *Resource, kept map[string]bool) error {
	if r == nil || kept[arm.ToLower(r.Name)] {
		return nil
	}
	return e.refuseUse(ctx, r)
}

// dropExtensions removes extensions of elements that a change removed, such as role assignments on
// a subnet.
func (e *Engine) dropExtensions(ctx context.Context, c *Change) error {
	if c.Old == nil {
		return nil
	}
	for _, member := range e.behaviour(c.New.Type).Embeds {
		for _, m := range Objects(c.Old.Get(member)) {
			name, _ := m["name"].(string)
			if e.element(c.New, member, name) != nil {
				continue
			}
			below, err := e.Below(ctx, c.New.ID+"/"+member+"/"+name, "")
			if err != nil {
				return err
			}
			for _, r := range below {
				if err := e.forget(ctx, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (e *Engine) settleElement(ctx context.Context, c *Change, member string, m map[string]any) (*Resource, error) {
	r := FromBody(m)
	r.Name, _ = m["name"].(string)
	if r.Name == "" {
		return nil, Refuse(http.StatusBadRequest, "InvalidRequestFormat", "An element of %s has no name.", member)
	}
	r.Type = c.New.Type + "/" + member
	r.ID = c.New.ID + "/" + member + "/" + r.Name
	var old *Resource
	if c.Old != nil {
		old = e.element(c.Old, member, r.Name)
	}
	if old != nil {
		r.ID, r.Name, r.Etag = old.ID, old.Name, old.Etag
		r.Set("Succeeded", "provisioningState")
		if reflect.DeepEqual(r.Clone().Shown(), old.Clone().Shown()) {
			return r, nil
		}
	}
	if b := e.behaviour(r.Type); b.Put != nil {
		if err := b.Put(ctx, &Change{Old: old, New: r, Call: c.Call}); err != nil {
			return nil, err
		}
	}
	r.Set("Succeeded", "provisioningState")
	r.Etag = `W/"` + uuid.NewString() + `"`
	return r, nil
}

// writeElement is a PUT or PATCH of an embedded resource: one of its parent.
func (e *Engine) writeElement(ctx context.Context, call *Call, id ID, parentID, member string) (*Answer, error) {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	parent, found, err := e.Find(ctx, parentID)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, e.missing(ctx, parentID, mustParse(parentID))
	}
	old := e.element(parent, member, id.Name())
	if err := preconditions(call, old); err != nil {
		return nil, err
	}
	body := call.Body
	if call.Method == http.MethodPatch {
		if old == nil {
			return nil, e.missing(ctx, call.Path, id)
		}
		body = Merge(old.Shown(), body)
	}
	r := FromBody(body)
	r.Name = id.Name()
	if old != nil {
		r.Name = old.Name
	}
	next := parent.Clone()
	replaceElement(next, member, r)
	inner := *call
	inner.Method, inner.Path, inner.Body, inner.Header = http.MethodPut, parent.ID, next.Shown(), nil
	if _, err := e.write(ctx, &inner); err != nil {
		return nil, err
	}
	shown, err := e.Shown(ctx, parent.ID+"/"+member+"/"+r.Name)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if old == nil {
		status = http.StatusCreated
	}
	return &Answer{Status: status, Body: shown}, nil
}

// deleteElement is a DELETE of an embedded resource.
func (e *Engine) deleteElement(ctx context.Context, call *Call, id ID, parentID, member string) (*Answer, error) {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	parent, found, err := e.Find(ctx, parentID)
	if err != nil {
		return nil, err
	}
	if !found || e.element(parent, member, id.Name()) == nil {
		return &Answer{Status: http.StatusNoContent}, nil
	}
	next := parent.Clone()
	rest := []any{}
	for _, m := range Objects(next.Get(member)) {
		if name, _ := m["name"].(string); !arm.EqualFold(name, id.Name()) {
			rest = append(rest, m)
		}
	}
	next.Set(rest, member)
	inner := *call
	inner.Method, inner.Path, inner.Body, inner.Header = http.MethodPut, parent.ID, next.Shown(), nil
	if _, err := e.write(ctx, &inner); err != nil {
		return nil, err
	}
	return &Answer{Status: http.StatusOK}, nil
}

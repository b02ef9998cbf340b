package resources

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
)

// Create makes or replaces a resource as a PUT of the local Azure itself would,
// and returns it as kept. It does not wait for what the type settles later.
func (e *Engine) Create(ctx context.Context, path string, body map[string]any) (*Resource, error) {
	if _, err := e.write(ctx, &Call{Method: http.MethodPut, Path: path, Body: body}); err != nil {
		return nil, err
	}
	return e.Get(ctx, path)
}

// write does a PUT or PATCH. The answer has everything but what show adds later.
func (e *Engine) write(ctx context.Context, call *Call) (*Answer, error) {
	id, err := Parse(call.Path)
	if err != nil {
		return nil, err
	}
	if id.Collection() {
		return nil, Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "A collection cannot be written: %s.", call.Path)
	}
	if parent, member, ok := e.embedded(id); ok {
		return e.writeElement(ctx, call, id, parent, member)
	}
	c, b, op, err := e.decide(ctx, call, id)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: http.StatusOK, Header: http.Header{}}
	if c.Old == nil {
		answer.Status = http.StatusCreated
		if b.Created != 0 {
			answer.Status = b.Created
		}
	}
	r := c.New
	if op != nil {
		accepted := c.New.Clone()
		done := e.begin(op, call.fated(b.Settle))
		if b.Async != "" {
			e.soon(ctx, done, e.Grace) // the first look of most clients finds the end then
			answer.Header.Set("Azure-AsyncOperation", e.operationURL(op, "operations"))
			answer.Body, err = e.show(ctx, accepted, call.Query)
			return answer, err
		}
		if call.Fails != nil || !e.soon(ctx, done, e.Grace) {
			e.follow(answer.Header, op)
			// SDKs poll what answers 200 or 201 with this header.
		}
		if r, err = e.Get(ctx, r.ID); err != nil {
			return nil, err
		}
		if failed := e.failure(ctx, op.ID); failed != nil && call.Fails == nil && r.ProvisioningState() == Failed {
			return nil, failed
		}
	}
	shown, err := e.show(ctx, r, call.Query)
	if err != nil {
		return nil, err
	}
	if id, _ := shown["id"].(string); b.Located && c.Old == nil {
		answer.Header.Set("Location", id)
	}
	answer.Body = shown
	return answer, nil
}

// decide checks a change, runs the type's hook and keeps the result.
func (e *Engine) decide(ctx context.Context, call *Call, id ID) (*Change, *Behaviour, *Operation, error) {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	c, err := e.proposal(ctx, call, id)
	if err != nil {
		return nil, nil, nil, err
	}
	b := e.behaviour(c.New.Type)
	if err := e.settleElements(ctx, c); err != nil {
		return nil, nil, nil, err
	}
	if b.Put != nil {
		if err := b.Put(ctx, c); err != nil {
			return nil, nil, nil, err
		}
	}
	var op *Operation
	if b.Settle != nil || call.Fails != nil {
		state := "Updating"
		if c.Old == nil {
			state = "Creating"
		}
		op = e.operation(call, c.New, putOperation)
		c.New.operation = op.ID
		c.New.Default(state, "provisioningState")
		if err := e.State.Put(ctx, operationKind, op.ID, op); err != nil {
			return nil, nil, nil, err
		}
	} else if !b.Stateless {
		c.New.Default(Succeeded, "provisioningState")
	}
	if err := errors.Join(e.keep(ctx, c.New), e.dropExtensions(ctx, c)); err != nil {
		return nil, nil, nil, err
	}
	if b.Kept != nil {
		err = b.Kept(ctx, c)
	}
	return c, b, op, err
}

// proposal is the requested change, with immutable members.
func (e *Engine) proposal(ctx context.Context, call *Call, id ID) (*Change, error) {
	old, found, err := e.Find(ctx, call.Path)
	if err != nil {
		return nil, err
	}
	if !found {
		old = nil
	}
	if err := preconditions(call, old); err != nil {
		return nil, err
	}
	if old != nil && old.ProvisioningState() == Deleting && old.Type != GroupType {
		return nil, Refuse(http.StatusConflict, "ResourceBeingDeleted", "The resource '%s' is being deleted and cannot be changed.", old.Name)
	}
	body := call.Body
	if call.Method == http.MethodPatch {
		if old == nil {
			return nil, e.missing(ctx, call.Path, id)
		}
		body = Merge(old.Shown(), body)
	}
	c := &Change{New: FromBody(body), Call: call}
	c.New.Set(nil, "provisioningState")
	if old != nil {
		c.Old = old.Clone()
		c.New.ID, c.New.Name, c.New.Type, c.New.Created = old.ID, old.Name, old.Type, old.Created
		c.New.Local = old.Clone().Local
		if c.New.Location == "" {
			c.New.Location = old.Location
		}
		if c.New.ManagedBy == "" {
			c.New.ManagedBy = old.ManagedBy
		}
		if c.New.Tags == nil && call.Method == http.MethodPatch {
			c.New.Tags = old.Tags
		}
	} else if err := e.place(ctx, call.Path, id, c.New); err != nil {
		return nil, err
	}
	return c, e.checkLocation(c, id)
}

func (e *Engine) checkLocation(c *Change, id ID) error {
	c.New.Location = Location(c.New.Location)
	if c.Old != nil && c.Old.Location != "" && c.New.Location != c.Old.Location {
		code := "InvalidResourceLocation"
		if c.New.Type == GroupType {
			code = "InvalidResourceGroupLocation"
		}
		return Refuse(http.StatusConflict, code, "The resource '%s' already exists in location '%s'. It cannot be created with the same name in location '%s'.",
			c.New.Name, c.Old.Location, c.New.Location)
	}
	if c.New.Location == "" && e.needsLocation(c.New, id) {
		return Refuse(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	}
	return nil
}

// needsLocation holds for tracked resources: those directly in a group.
func (e *Engine) needsLocation(r *Resource, id ID) bool {
	switch {
	case e.behaviour(r.Type).Global || len(id.Types) > 1:
		return false
	case r.Type == GroupType:
		return true
	case arm.EqualFold(id.Namespace, "Microsoft.Authorization"), arm.EqualFold(id.Namespace, "Microsoft.Resources"):
		return false
	}
	return len(Segments(id.Scope)) == 4 && Group(id.Scope) != ""
}

// Location normalizes a location: "East US" is eastus.
func Location(name string) string {
	return arm.ToLower(strings.ReplaceAll(name, " ", ""))
}

// place gives a new resource its id below its parent, which must exist.
func (e *Engine) place(ctx context.Context, path string, id ID, r *Resource) error {
	r.Type, r.Name = e.Canonical(id.Type()), id.Name()
	last := r.Type[strings.LastIndex(r.Type, "/")+1:]
	if id.Scope == "" && len(id.Types) == 1 {
		r.ID = "/providers/" + r.Type + "/" + r.Name
		if r.Type == "Microsoft.Resources/subscriptions" {
			r.ID = "/subscriptions/" + r.Name
		}
		return nil
	}
	parent, err := e.parent(ctx, path, id)
	if err != nil {
		return err
	}
	switch {
	case r.Type == GroupType:
		r.ID = parent + "/resourceGroups/" + r.Name
	case len(id.Types) > 1:
		r.ID = parent + "/" + last + "/" + r.Name
	default:
		r.ID = parent + "/providers/" + r.Type + "/" + r.Name
	}
	return nil
}

// parent is the id, as kept, of what a new resource will be below.
func (e *Engine) parent(ctx context.Context, path string, id ID) (string, error) {
	if group := GroupID(path); group != "" && !arm.EqualFold(id.Type(), GroupType) {
		g, err := e.Get(ctx, group)
		if err != nil {
			return "", err
		}
		if g.ProvisioningState() == Deleting {
			return "", Refuse(http.StatusConflict, "ResourceGroupBeingDeleted", "The resource group '%s' is in deprovisioning state and cannot perform this operation.", g.Name)
		}
	}
	parent := id.Parent()
	if parent == "" {
		return "", nil
	}
	r, found, err := e.Find(ctx, parent)
	if err != nil {
		return "", err
	}
	if found {
		return r.ID, nil
	}
	outer := mustParse(parent)
	if len(outer.Types) > 1 && arm.EqualFold(outer.Name(), "default") {
		// Services of an account, such as blobServices/default, are always there.
		above, err := e.parent(ctx, parent, outer)
		return above + "/" + e.lastOf(outer) + "/" + outer.Name(), err
	}
	if len(id.Types) > 1 {
		return "", Refuse(http.StatusNotFound, "ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '%s' not found.", strings.Join(outer.Names, "/"))
	}
	return "", e.missing(ctx, parent, outer)
}

func (e *Engine) lastOf(id ID) string {
	t := e.Canonical(id.Type())
	return t[strings.LastIndex(t, "/")+1:]
}

// mustParse parses what was made of a parsed path.
func mustParse(path string) ID {
	id, err := Parse(path)
	if err != nil {
		return ID{Types: []string{""}, Names: []string{path}}
	}
	return id
}

// preconditions of the request against what is kept, nil if nothing is.
func preconditions(call *Call, old *Resource) error {
	match, none := call.Header.Get("If-Match"), call.Header.Get("If-None-Match")
	failed := Refuse(http.StatusPreconditionFailed, "PreconditionFailed", "The condition on the ETag was not met.")
	if match != "" && (old == nil || match != "*" && !sameTag(match, old.Etag)) {
		return failed
	}
	if none != "" && old != nil && (none == "*" || sameTag(none, old.Etag)) {
		return failed
	}
	return nil
}

func sameTag(a, b string) bool {
	trim := func(s string) string { return strings.Trim(strings.TrimPrefix(s, "W/"), `"`) }
	return trim(a) == trim(b)
}

// Merge applies an RFC 7396 patch; tags are replaced as a set, as ARM does.
func Merge(target, patch map[string]any) map[string]any {
	merged := map[string]any{}
	for k, v := range target {
		merged[k] = v
	}
	for k, v := range patch {
		if k == "tags" && v != nil {
			merged[k] = v
			continue
		}
		merged[k] = mergeValue(merged[k], v)
		if merged[k] == nil {
			delete(merged, k)
		}
	}
	if tags, ok := merged["tags"].(map[string]string); ok {
		loose := map[string]any{}
		for k, v := range tags {
			loose[k] = v
		}
		merged["tags"] = loose
	}
	return merged
}

func mergeValue(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if t, ok := target.(map[string]any); ok {
		for k, v := range t {
			merged[k] = v
		}
	}
	for k, v := range p {
		if v = mergeValue(merged[k], v); v == nil {
			delete(merged, k)
		} else {
			merged[k] = v
		}
	}
	return merged
}

func newID() string { return uuid.NewString() }

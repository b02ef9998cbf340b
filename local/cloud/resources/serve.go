package resources

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Handler answers calls to one route.
type Handler func(ctx context.Context, call *Call) (*Answer, error)

type route struct {
	method   string
	segments []string
	handler  Handler
}

// Route answers a method and pattern by a handler instead of the engine, such as
// GET /subscriptions/{subscription}/providers/Microsoft.Compute/skus. Segments in
// braces match anything; the others match in any case. The first route wins.
func (e *Engine) Route(method, pattern string, handler Handler) {
	e.routes = append(e.routes, route{method, Segments(pattern), handler})
}

func (r route) match(method string, path []string) (map[string]string, bool) {
	if r.method != method || len(path) != len(r.segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, s := range r.segments {
		switch {
		case strings.HasPrefix(s, "{"):
			values[strings.Trim(s, "{}")] = path[i]
		case !arm.EqualFold(s, path[i]):
			return nil, false
		}
	}
	return values, true
}

// Serve answers a call. Permissions are checked by then. A change that has begun is
// completed, whether or not its client still waits.
func (e *Engine) Serve(ctx context.Context, call *Call) (*Answer, error) {
	if call.Method != http.MethodGet && call.Method != http.MethodHead {
		ctx = context.WithoutCancel(ctx)
	}
	call.Path = join(Segments(call.Path))
	segments := Segments(call.Path)
	for _, r := range e.routes {
		if values, ok := r.match(call.Method, segments); ok {
			call.Values = values
			return r.handler(ctx, call)
		}
	}
	id, err := Parse(call.Path)
	if err != nil {
		return nil, err
	}
	switch call.Method {
	case http.MethodGet:
		return e.read(ctx, call, id)
	case http.MethodHead:
		if _, err := e.Get(ctx, call.Path); err != nil {
			return nil, err
		}
		return &Answer{Status: http.StatusNoContent}, nil
	case http.MethodPut, http.MethodPatch:
		if call.Body == nil {
			return nil, Refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
		}
		return e.write(ctx, call)
	case http.MethodDelete:
		if id.Collection() {
			break
		}
		return e.delete(ctx, call)
	case http.MethodPost:
		return e.post(ctx, call, id)
	}
	return nil, Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not allowed for %s.", call.Method, call.Path)
}

func (e *Engine) read(ctx context.Context, call *Call, id ID) (*Answer, error) {
	b := e.behaviour(id.Type())
	if b.List != nil && id.Collection() {
		return b.List(ctx, call)
	}
	if !id.Collection() {
		if b.Read != nil {
			return b.Read(ctx, call)
		}
		r, err := e.Get(ctx, call.Path)
		if err != nil {
			return nil, err
		}
		body, err := e.show(ctx, r, call.Query)
		if err != nil {
			return nil, err
		}
		answer := &Answer{Status: http.StatusOK, Body: body, Header: http.Header{}}
		if etag, shown := body["etag"].(string); shown {
			answer.Header.Set("ETag", etag)
		}
		return answer, nil
	}
	if len(id.Types) > 1 {
		owner := id.Namespace + "/" + strings.Join(id.Types[:len(id.Types)-1], "/")
		for name, view := range e.behaviour(owner).Views {
			if arm.EqualFold(name, id.Last()) {
				r, err := e.Get(ctx, id.Parent())
				if err != nil {
					return nil, err
				}
				body, err := view.Run(ctx, r, call)
				return &Answer{Status: http.StatusOK, Body: body}, err
			}
		}
	}
	return e.list(ctx, call, id)
}

func (e *Engine) post(ctx context.Context, call *Call, id ID) (*Answer, error) {
	if !id.Collection() || len(id.Types) < 2 {
		return nil, Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "There is no action %s.", call.Path)
	}
	owner := id.Namespace + "/" + strings.Join(id.Types[:len(id.Types)-1], "/")
	for name, action := range e.behaviour(owner).Actions {
		if !arm.EqualFold(name, id.Last()) {
			continue
		}
		r, err := e.Get(ctx, id.Parent())
		if err != nil {
			return nil, err
		}
		if action.Long {
			return e.postLong(ctx, call, r, name)
		}
		body, err := action.Run(ctx, r, call)
		if err != nil {
			return nil, err
		}
		return &Answer{Status: http.StatusOK, Body: body}, nil
	}
	return nil, Refuse(http.StatusNotFound, "InvalidResourceType", "The action '%s' of type '%s' could not be found.", id.Last(), e.Canonical(owner))
}

// postLong runs an action that may go on after the answer.
func (e *Engine) postLong(ctx context.Context, call *Call, r *Resource, name string) (*Answer, error) {
	op := e.operation(call, r, postOperation)
	op.Action, op.Call.Body = name, call.Body
	if err := e.State.Put(ctx, operationKind, op.ID, op); err != nil {
		return nil, err
	}
	done := e.begin(op, e.work(op))
	if e.soon(ctx, done, e.Grace) {
		if err := e.failure(ctx, op.ID); err != nil {
			return nil, err
		}
		answer := &Answer{Status: http.StatusOK}
		if op.Result != nil {
			answer.Body = op.Result
		}
		return answer, nil
	}
	answer := &Answer{Status: http.StatusAccepted, Header: http.Header{}}
	e.follow(answer.Header, op)
	return answer, nil
}

// act runs a long action and keeps what it returned.
func (e *Engine) act(ctx context.Context, op *Operation, action Action, r *Resource) error {
	call := &Call{Method: http.MethodPost, Path: op.Resource + "/" + op.Action, Body: op.Call.Body, Caller: op.Call.Caller}
	body, err := action.Run(ctx, r, call)
	if err != nil || body == nil {
		return err
	}
	op.Result, err = json.Marshal(body)
	return err
}

package resources

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// pageSize is how many resources one answer lists at most.
const pageSize = 500

// list answers a GET of a collection.
func (e *Engine) list(ctx context.Context, call *Call, id ID) (*Answer, error) {
	if parent, member, ok := e.embedded(id); ok {
		r, err := e.Get(ctx, parent)
		if err != nil {
			return nil, err
		}
		shown, err := e.show(ctx, r, call.Query)
		if err != nil {
			return nil, err
		}
		elements := At(Object(shown["properties"]), member)
		if elements == nil {
			elements = []any{}
		}
		return &Answer{Status: http.StatusOK, Body: map[string]any{"value": elements}}, nil
	}
	parent := id.Parent()
	if len(Segments(parent)) > 2 {
		if _, err := e.Get(ctx, parent); err != nil && !defaultService(parent) {
			return nil, err
		}
	}
	all, err := e.Below(ctx, parent, id.Type())
	if err != nil {
		return nil, err
	}
	return e.page(ctx, call, all)
}

// defaultService tells whether a path is of a service that always exists.
func defaultService(path string) bool { return strings.HasSuffix(Key(path), "/default") }

// everything answers the lists of resources of all types below a path.
func (e *Engine) everything(ctx context.Context, call *Call) (*Answer, error) {
	scope := call.Path[:strings.LastIndex(strings.TrimRight(call.Path, "/"), "/")]
	if _, err := e.Get(ctx, scope); err != nil {
		return nil, err
	}
	all, err := e.Below(ctx, scope, "")
	if err != nil {
		return nil, err
	}
	expand := strings.ToLower(call.Query.Get("$expand"))
	var tracked []*Resource
	for _, r := range all {
		id := mustParse(r.ID)
		if r.Type == GroupType || Group(r.ID) == "" || len(id.Types) > 2 || r.Location == "" {
			continue // ARM lists what has a location
		}
		r.Etag, r.More = "", nil
		properties := r.Properties
		r.Properties = nil
		if strings.Contains(expand, "provisioningstate") {
			r.More = map[string]any{"provisioningState": properties["provisioningState"]}
		}
		for _, times := range []struct {
			name string
			at   time.Time
		}{{"createdTime", r.Created}, {"changedTime", r.Changed}} {
			if strings.Contains(expand, strings.ToLower(times.name)) {
				if r.More == nil {
					r.More = map[string]any{}
				}
				r.More[times.name] = times.at.Format(time.RFC3339Nano)
			}
		}
		tracked = append(tracked, r)
	}
	return e.shownPage(call, tracked, func(r *Resource) (map[string]any, error) { return r.Shown(), nil })
}

// page answers with the resources that the query asks for, as callers see them.
func (e *Engine) page(ctx context.Context, call *Call, all []*Resource) (*Answer, error) {
	return e.shownPage(call, all, func(r *Resource) (map[string]any, error) { return e.show(ctx, r, call.Query) })
}

func (e *Engine) shownPage(call *Call, all []*Resource, show func(*Resource) (map[string]any, error)) (*Answer, error) {
	filter, err := ParseFilter(call.Query.Get("$filter"))
	if err != nil {
		return nil, err
	}
	matching := all[:0:0]
	for _, r := range all {
		if filter.Matches(Fields{Values: r.values}) {
			matching = append(matching, r)
		}
	}
	bodies := []any{}
	part, next, err := Page(call.Query, matching)
	if err != nil {
		return nil, err
	}
	for _, r := range part {
		body, err := show(r)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	answer := map[string]any{"value": bodies}
	if next != "" {
		query := url.Values{}
		for name, values := range call.Query {
			query[name] = values
		}
		query.Set("$skiptoken", next)
		answer["nextLink"] = e.Origin + call.Path + "?" + query.Encode()
	}
	return &Answer{Status: http.StatusOK, Body: answer}, nil
}

// Page is the part of all that a query with $top and $skiptoken asks for, and the
// token of the next part, empty if there is none. All must be sorted by id.
func Page(query url.Values, all []*Resource) (part []*Resource, next string, err error) {
	size := pageSize
	if top := query.Get("$top"); top != "" {
		if size, err = strconv.Atoi(top); err != nil || size < 1 {
			return nil, "", Refuse(http.StatusBadRequest, "InvalidTopParameter", "The $top query parameter must be a positive number.")
		}
		size = min(size, 1000)
	}
	if token := query.Get("$skiptoken"); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", Refuse(http.StatusBadRequest, "InvalidSkipToken", "The $skiptoken is not one of this service.")
		}
		for len(all) > 0 && Key(all[0].ID) <= string(after) {
			all = all[1:]
		}
	}
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], base64.RawURLEncoding.EncodeToString([]byte(Key(all[size-1].ID))), nil
}

// values are those of a field that filters may name.
func (r *Resource) values(field string) []string {
	switch strings.ToLower(field) {
	case "name":
		return []string{r.Name}
	case "resourcetype", "type":
		return []string{r.Type}
	case "location":
		return []string{r.Location}
	case "resourcegroup":
		return []string{Group(r.ID)}
	case "managedby":
		return []string{r.ManagedBy}
	case "tagname":
		var names []string
		for name := range r.Tags {
			names = append(names, name)
		}
		return names
	case "tagvalue":
		var values []string
		for _, value := range r.Tags {
			values = append(values, value)
		}
		return values
	}
	if s, ok := r.Properties[field].(string); ok {
		return []string{s}
	}
	return nil
}

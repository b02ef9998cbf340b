package resources

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
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

// defaultService reports whether a path is of a service that always exists.
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
	expand := arm.ToLower(call.Query.Get("$expand"))
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
			if strings.Contains(expand, arm.ToLower(times.name)) {
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

// page answers with the resources that the query selects, as callers see them.
func (e *Engine) page(ctx context.Context, call *Call, all []*Resource) (*Answer, error) {
	return e.shownPage(call, all, func(r *Resource) (map[string]any, error) { return e.show(ctx, r, call.Query) })
}

func (e *Engine) shownPage(call *Call, all []*Resource, show func(*Resource) (map[string]any, error)) (*Answer, error) {
	filter, err := ParseFilter(call.Query.Get("$filter"))
	if err != nil {
		return nil, err
	}
	matching, keys := all[:0:0], []string{}
	for _, r := range all {
		if filter.Matches(Fields{Values: r.values}) {
			matching, keys = append(matching, r), append(keys, Key(r.ID))
		}
	}
	return e.Paged(call, keys, strings.Compare, func(i int) (map[string]any, error) { return show(matching[i]) })
}

// Paged answers a call with the part of a list that its $top and $skiptoken select, and the link to
// the next part. Keys are those of all elements, sorted by compare; show is what callers see of one
// of them.
func (e *Engine) Paged(call *Call, keys []string, compare func(a, b string) int, show func(i int) (map[string]any, error)) (*Answer, error) {
	from, to, err := part(call.Query, keys, compare)
	if err != nil {
		return nil, err
	}
	bodies := []any{}
	for i := from; i < to; i++ {
		body, err := show(i)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	answer := map[string]any{"value": bodies}
	if to < len(keys) {
		query := maps.Clone(call.Query)
		query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(keys[to-1])))
		answer["nextLink"] = e.Origin + call.Path + "?" + query.Encode()
	}
	return &Answer{Status: http.StatusOK, Body: answer}, nil
}

// part returns the bounds of the part of a list that a query selects. A token is the key of the
// last element before it, which may be deleted by now.
func part(query url.Values, keys []string, compare func(a, b string) int) (from, to int, err error) {
	size := pageSize
	if top := query.Get("$top"); top != "" {
		if size, err = strconv.Atoi(top); err != nil || size < 1 {
			return 0, 0, Refuse(http.StatusBadRequest, "InvalidTopParameter", "The $top query parameter must be a positive number.")
		}
		size = min(size, 1000)
	}
	if token := query.Get("$skiptoken"); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return 0, 0, Refuse(http.StatusBadRequest, "InvalidSkipToken", "The $skiptoken is not one of this service.")
		}
		for from < len(keys) && compare(keys[from], string(after)) <= 0 {
			from++
		}
	}
	return from, min(from+size, len(keys)), nil
}

// values are those of a field that filters may name.
func (r *Resource) values(field string) []string {
	switch arm.ToLower(field) {
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

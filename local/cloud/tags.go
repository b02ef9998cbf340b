package cloud

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const tagsPath = "/providers/microsoft.resources/tags/default"

// isTags reports whether a path is that of a resource's tags.
func isTags(path string) bool { return strings.HasSuffix(resources.Key(path), tagsPath) }

// tags answers calls to the tags of a resource, group or subscription.
func (a *Azure) tags(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	path := "/" + strings.Join(resources.Segments(call.Path), "/")
	scope := path[:len(path)-len(tagsPath)]
	change, err := tagChange(call)
	if err != nil {
		return nil, err
	}
	r, err := a.Engine.Get(ctx, scope)
	if err != nil {
		return nil, err
	}
	shown := r.Tags
	if change != nil {
		if shown, err = a.changeTags(ctx, r, call, change); err != nil {
			return nil, err
		}
	}
	if shown == nil {
		shown = map[string]string{}
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{
		"id": r.ID + "/providers/Microsoft.Resources/tags/default", "name": "default", "type": "Microsoft.Resources/tags", "properties": map[string]any{"tags": shown},
	}}, nil
}

// changeTags writes the tags of a resource where they are kept: those of a cluster at
// its resource provider, whose answer renews the copy here.
func (a *Azure) changeTags(ctx context.Context, r *resources.Resource, call *resources.Call, change func(map[string]string) map[string]string) (map[string]string, error) {
	if isForwarded(r.ID) {
		forwarded := func(method string, body map[string]any) (map[string]string, error) {
			answer, err := a.provider.do(ctx, &resources.Call{
				Method: method, Path: r.ID, Query: url.Values{"api-version": {clusterVersion}}, Header: call.Header, Body: body, Caller: call.Caller,
			})
			if err != nil {
				return nil, err
			}
			return resources.FromBody(resources.Object(answer.Body)).Tags, nil
		}
		before, err := forwarded(http.MethodGet, nil)
		if err != nil {
			return nil, err
		}
		after := map[string]any{}
		for name, value := range change(before) {
			after[name] = value
		}
		return forwarded(http.MethodPatch, map[string]any{"tags": after})
	}
	var after map[string]string
	return after, a.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
		r.Tags = change(r.Tags)
		after = r.Tags
		return nil
	})
}

// tagChange is what a call does with the tags there are; nil for one that reads.
func tagChange(call *resources.Call) (func(map[string]string) map[string]string, error) {
	given := map[string]string{}
	sent, _ := resources.At(call.Body, "properties", "tags").(map[string]any)
	for name, value := range sent {
		given[name], _ = value.(string)
	}
	operation, _ := call.Body["operation"].(string)
	switch {
	case call.Method == http.MethodGet:
		return nil, nil
	case call.Method == http.MethodDelete:
		return func(map[string]string) map[string]string { return nil }, nil
	case call.Method == http.MethodPut, arm.EqualFold(operation, "Replace"):
		return func(map[string]string) map[string]string { return given }, nil
	case arm.EqualFold(operation, "Merge"):
		return func(tags map[string]string) map[string]string {
			merged := maps.Clone(given)
			for name, value := range tags {
				if _, ok := merged[name]; !ok {
					merged[name] = value
				}
			}
			return merged
		}, nil
	case arm.EqualFold(operation, "Delete"):
		return func(tags map[string]string) map[string]string {
			left := maps.Clone(tags)
			maps.DeleteFunc(left, func(name, value string) bool { v, ok := given[name]; return ok && (v == "" || v == value) })
			return left
		}, nil
	}
	return nil, refuse("InvalidTagsOperation", "The operation must be Merge, Replace or Delete.")
}

// tagKind stores predefined tag names and values.
const tagKind = "tagname"

// tagRoutes answer which tags a subscription uses or has defined.
func (a *Azure) tagRoutes() {
	const names = "/subscriptions/{subscription}/tagNames"
	a.Engine.Route(http.MethodGet, names, a.tagNames)
	for _, path := range []string{names + "/{tag}", names + "/{tag}/tagValues/{value}"} {
		a.Engine.Route(http.MethodPut, path, func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			status := http.StatusCreated
			if found, err := a.State.Get(ctx, tagKind, tagKey(call), new(string)); err != nil {
				return nil, err
			} else if found {
				status = http.StatusOK
			}
			if err := a.State.Put(ctx, tagKind, tagKey(call), ""); err != nil {
				return nil, err
			}
			body := map[string]any{"id": call.Path, "tagName": call.Values["tag"], "count": map[string]any{"type": "Total", "value": 0}, "values": []any{}}
			if value := call.Values["value"]; value != "" {
				body = map[string]any{"id": call.Path, "tagValue": value, "count": map[string]any{"type": "Total", "value": 0}}
			}
			return &resources.Answer{Status: status, Body: body}, nil
		})
		a.Engine.Route(http.MethodDelete, path, func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			existed, err := a.State.Delete(ctx, tagKind, tagKey(call))
			if err != nil || !existed {
				return &resources.Answer{Status: http.StatusNoContent}, err
			}
			return &resources.Answer{Status: http.StatusOK}, nil
		})
	}
}

func tagKey(call *resources.Call) string {
	return strings.ToLower(call.Values["subscription"]) + "/" + url.PathEscape(call.Values["tag"]) + "/" + url.PathEscape(call.Values["value"])
}

// tagNames lists the tags of all resources of a subscription, and those defined.
func (a *Azure) tagNames(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	counts := map[string]map[string]int{}
	add := func(name, value string, n int) {
		if counts[name] == nil {
			counts[name] = map[string]int{}
		}
		counts[name][value] += n
	}
	defined, err := a.State.List(ctx, tagKind, strings.ToLower(call.Values["subscription"])+"/")
	if err != nil {
		return nil, err
	}
	for _, entry := range defined {
		parts := strings.Split(entry.Key, "/")
		name, err1 := url.PathUnescape(parts[1])
		value, err2 := url.PathUnescape(parts[2])
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		add(name, value, 0)
	}
	used, err := a.Engine.Below(ctx, "/subscriptions/"+call.Values["subscription"], "")
	if err != nil {
		return nil, err
	}
	for _, r := range used {
		for name, value := range r.Tags {
			add(name, value, 1)
		}
	}
	all := []any{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		id := "/subscriptions/" + call.Values["subscription"] + "/tagNames/" + name
		total, shown := 0, []any{}
		for _, value := range slices.Sorted(maps.Keys(counts[name])) {
			n := counts[name][value]
			total += n
			if value != "" || n > 0 {
				shown = append(shown, map[string]any{"id": id + "/tagValues/" + value, "tagValue": value, "count": map[string]any{"type": "Total", "value": n}})
			}
		}
		all = append(all, map[string]any{"id": id, "tagName": name, "count": map[string]any{"type": "Total", "value": total}, "values": shown})
	}
	return values(all), nil
}

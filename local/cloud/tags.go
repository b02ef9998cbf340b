package cloud

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const tagsPath = "/providers/microsoft.resources/tags/default"

// isTags tells paths by which the tags of any resource are read and changed.
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

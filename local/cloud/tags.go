package cloud

import (
	"context"
	"maps"
	"net/http"
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
	given := map[string]string{}
	sent, _ := resources.At(call.Body, "properties", "tags").(map[string]any)
	for name, value := range sent {
		given[name], _ = value.(string)
	}
	operation, _ := call.Body["operation"].(string)
	var change func(tags map[string]string) map[string]string
	switch {
	case call.Method == http.MethodGet:
	case call.Method == http.MethodDelete:
		change = func(map[string]string) map[string]string { return nil }
	case call.Method == http.MethodPut, arm.EqualFold(operation, "Replace"):
		change = func(map[string]string) map[string]string { return given }
	case arm.EqualFold(operation, "Merge"):
		change = func(tags map[string]string) map[string]string {
			merged := maps.Clone(given)
			for name, value := range tags {
				if _, ok := merged[name]; !ok {
					merged[name] = value
				}
			}
			return merged
		}
	case arm.EqualFold(operation, "Delete"):
		change = func(tags map[string]string) map[string]string {
			left := maps.Clone(tags)
			maps.DeleteFunc(left, func(name, value string) bool { v, ok := given[name]; return ok && (v == "" || v == value) })
			return left
		}
	default:
		return nil, refuse("InvalidTagsOperation", "The operation must be Merge, Replace or Delete.")
	}
	var shown map[string]string
	r, err := a.Engine.Get(ctx, scope)
	if err == nil && change != nil {
		err = a.Engine.Change(ctx, scope, func(r *resources.Resource) error {
			r.Tags = change(r.Tags)
			shown = r.Tags
			return nil
		})
	} else if err == nil {
		shown = r.Tags
	}
	if err != nil {
		return nil, err
	}
	if shown == nil {
		shown = map[string]string{}
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{
		"id": r.ID + "/providers/Microsoft.Resources/tags/default", "name": "default", "type": "Microsoft.Resources/tags", "properties": map[string]any{"tags": shown},
	}}, nil
}

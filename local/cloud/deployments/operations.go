package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// operation is one thing that a deployment did.
type operation struct {
	kind                   string
	id, resourceType, name string
	begun                  time.Time
	failure                error
}

// note keeps an operation of a deployment.
func (d *Deployments) note(ctx context.Context, id string, o operation) {
	state, code := resources.Succeeded, http.StatusOK
	properties := map[string]any{"statusMessage": nil}
	if o.failure != nil {
		e := resources.AsError(o.failure)
		state, code = resources.Failed, e.Status
		properties["statusMessage"] = map[string]any{"status": resources.Failed, "error": e}
	}
	properties["provisioningOperation"], properties["provisioningState"] = o.kind, state
	properties["timestamp"], properties["duration"] = d.Now().UTC().Format(time.RFC3339Nano), fmt.Sprintf("PT%.7fS", d.Now().Sub(o.begun).Seconds())
	properties["statusCode"], properties["trackingId"], properties["serviceRequestId"] = statusCode(code), uuid.NewString(), uuid.NewString()
	if o.id != "" {
		properties["targetResource"] = map[string]any{"id": o.id, "resourceType": o.resourceType, "resourceName": o.name}
	}
	err := d.Engine.Change(ctx, id, func(deployment *resources.Resource) error {
		operations := resources.Object(deployment.Local["operations"])
		if operations == nil {
			operations = map[string]any{}
			deployment.Local["operations"] = operations
		}
		name := fmt.Sprintf("%016X", len(operations)+1)
		operations[name] = map[string]any{"id": deployment.ID + "/operations/" + name, "operationId": name, "properties": properties}
		return nil
	})
	if err != nil {
		d.Log.Warn("an operation of a deployment is not listed", "deployment", id, "error", err)
	}
}

// operations lists what a deployment did.
func (d *Deployments) operations(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	operations := resources.Object(r.Local["operations"])
	all := []any{}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		all = append(all, operations[name])
	}
	return map[string]any{"value": all}, nil
}

// oneOperation answers with one of them.
func (d *Deployments) oneOperation(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id, _, _ := strings.Cut(arm.ToLower(call.Path), "/operations/")
	r, err := d.Engine.Get(ctx, call.Path[:len(id)])
	if err != nil {
		return nil, err
	}
	one, ok := resources.Object(r.Local["operations"])[strings.ToUpper(call.Values["operation"])]
	if !ok {
		return nil, resources.Refuse(http.StatusNotFound, "DeploymentOperationNotFound", "The deployment '%s' has no operation '%s'.", r.Name, call.Values["operation"])
	}
	return &resources.Answer{Status: http.StatusOK, Body: one}, nil
}

// removeOthers deletes what is in the group of a deployment in complete mode and not in
// its template.
func (d *Deployments) removeOthers(ctx context.Context, id string, t *armtemplate.Template, by sender) []outcome {
	var failures []outcome
	for {
		others, err := d.others(ctx, id, func(other string) bool {
			return slices.ContainsFunc(t.Resources(), func(r *armtemplate.Resource) bool { return armtemplate.Same(r.ID, other) })
		})
		if err != nil {
			return []outcome{{id, err}}
		}
		progress := false
		failures = nil
		for _, r := range others {
			begun := d.Now()
			err := d.remove(ctx, r.ID, by)
			if err != nil {
				failures = append(failures, outcome{r.ID, err}) // it may be in use by another one
				continue
			}
			progress = true
			d.note(ctx, id, operation{kind: "Delete", id: r.ID, resourceType: r.Type, name: r.Name, begun: begun})
		}
		if len(failures) == 0 || !progress || ctx.Err() != nil {
			return failures
		}
	}
}

// others are the resources of the group of a deployment that are not in its template.
func (d *Deployments) others(ctx context.Context, id string, planned func(id string) bool) ([]*resources.Resource, error) {
	group := resources.GroupID(id)
	if group == "" {
		return nil, nil
	}
	all, err := d.Engine.Below(ctx, group, "")
	if err != nil {
		return nil, err
	}
	var others []*resources.Resource
	for _, r := range all {
		parsed, err := resources.Parse(r.ID)
		if err != nil {
			return nil, err
		}
		// A resource's own region counts, as in lists of a group.
		if len(parsed.Types) == 1 && r.Location != "" && resources.Key(parsed.Scope) == resources.Key(group) && !planned(r.ID) {
			others = append(others, r)
		}
	}
	return others, nil
}

// removalVersion is the api-version of deletions in complete mode.
const removalVersion = "2023-11-22"

func (d *Deployments) remove(ctx context.Context, id string, by sender) error {
	answer, err := d.call(ctx, by, http.MethodDelete, id, at(removalVersion), nil)
	if err != nil {
		return err
	}
	if follow := answer.Header.Get("Azure-AsyncOperation"); follow != "" {
		return d.follow(ctx, follow, by)
	}
	return nil
}

// loose is an answer's body as a value.
func loose(v any) (any, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return value.Parse(string(content), value.Strict)
}

package deployments

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// Kinds of changes.
const (
	create      = "Create"
	noChange    = "NoChange"
	modify      = "Modify"
	ignore      = "Ignore"
	remove      = "Delete"
	unsupported = "Unsupported"
	array       = "Array"
)

// whatIf answers with the location of the result of a what-if. Preflight has already validated the
// deployment.
func (d *Deployments) whatIf(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id, _ := target(call.Path)
	q, err := readRequest(call)
	if err != nil {
		return nil, err
	}
	changes, err := d.changes(ctx, id, q, senderOf(call))
	if err != nil {
		return nil, err
	}
	operation := uuid.NewString()
	d.results.Store(operation, map[string]any{"status": resources.Succeeded, "properties": map[string]any{"correlationId": call.Header.Get(correlationHeader), "changes": changes}})
	answer := &resources.Answer{Status: http.StatusAccepted, Header: http.Header{}}
	answer.Header.Set("Location", d.Engine.Origin+"/subscriptions/"+resources.Subscription(id)+"/operationresults/"+operation+"?api-version="+url.QueryEscape(call.Query.Get("api-version")))
	answer.Header.Set("Retry-After", "0")
	return answer, nil
}

// result answers with what a what-if came to, or a deletion.
func (d *Deployments) result(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	if body, ok := d.results.LoadAndDelete(call.Values["operation"]); ok {
		return &resources.Answer{Status: http.StatusOK, Body: body}, nil
	}
	return d.Engine.Result(ctx, call)
}

// changes are what a deployment would change.
func (d *Deployments) changes(ctx context.Context, id string, q *request, by sender) ([]any, error) {
	all, _, err := d.plan(ctx, id, q, by)
	if err != nil {
		return nil, err
	}
	changes := []any{}
	show := func(change *value.Object) {
		if q.idsOnly {
			for _, name := range []string{"before", "after", "delta"} {
				change.Delete(name)
			}
		}
		changes = append(changes, change)
	}
	known := map[string]bool{}
	for _, p := range all {
		known[resources.Key(p.ID)] = true
		if arm.EqualFold(p.Type, deploymentType) {
			if p.unread != "" {
				show(value.NewObject("resourceId", p.ID, "changeType", unsupported, "unsupportedReason", p.unread))
			}
			continue // what it makes is listed itself
		}
		change, err := d.change(ctx, p, by)
		if err != nil {
			return nil, err
		}
		show(change)
	}
	others, err := d.others(ctx, id, func(other string) bool { return known[resources.Key(other)] })
	if err != nil {
		return nil, err
	}
	for _, r := range others {
		shown, err := d.Engine.Shown(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		before, err := loose(shown)
		if err != nil {
			return nil, err
		}
		kind := ignore
		if q.mode == complete {
			kind = remove
		}
		show(value.NewObject("resourceId", r.ID, "changeType", kind, "before", before))
	}
	return changes, nil
}

// change is what becomes of one resource.
func (d *Deployments) change(ctx context.Context, p *planned, by sender) (*value.Object, error) {
	after := value.NewObject("apiVersion", p.APIVersion, "id", p.ID, "name", lastOf(p.ID), "type", p.Type)
	if group := resources.Group(p.ID); group != "" && !armtemplate.Same(p.ID, resources.GroupID(p.ID)) {
		after.Set("resourceGroup", group)
	}
	for name, v := range p.body.All() {
		after.Set(name, v)
	}
	before, err := d.get(ctx, p.ID, p.APIVersion, by)
	if resources.NotFound(err) {
		return value.NewObject("resourceId", p.ID, "changeType", create, "after", after), nil
	}
	if err != nil {
		return nil, err
	}
	before = before.Clone()
	before.Set("apiVersion", p.APIVersion)
	c := comparison{emptied: d.emptied(p)}
	delta := c.objects("", before, p.body)
	if _, tagged := p.body.Find("tags"); !tagged {
		if tags, _ := before.Find("tags"); tags != nil && !emptyValue(tags) && !arm.EqualFold(p.Type, clusterType) {
			delta = append(delta, value.NewObject("path", "tags", "propertyChangeType", remove, "before", tags))
		}
	}
	change := value.NewObject("resourceId", p.ID, "changeType", noChange, "before", before, "after", after)
	if len(delta) > 0 {
		change.Set("changeType", modify)
		change.Set("delta", delta)
	}
	return change, nil
}

// clusterType is the type whose provider keeps the tags that a PUT does not name.
const clusterType = "Microsoft.RedHatOpenShift/openShiftClusters"

// emptied are the members of properties that a PUT without them empties.
func (d *Deployments) emptied(p *planned) []string {
	b := d.Engine.Behaviour(p.Type)
	var all []string
	for _, member := range b.Embeds {
		kept := false
		for _, k := range b.Keeps {
			kept = kept || k == member
		}
		if !kept {
			all = append(all, "properties."+member)
		}
	}
	return all
}

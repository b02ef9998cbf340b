package deployments

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// planned is a resource that a deployment, or one nested in it, would make.
type planned struct {
	*armtemplate.Resource
	deployment string
	body       *value.Object
	// unread is why the template of a nested deployment is not known yet.
	unread string
}

// maxNesting is how deep deployments nest.
const maxNesting = 5

// plan is everything that a deployment would make, as far as that is known.
func (d *Deployments) plan(ctx context.Context, id string, q *request, by sender) ([]*planned, *armtemplate.Template, error) {
	t, err := d.evaluate(ctx, id, q, by)
	if err != nil {
		return nil, nil, err
	}
	all, err := d.planOf(ctx, id, t, by, nil)
	return all, t, err
}

func (d *Deployments) planOf(ctx context.Context, id string, t *armtemplate.Template, by sender, outer []*planned) ([]*planned, error) {
	var all []*planned
	for _, r := range t.Resources() {
		body, err := r.Preview()
		if err != nil {
			if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
				return nil, refusal
			}
			return nil, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "Deployment template validation failed: '%v'.", err)
		}
		p := &planned{Resource: r, deployment: id, body: body}
		all = append(all, p)
		if !arm.EqualFold(r.Type, deploymentType) {
			continue
		}
		if strings.Count(id, deploymentType) > maxNesting {
			return nil, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "Deployments nest deeper than %d levels.", maxNesting)
		}
		nested, err := d.planNested(ctx, p, by, append(slices.Clone(outer), all...))
		if err != nil {
			return nil, err
		}
		all = append(all, nested...)
	}
	return all, nil
}

// planNested is what a nested deployment would make.
func (d *Deployments) planNested(ctx context.Context, p *planned, by sender, outer []*planned) ([]*planned, error) {
	q, err := readRequest(&resources.Call{Document: p.body})
	if err != nil {
		return nil, err
	}
	if q.templateLink != nil {
		if expression.Is(q.templateLink.Text("uri")) {
			p.unread = "The link of the template is only known during the deployment."
			return nil, nil
		}
		if q.template, err = d.linked(ctx, q.templateLink); err != nil {
			return nil, err
		}
		q.link = q.templateLink
	}
	if err := q.place(p.ID, q.location); err != nil {
		return nil, err
	}
	parameters := &value.Object{}
	for name, given := range q.parameters.All() {
		wrapped, _ := given.(*value.Object)
		if unknown(wrapped.Get("value")) {
			given = value.NewObject("value", armtemplate.Unknown{})
		}
		parameters.Set(name, given)
	}
	q.parameters = parameters
	env, err := d.environment(ctx, p.ID, q, by)
	if resources.NotFound(err) {
		// The group may be one that this very deployment makes.
		group := resources.GroupID(p.ID)
		for _, other := range outer {
			if armtemplate.Same(other.ID, group) {
				shown := other.body.Clone()
				shown.Set("id", group)
				shown.Set("name", other.Name)
				shown.Set("type", resources.GroupType)
				at := resources.GroupID(p.ID)
				env, err = d.environment(ctx, "/subscriptions/"+resources.Subscription(at)+"/providers/"+deploymentType+"/"+p.Name, q, by)
				if err != nil {
					return nil, err
				}
				env.Group = shown
				env.Deployment.Delete("location")
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	t, err := evaluateIn(env, q)
	if armtemplate.Runtime(err) {
		p.unread = "The template depends on values that are only known during the deployment."
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.planOf(ctx, p.ID, t, by, outer)
}

// unknown reports whether there is an expression in a value of a preview.
func unknown(v any) bool {
	switch v := v.(type) {
	case string:
		return expression.Is(v)
	case []any:
		return slices.ContainsFunc(v, unknown)
	case *value.Object:
		for _, e := range v.All() {
			if unknown(e) {
				return true
			}
		}
	}
	return false
}

// refuse rejects a plan that cannot succeed: types that do not exist, resources that the caller may
// not write, and what the providers refuse.
func (d *Deployments) refuse(ctx context.Context, id string, all []*planned, caller resources.Caller) error {
	name := lastOf(id)
	var faults []*resources.Error
	for _, p := range all {
		if err := d.offered(p); err != nil {
			e := resources.AsError(err)
			e.Target = p.ID
			faults = append(faults, e)
		}
	}
	if len(faults) > 0 {
		return invalidDeployment(name, faults)
	}
	if err := d.permit(ctx, all, caller); err != nil {
		return err
	}
	type part struct{ deployment, namespace string }
	var order []part
	bodies := map[part][]any{}
	for _, p := range all {
		namespace, _, _ := strings.Cut(arm.ToLower(p.Type), "/")
		at := part{p.deployment, namespace}
		if bodies[at] == nil {
			order = append(order, at)
		}
		body := value.PlainObject(p.body)
		body["id"], body["name"], body["type"], body["apiVersion"] = p.ID, p.Name, p.Type, p.APIVersion
		bodies[at] = append(bodies[at], body)
	}
	for _, at := range order {
		err := d.Validate(ctx, at.namespace, lastOf(at.deployment), bodies[at])
		if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
			return invalidDeployment(name, []*resources.Error{refusal})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func invalidDeployment(name string, faults []*resources.Error) error {
	failed := resources.Refuse(http.StatusBadRequest, "InvalidTemplateDeployment", "The template deployment '%s' is not valid according to the validation procedure. See inner errors for details.", name)
	failed.Details = faults
	return failed
}

// offered refuses types, api-versions and regions that there are not.
func (d *Deployments) offered(p *planned) error {
	if d.Offered == nil {
		return nil
	}
	parsed, err := resources.Parse(p.ID)
	if err != nil {
		return err
	}
	location := p.body.Text("location")
	if expression.Is(location) {
		location = ""
	}
	if resources.GroupID(p.ID) == "" && len(parsed.Types) == 1 && resources.Subscription(p.ID) != "" && parsed.Scope == "/subscriptions/"+resources.Subscription(p.ID) {
		switch arm.ToLower(parsed.Namespace) {
		case "microsoft.resources", "microsoft.authorization", "microsoft.features", "microsoft.insights":
		default:
			return resources.Refuse(http.StatusBadRequest, "InvalidDeploymentScope", "The resource '%s' of type '%s' cannot be deployed at the scope of a subscription; nest a deployment to a resource group.", p.Name, p.Type)
		}
	}
	return d.Offered(parsed.Type(), p.APIVersion, location)
}

// permit refuses a deployment one of whose resources the caller may not write.
func (d *Deployments) permit(ctx context.Context, all []*planned, caller resources.Caller) error {
	for _, p := range all {
		err := d.Permit(ctx, &resources.Call{Method: http.MethodPut, Path: p.ID, Header: http.Header{}, Caller: caller})
		if err == nil {
			continue
		}
		e := resources.AsError(err)
		if e.Status != http.StatusForbidden {
			return err
		}
		refusal := resources.Refuse(http.StatusForbidden, "InvalidTemplateDeployment", "Deployment failed with multiple errors: 'Authorization failed for template resource '%s' of type '%s'. %s'", p.Name, p.Type, e.Message)
		refusal.Details = []*resources.Error{e}
		return refusal
	}
	return nil
}

// Preflight validates a deployment before a PUT, a validation or a what-if. The call then has the
// documents that its links name.
func (d *Deployments) Preflight(ctx context.Context, call *resources.Call) error {
	id, _ := target(call.Path)
	if group := resources.GroupID(id); group != "" {
		if _, err := d.Engine.Get(ctx, group); err != nil {
			return err
		}
	}
	q, err := d.fetch(ctx, call)
	if err != nil {
		return err
	}
	if err := q.place(id, q.location); err != nil {
		return err
	}
	all, _, err := d.plan(ctx, id, q, senderOf(call))
	if err != nil {
		return err
	}
	return d.refuse(ctx, id, all, call.Caller)
}

// validate answers a validation request. Preflight has already validated the deployment.
func (d *Deployments) validate(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	q, err := readRequest(call)
	if err != nil {
		return nil, err
	}
	id, _ := target(call.Path)
	all, t, err := d.plan(ctx, id, q, senderOf(call))
	if err != nil {
		return nil, err
	}
	validated := []any{}
	for _, p := range all {
		validated = append(validated, map[string]any{"id": p.ID})
	}
	properties := d.shown(q, t, resources.Succeeded, call)
	properties["validatedResources"], properties["timestamp"] = validated, d.Now().UTC().Format(time.RFC3339Nano)
	body := map[string]any{"id": id, "name": lastOf(id), "type": deploymentType, "properties": properties}
	if q.location != "" {
		body["location"] = q.location
	}
	return &resources.Answer{Status: http.StatusOK, Body: body}, nil
}

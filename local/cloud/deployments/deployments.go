// Package deployments is the behaviour of Microsoft.Resources/deployments: it
// evaluates a template and makes its resources, in order, as the caller.
//
// What a template means is package template's; resources are made by calls to the
// resource manager like those of any client.
package deployments

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	deploymentType = "Microsoft.Resources/deployments"
	running        = "Running"
	// parallel is how many resources of a deployment are made at a time.
	parallel = 8
)

// Options of New.
type Options struct {
	Engine *resources.Engine
	// Do answers a call as its caller, with all checks.
	Do func(context.Context, *resources.Call) (*resources.Answer, error)
	// Permit checks only whether the caller may make a call.
	Permit func(context.Context, *resources.Call) error
	// Judge asks the provider of a namespace (in lower case) what it thinks of the
	// resources of a deployment before it begins.
	Judge  func(ctx context.Context, namespace, deployment string, planned []any) error
	Tenant string
	// Cloud is what environment() returns.
	Cloud map[string]any
	Log   *slog.Logger
	Now   func() time.Time
}

// Deployments runs deployments.
type Deployments struct{ Options }

// New gives the engine the behaviour of deployments.
func New(o Options) *Deployments {
	d := &Deployments{o}
	o.Engine.Register(deploymentType, resources.Behaviour{
		Put:    d.put,
		Settle: d.settle,
		Global: true,
		Views:  map[string]resources.Action{"operations": {Run: d.operations}},
	})
	for _, scope := range []string{"/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"} {
		o.Engine.Route(http.MethodPost, scope+"/providers/"+deploymentType+"/{deployment}/validate", d.validate)
		o.Engine.Route(http.MethodPost, scope+"/providers/"+deploymentType+"/{deployment}/cancel", d.cancel)
	}
	return d
}

// correlationHeader has the id under which all that one request leads to is found.
const correlationHeader = "x-ms-correlation-request-id"

// sender is for whom a deployment makes its calls, and under which correlation id.
type sender struct {
	resources.Caller
	correlation string
}

func senderOf(call *resources.Call) sender {
	return sender{call.Caller, call.Header.Get(correlationHeader)}
}

// call makes one of the calls of a deployment.
func (d *Deployments) call(ctx context.Context, by sender, method, path string, query url.Values, body map[string]any) (*resources.Answer, error) {
	header := http.Header{}
	header.Set(correlationHeader, by.correlation)
	return d.Do(ctx, &resources.Call{Method: method, Path: path, Query: query, Header: header, Body: body, Caller: by.Caller})
}

// request is what callers send.
type request struct {
	mode                 string
	template, parameters map[string]any
}

func read(properties map[string]any) (request, error) {
	r := request{template: resources.Object(properties["template"]), parameters: resources.Object(properties["parameters"])}
	r.mode, _ = properties["mode"].(string)
	if !strings.EqualFold(r.mode, "Incremental") {
		return r, resources.Refuse(http.StatusBadRequest, "InvalidDeploymentMode", "The deployment mode '%s' is not supported here; use Incremental.", r.mode)
	}
	if properties["templateLink"] != nil || properties["parametersLink"] != nil {
		return r, resources.Refuse(http.StatusBadRequest, "InvalidContentLink", "Unable to download deployment content: links are not supported here.")
	}
	return r, nil
}

// put checks a deployment and keeps what it needs to run.
func (d *Deployments) put(ctx context.Context, c *resources.Change) error {
	if c.Old != nil && c.Old.ProvisioningState() == running {
		return resources.Refuse(http.StatusConflict, "DeploymentActive", "Unable to edit or replace deployment '%s': previous deployment from '%s' is still active (expiration time is '%s').",
			c.Old.Name, c.Old.Text("timestamp"), c.Old.Changed.AddDate(0, 0, 7).Format(time.RFC3339))
	}
	q, err := read(c.New.Properties)
	if err != nil {
		return err
	}
	evaluated, err := d.evaluate(ctx, c.New.ID, q, senderOf(c.Call))
	if err != nil {
		return err
	}
	if err := d.permit(ctx, evaluated, c.Call.Caller); err != nil {
		return err
	}
	// Secure parameters are among them, so that a restart goes on.
	c.New.Local = map[string]any{
		"template": q.template, "parameters": q.parameters, "operations": map[string]any{},
		"caller": map[string]any{"tenant": c.Call.Caller.TenantID, "object": c.Call.Caller.ObjectID, "app": c.Call.Caller.AppID, "audience": c.Call.Caller.Audience},
	}
	c.New.Properties = map[string]any{
		"provisioningState": running, "mode": "Incremental", "parameters": evaluated.Parameters(), "timestamp": d.Now().UTC().Format(time.RFC3339Nano),
		"duration": "PT0S", "correlationId": c.Call.Header.Get(correlationHeader), "providers": []any{}, "dependencies": dependencies(evaluated),
	}
	return nil
}

// Preflight has providers judge the resources of a deployment that is about to be
// put or validated.
func (d *Deployments) Preflight(ctx context.Context, call *resources.Call) error {
	q, err := read(resources.Object(call.Body["properties"]))
	if err != nil {
		return err
	}
	id := strings.TrimSuffix(call.Path, "/validate")
	t, err := d.evaluate(ctx, id, q, senderOf(call))
	if err != nil {
		return err
	}
	planned := map[string][]any{}
	for _, r := range t.Resources() {
		body, err := r.Preview()
		if err != nil {
			return resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "%v", err)
		}
		body["id"], body["name"], body["type"], body["apiVersion"] = r.ID, r.Name, r.Type, r.APIVersion
		namespace, _, _ := strings.Cut(strings.ToLower(r.Type), "/")
		planned[namespace] = append(planned[namespace], body)
	}
	for namespace, all := range planned {
		err := d.Judge(ctx, namespace, id[strings.LastIndex(id, "/")+1:], all)
		if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
			failed := resources.Refuse(http.StatusBadRequest, "InvalidTemplateDeployment", "The template deployment '%s' is not valid according to the validation procedure. See inner errors for details.", id[strings.LastIndex(id, "/")+1:])
			failed.Details = []*resources.Error{refusal}
			return failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Concerns tells whether a call is one for Preflight.
func Concerns(call *resources.Call) bool {
	id, err := resources.Parse(strings.TrimSuffix(call.Path, "/validate"))
	return err == nil && !id.Collection() && strings.EqualFold(id.Type(), deploymentType) &&
		(call.Method == http.MethodPut || call.Method == http.MethodPost && strings.HasSuffix(call.Path, "/validate"))
}

func dependencies(t *armtemplate.Template) []any {
	all := []any{}
	for _, r := range t.Resources() {
		if len(r.After) == 0 {
			continue
		}
		after := []any{}
		for _, id := range r.After {
			after = append(after, map[string]any{"id": id})
		}
		all = append(all, map[string]any{"id": r.ID, "resourceType": r.Type, "resourceName": r.Name, "dependsOn": after})
	}
	return all
}

// evaluate reads the template in the surroundings of the deployment.
func (d *Deployments) evaluate(ctx context.Context, id string, q request, by sender) (*armtemplate.Template, error) {
	env, err := d.environment(ctx, id, by)
	if err != nil {
		return nil, err
	}
	t, err := armtemplate.New(q.template, q.parameters, env)
	if wrong := (*armtemplate.Error)(nil); errors.As(err, &wrong) {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "%s", wrong.Message)
	}
	return t, err
}

func (d *Deployments) environment(ctx context.Context, id string, by sender) (*armtemplate.Environment, error) {
	subscription := resources.Subscription(id)
	env := &armtemplate.Environment{
		Subscription: map[string]any{"id": "/subscriptions/" + subscription, "subscriptionId": subscription, "tenantId": d.Tenant, "displayName": subscription},
		Deployment:   map[string]any{"name": id[strings.LastIndex(id, "/")+1:]},
		Cloud:        d.Cloud, Tenant: d.Tenant, Now: d.Now(),
		Reference: func(id, version string, full bool) (any, error) {
			body, err := d.get(ctx, id, version, by)
			if err != nil || full {
				return body, err
			}
			return body["properties"], nil
		},
		List: func(function, id, version string, body map[string]any) (any, error) {
			answer, err := d.call(ctx, by, http.MethodPost, id+"/"+function, at(version), body)
			if err != nil {
				return nil, err
			}
			return loose(answer.Body)
		},
	}
	if group := resources.GroupID(id); group != "" {
		shown, err := d.Engine.Shown(ctx, group)
		if err != nil {
			return nil, err
		}
		value, err := loose(shown)
		if err != nil {
			return nil, err
		}
		env.Group = resources.Object(value)
	}
	return env, nil
}

func at(v string) url.Values { return url.Values{"api-version": {v}} }

func (d *Deployments) get(ctx context.Context, id, version string, by sender) (map[string]any, error) {
	answer, err := d.call(ctx, by, http.MethodGet, id, at(version), nil)
	if err != nil {
		return nil, err
	}
	value, err := loose(answer.Body)
	return resources.Object(value), err
}

// permit refuses a deployment one of whose resources the caller may not write.
func (d *Deployments) permit(ctx context.Context, t *armtemplate.Template, caller resources.Caller) error {
	for _, r := range t.Resources() {
		err := d.Permit(ctx, &resources.Call{Method: http.MethodPut, Path: r.ID, Header: http.Header{}, Caller: caller})
		if err == nil {
			continue
		}
		e := resources.AsError(err)
		if e.Status != http.StatusForbidden {
			return err
		}
		refusal := resources.Refuse(http.StatusForbidden, "InvalidTemplateDeployment", "Deployment failed with multiple errors: 'Authorization failed for template resource '%s' of type '%s'. %s'", r.Name, r.Type, e.Message)
		refusal.Details = []*resources.Error{e}
		return refusal
	}
	return nil
}

// validate answers whether a deployment would be taken.
func (d *Deployments) validate(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	properties := resources.Object(call.Body["properties"])
	q, err := read(properties)
	if err != nil {
		return nil, err
	}
	id := strings.TrimSuffix(call.Path, "/validate")
	t, err := d.evaluate(ctx, id, q, senderOf(call))
	if err != nil {
		return nil, err
	}
	if err := d.permit(ctx, t, call.Caller); err != nil {
		return nil, err
	}
	validated := []any{}
	for _, r := range t.Resources() {
		validated = append(validated, map[string]any{"id": r.ID})
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{
		"id": id, "name": id[strings.LastIndex(id, "/")+1:], "type": deploymentType,
		"properties": map[string]any{"mode": "Incremental", "provisioningState": "Succeeded", "parameters": t.Parameters(), "validatedResources": validated, "timestamp": d.Now().UTC().Format(time.RFC3339Nano)},
	}}, nil
}

// cancel ends a deployment that runs. What it made stays.
func (d *Deployments) cancel(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id := strings.TrimSuffix(call.Path, "/cancel")
	r, err := d.Engine.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.ProvisioningState() != running {
		return nil, resources.Refuse(http.StatusConflict, "DeploymentCannotBeCancelled", "The deployment '%s' cannot be cancelled because its provisioning state is '%s'.", r.Name, r.ProvisioningState())
	}
	d.Engine.Cancel(id)
	err = d.Engine.Change(ctx, id, func(r *resources.Resource) error {
		if r.ProvisioningState() == running { // else it ended just before
			r.Set(resources.Canceled, "provisioningState")
			forget(r)
		}
		return nil
	})
	return &resources.Answer{Status: http.StatusNoContent}, err
}

// forget drops what only a deployment that runs needs, secrets among it.
func forget(r *resources.Resource) {
	delete(r.Local, "template")
	delete(r.Local, "parameters")
}

// restore evaluates a deployment again that is kept and not over.
func (d *Deployments) restore(ctx context.Context, r *resources.Resource) (*armtemplate.Template, sender, error) {
	caller := resources.Object(r.Local["caller"])
	text := func(name string) string { s, _ := caller[name].(string); return s }
	by := sender{
		resources.Caller{TenantID: text("tenant"), ObjectID: text("object"), AppID: text("app"), Audience: text("audience")},
		r.Text("correlationId"),
	}
	q := request{template: resources.Object(r.Local["template"]), parameters: resources.Object(r.Local["parameters"])}
	t, err := d.evaluate(ctx, r.ID, q, by)
	return t, by, err
}

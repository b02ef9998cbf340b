// Package deployments is the behaviour of Microsoft.Resources/deployments: it evaluates a template
// and makes its resources, in order, with the caller's rights. It validates templates before
// anything is made, computes what one would change (what-if), and exports templates of existing
// resources.
//
// What a template means is package armtemplate's; resources are made by calls to the resource
// manager like those of any client.
package deployments

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	deploymentType = "Microsoft.Resources/deployments"
	accepted       = "Accepted"
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
	// Validate has the provider of a namespace (in lower case) validate the resources of a deployment
	// before it begins.
	Validate func(ctx context.Context, namespace, deployment string, planned []any) error
	// Offered refuses a type, an api-version or a region that the cloud does not have.
	Offered func(resourceType, apiVersion, location string) error
	// Provider describes a type of a namespace, or all of them if it is empty.
	Provider func(ctx context.Context, namespace, resourceType string) (any, error)
	// Zones are how many availability zones a region has.
	Zones func(region string) (int, bool)
	// Secret reads a secret of a vault for a deployment.
	Secret func(ctx context.Context, vault, name, version string) (string, error)
	// Fetch reads what a link of a template names.
	Fetch  func(ctx context.Context, uri string) (string, error)
	Tenant string
	// Cloud is what environment() returns.
	Cloud map[string]any
	Log   *slog.Logger
	Now   func() time.Time
}

// Deployments runs deployments.
type Deployments struct {
	Options
	results sync.Map // of what-if, by id
}

// New gives the engine the behaviour of deployments.
func New(o Options) *Deployments {
	d := &Deployments{Options: o}
	o.Engine.Register(deploymentType, resources.Behaviour{
		Put:     d.put,
		Settle:  d.settle,
		Show:    show,
		Global:  true,
		Async:   statuses,
		Views:   map[string]resources.Action{"operations": {Run: d.operations}},
		Actions: map[string]resources.Action{"exportTemplate": {Run: exportDeployment}},
	})
	const subscription, group = "/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"
	for _, scope := range []string{subscription, group} {
		one := scope + "/providers/" + deploymentType + "/{deployment}"
		o.Engine.Route(http.MethodPost, one+"/validate", d.validate)
		o.Engine.Route(http.MethodPost, one+"/whatIf", d.whatIf)
		o.Engine.Route(http.MethodPost, one+"/cancel", d.cancel)
		o.Engine.Route(http.MethodGet, one+"/"+statuses+"/{operation}", o.Engine.Status)
		o.Engine.Route(http.MethodGet, one+"/operations/{operation}", d.oneOperation)
	}
	o.Engine.Route(http.MethodPost, group+"/exportTemplate", d.exportGroup)
	o.Engine.Route(http.MethodGet, subscription+"/operationresults/{operation}", d.result)
	return d
}

// statuses is the collection of the operations of a deployment's own life.
const statuses = "operationStatuses"

// Path is the path of a call in its usual form: clients leave out the namespace in those
// of the operations of deployments.
func Path(path string) string {
	s := resources.Segments(path)
	if len(s) > 5 && arm.EqualFold(s[0], "subscriptions") && arm.EqualFold(s[2], "resourceGroups") && arm.EqualFold(s[4], "deployments") {
		return "/" + strings.Join(s[:4], "/") + "/providers/Microsoft.Resources/" + strings.Join(s[4:], "/")
	}
	return path
}

// Read reads the body of a call for a deployment as Azure does: besides JSON there may
// be comments, names of members without quotes, and line breaks in strings.
func Read(call *resources.Call, content string) error {
	v, err := value.Parse(content, value.Request)
	body, ok := v.(*value.Object)
	if err != nil || !ok {
		if err == nil {
			return resources.Refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: it is not an object.")
		}
		return resources.Refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	call.Body, call.Document = value.PlainObject(body), body
	return nil
}

// Reads reports whether Read is for the body of a call.
func Reads(call *resources.Call) bool {
	s := resources.Segments(arm.ToLower(call.Path))
	for i := range s {
		if s[i] == "microsoft.resources" && i+2 < len(s) && s[i+1] == "deployments" {
			return call.Method == http.MethodPut || call.Method == http.MethodPost
		}
	}
	return false
}

// Concerns reports whether a call is one for Preflight.
func Concerns(call *resources.Call) bool {
	path, action := target(call.Path)
	id, err := resources.Parse(path)
	return err == nil && !id.Collection() && arm.EqualFold(id.Type(), deploymentType) &&
		(call.Method == http.MethodPut && action == "" || call.Method == http.MethodPost && (action == "validate" || action == "whatif"))
}

// target is the deployment that a path is about, and the action on it in lower case.
func target(path string) (deployment, action string) {
	for _, action := range []string{"validate", "whatif", "cancel"} {
		if cut := len(path) - len(action) - 1; cut > 0 && arm.EqualFold(path[cut:], "/"+action) {
			return path[:cut], action
		}
	}
	return path, ""
}

// correlationHeader has the id by which all consequences of one request are found.
const correlationHeader = "x-ms-correlation-request-id"

// sender is the principal and the correlation id of a deployment's calls.
type sender struct {
	resources.Caller
	correlation string
}

func senderOf(call *resources.Call) sender {
	return sender{call.Caller, call.Header.Get(correlationHeader)}
}

// call makes one of the calls of a deployment.
func (d *Deployments) call(ctx context.Context, by sender, method, path string, query url.Values, body *value.Object) (*resources.Answer, error) {
	header := http.Header{}
	header.Set(correlationHeader, by.correlation)
	call := &resources.Call{Method: method, Path: path, Query: query, Header: header, Body: value.PlainObject(body), Caller: by.Caller}
	if body != nil {
		call.Document = body
	}
	return d.Do(ctx, call)
}

func at(v string) url.Values { return url.Values{"api-version": {v}} }

// put checks a deployment and keeps what it needs to run.
func (d *Deployments) put(ctx context.Context, c *resources.Change) error {
	if c.Old != nil && active(c.Old) {
		return resources.Refuse(http.StatusConflict, "DeploymentActive", "Unable to edit or replace deployment '%s': previous deployment from '%s' is still active (expiration time is '%s'). Please see https://aka.ms/arm-deploy for usage details.",
			c.Old.Name, c.Old.Text("timestamp"), c.Old.Changed.AddDate(0, 0, 7).Format(time.RFC3339))
	}
	q, err := readRequest(c.Call)
	if err != nil {
		return err
	}
	if err := q.place(c.New.ID, c.New.Location); err != nil {
		return err
	}
	evaluated, err := d.evaluate(ctx, c.New.ID, q, senderOf(c.Call))
	if err != nil {
		return err
	}
	// Secure parameters are included, so that a restart can resume.
	c.New.Local = map[string]any{
		"template": value.JSON(q.template), "parameters": value.JSON(q.parameters), "operations": map[string]any{},
		"caller": map[string]any{"tenant": c.Call.Caller.TenantID, "object": c.Call.Caller.ObjectID, "app": c.Call.Caller.AppID, "audience": c.Call.Caller.Audience},
	}
	if document, ok := c.Call.Document.(*value.Object); ok && document.Get(expanded) == true {
		delete(c.New.More, expanded)
		c.New.Local[expanded] = true
	}
	if q.link != nil {
		c.New.Local["link"] = value.JSON(q.link)
	}
	c.New.Properties = d.shown(q, evaluated, accepted, c.Call)
	return nil
}

func active(r *resources.Resource) bool {
	state := r.ProvisioningState()
	return state == running || state == accepted
}

// shown are the properties of a deployment that begins, or that would.
func (d *Deployments) shown(q *request, t *armtemplate.Template, state string, call *resources.Call) map[string]any {
	properties := map[string]any{
		"provisioningState": state, "mode": q.mode, "templateHash": q.hash(), "timestamp": d.Now().UTC().Format(time.RFC3339Nano),
		"duration": "PT0S", "correlationId": call.Header.Get(correlationHeader), "providers": providers(t), "dependencies": dependencies(t),
	}
	if parameters := t.Parameters(); parameters.Len() > 0 {
		properties["parameters"] = value.PlainObject(parameters)
	}
	if q.link != nil {
		properties["templateLink"] = value.PlainObject(q.link)
	}
	return properties
}

// show gives the numbers of outputs all their digits, and no ETag: deployments have none.
func show(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	text, _ := r.Local["outputs"].(string)
	if text == "" {
		return nil
	}
	outputs, err := value.Parse(text, value.Strict)
	if err != nil {
		return err
	}
	r.Set(outputs, "outputs")
	return nil
}

// providers are the namespaces and types of a template, and where their resources go.
func providers(t *armtemplate.Template) []any {
	byNamespace, order := map[string]map[string]any{}, []any{}
	for _, r := range t.Resources() {
		namespace, kind, _ := strings.Cut(r.Type, "/")
		one := byNamespace[arm.ToLower(namespace)]
		if one == nil {
			one = map[string]any{"namespace": namespace, "resourceTypes": []any{}}
			byNamespace[arm.ToLower(namespace)] = one
			order = append(order, one)
		}
		location := any(nil)
		if body, err := r.Preview(); err == nil && body.Text("location") != "" {
			location = resources.Location(body.Text("location"))
		}
		types, _ := one["resourceTypes"].([]any)
		known := false
		for _, each := range types {
			known = known || resources.Object(each)["resourceType"] == kind
		}
		if !known {
			one["resourceTypes"] = append(types, map[string]any{"resourceType": kind, "locations": []any{location}})
		}
	}
	return order
}

func dependencies(t *armtemplate.Template) []any {
	all := []any{}
	byID := map[string]*armtemplate.Resource{}
	for _, r := range t.Resources() {
		byID[arm.ToLower(r.ID)] = r
	}
	for _, r := range t.Resources() {
		if len(r.After) == 0 {
			continue
		}
		after := []any{}
		for _, id := range r.After {
			one := map[string]any{"id": id}
			if before := byID[arm.ToLower(id)]; before != nil {
				one["resourceType"], one["resourceName"] = before.Type, before.Name
			}
			after = append(after, one)
		}
		all = append(all, map[string]any{"id": r.ID, "resourceType": r.Type, "resourceName": r.Name, "dependsOn": after})
	}
	return all
}

// cancel ends a deployment that runs. What it made stays.
func (d *Deployments) cancel(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	id, _ := target(call.Path)
	r, err := d.Engine.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !active(r) {
		return nil, resources.Refuse(http.StatusConflict, "DeploymentCannotBeCancelled", "The deployment '%s' cannot be cancelled because its provisioning state is '%s'.", r.Name, r.ProvisioningState())
	}
	d.Engine.Cancel(id)
	err = d.Engine.Change(ctx, id, func(r *resources.Resource) error {
		if active(r) { // else it ended just before
			r.Set(resources.Canceled, "provisioningState")
			forget(r)
		}
		return nil
	})
	return &resources.Answer{Status: http.StatusNoContent}, err
}

// expanded marks a nested deployment whose template another one evaluated: secrets of that
// may be in it.
const expanded = "expanded"

// forget drops what may have secrets, which only a deployment that runs needs.
func forget(r *resources.Resource) {
	delete(r.Local, "parameters")
	if r.Local[expanded] == true {
		delete(r.Local, "template")
	}
}

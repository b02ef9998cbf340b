package deployments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// Times between two looks at an operation: what the local Azure does itself is
// quick, a cluster is not.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 2 * time.Second
	// patience is how long the status of an operation may be unavailable, for example while its
	// provider restarts, before its resource counts as failed.
	patience = 5 * time.Minute
)

// outcome is how one resource ended.
type outcome struct {
	id  string
	err error
}

// settle runs a deployment and keeps how it ended.
func (d *Deployments) settle(ctx context.Context, r *resources.Resource) error {
	start := d.Now()
	err := d.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
		r.Set(running, "provisioningState")
		return nil
	})
	if err != nil {
		return err
	}
	end, failure := d.deploy(ctx, r)
	if ctx.Err() != nil {
		return ctx.Err() // a cancellation keeps its end itself, the next start goes on
	}
	err = d.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
		forget(r)
		r.Set(fmt.Sprintf("PT%.3fS", d.Now().Sub(start).Seconds()), "duration")
		r.Set(d.Now().UTC().Format(time.RFC3339Nano), "timestamp")
		if failure != nil {
			r.Set(resources.AsError(failure), "error")
			return nil //nolint:nilerr // the failure is kept, and reported below
		}
		made := []any{}
		for _, one := range end.template.Resources() {
			made = append(made, map[string]any{"id": one.ID})
		}
		r.Set(made, "outputResources")
		if end.outputs.Len() > 0 {
			r.Local["outputs"] = value.JSON(end.outputs) // Show gives them
		}
		if end.secure.Len() > 0 {
			r.Local["secureOutputs"] = value.JSON(end.secure)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return failure
}

// ended is a deployment that succeeded.
type ended struct {
	template        *armtemplate.Template
	outputs, secure *value.Object
}

// deploy makes the resources of a deployment and evaluates its outputs.
func (d *Deployments) deploy(ctx context.Context, r *resources.Resource) (*ended, error) {
	t, by, err := d.restore(ctx, r)
	if err != nil {
		return nil, err
	}
	failures := d.run(ctx, r.ID, t, by)
	if len(failures) == 0 && r.Text("mode") == complete {
		failures = d.removeOthers(ctx, r.ID, t, by)
	}
	if len(failures) > 0 {
		return nil, failed(r.ID, failures)
	}
	begun := d.Now()
	outputs, secure, err := t.Outputs()
	if err != nil {
		failure := resources.Refuse(http.StatusConflict, "DeploymentFailed", "The outputs of the deployment cannot be evaluated.")
		failure.Target = r.ID
		failure.Details = []*resources.Error{resources.Refuse(http.StatusBadRequest, "DeploymentOutputEvaluationFailed", "Unable to evaluate template outputs. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details. %v", err)}
		d.note(ctx, r.ID, operation{kind: "EvaluateDeploymentOutput", begun: begun, failure: failure.Details[0]})
		return nil, failure
	}
	d.note(ctx, r.ID, operation{kind: "EvaluateDeploymentOutput", begun: begun})
	return &ended{t, outputs, secure}, nil
}

// restore evaluates a deployment again that is kept and not over.
func (d *Deployments) restore(ctx context.Context, r *resources.Resource) (*armtemplate.Template, sender, error) {
	caller := resources.Object(r.Local["caller"])
	text := func(name string) string { s, _ := caller[name].(string); return s }
	by := sender{
		resources.Caller{TenantID: text("tenant"), ObjectID: text("object"), AppID: text("app"), Audience: text("audience")},
		r.Text("correlationId"),
	}
	q := &request{mode: r.Text("mode"), location: r.Location}
	for name, into := range map[string]**value.Object{"template": &q.template, "parameters": &q.parameters, "link": &q.link} {
		kept, ok := r.Local[name].(string)
		if !ok {
			continue
		}
		v, err := value.Parse(kept, value.Strict)
		if err != nil {
			return nil, by, fmt.Errorf("the %s of the deployment: %w", name, err)
		}
		*into, _ = v.(*value.Object)
	}
	t, err := d.evaluate(ctx, r.ID, q, by)
	return t, by, err
}

// failed is ARM's error for resources that could not be made, with the error of each as a detail.
func failed(id string, failures []outcome) *resources.Error {
	e := resources.Refuse(http.StatusConflict, "DeploymentFailed", "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.")
	e.Target = id
	for _, f := range failures {
		detail := *resources.AsError(f.err)
		if detail.Target == "" {
			detail.Target = f.id
		}
		e.Details = append(e.Details, &detail)
	}
	return e
}

// statusCode is how ARM writes a status: Conflict, BadRequest, …
func statusCode(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// run makes all resources, each after those that it depends on. What depends on a
// failure is not tried.
func (d *Deployments) run(ctx context.Context, id string, t *armtemplate.Template, by sender) []outcome {
	ended := map[string]chan struct{}{}
	good := sync.Map{}
	for _, r := range t.Resources() {
		ended[arm.ToLower(r.ID)] = make(chan struct{})
	}
	var (
		mutex    sync.Mutex
		failures []outcome
		work     sync.WaitGroup
		slots    = make(chan struct{}, parallel)
	)
	for _, r := range t.Resources() {
		work.Go(func() {
			defer close(ended[arm.ToLower(r.ID)])
			for _, before := range r.After {
				key := arm.ToLower(before)
				if end, ok := ended[key]; ok {
					<-end
					if _, ok := good.Load(key); !ok {
						return
					}
				}
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			begun := d.Now()
			err := d.make(ctx, r, by)
			if ctx.Err() != nil {
				return
			}
			d.note(ctx, id, operation{kind: "Create", id: r.ID, resourceType: r.Type, name: r.Name, begun: begun, failure: err})
			if err == nil {
				good.Store(arm.ToLower(r.ID), true)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			failures = append(failures, outcome{r.ID, err})
		})
	}
	work.Wait()
	slices.SortFunc(failures, func(a, b outcome) int { return strings.Compare(a.id, b.id) })
	return failures
}

// make makes one resource and waits until it is there.
func (d *Deployments) make(ctx context.Context, r *armtemplate.Resource, by sender) error {
	options, err := readOptions(r.Options())
	if err != nil {
		return err
	}
	if options.onlyIfNotExists {
		if _, err := d.get(ctx, r.ID, r.APIVersion, by); err == nil {
			return nil
		} else if !resources.NotFound(err) {
			return err
		}
	}
	body, err := r.Body()
	if err != nil {
		// Expressions read from Azure, too, which may have refused.
		if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
			return refusal
		}
		return resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "%v", err)
	}
	if r.Expanded() {
		body.Set(expanded, true)
	}
	for attempt := 0; ; attempt++ {
		err := d.send(ctx, r, body, by)
		if err == nil || attempt >= options.retries || !options.retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryAfter):
		}
	}
}

// retryAfter is how long a resource with @options waits before it is tried again.
const retryAfter = time.Second

func (d *Deployments) send(ctx context.Context, r *armtemplate.Resource, body *value.Object, by sender) error {
	answer, err := d.call(ctx, by, http.MethodPut, r.ID, at(r.APIVersion), body)
	if err != nil {
		return err
	}
	follow := answer.Header.Get("Azure-AsyncOperation")
	if follow == "" {
		return nil
	}
	return d.follow(ctx, follow, by)
}

// options are the options of Bicep's decorators for the deployment of a resource.
type options struct {
	onlyIfNotExists bool
	retryOn         []string
	retries         int
}

func readOptions(o *value.Object) (options, error) {
	result := options{}
	for name, v := range o.All() {
		list, _ := v.([]any)
		switch arm.ToLower(name) {
		case "onlyifnotexists":
			result.onlyIfNotExists = v == true || list != nil
		case "retryon":
			if len(list) == 0 {
				return result, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "The option 'retryOn' of a resource must have a list of error codes.")
			}
			codes, _ := list[0].([]any)
			for _, code := range codes {
				text, _ := code.(string)
				result.retryOn = append(result.retryOn, text)
			}
			result.retries = 1
			if len(list) > 1 {
				n, _ := list[1].(int64)
				result.retries = int(min(n, 10))
			}
		default:
			return result, resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "The option '%s' of a resource is not supported here.", name)
		}
	}
	return result, nil
}

// retryable reports whether an error has one of the codes to try again on.
func (o options) retryable(err error) bool {
	code := resources.AsError(err).Code
	return slices.ContainsFunc(o.retryOn, func(c string) bool { return arm.EqualFold(c, code) })
}

// follow waits for the end of an operation.
func (d *Deployments) follow(ctx context.Context, target string, by sender) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	answered := d.Now()
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		answer, err := d.call(ctx, by, http.MethodGet, u.Path, u.Query(), nil)
		if err != nil {
			if passing(err) && d.Now().Sub(answered) < patience {
				continue
			}
			return err
		}
		answered = d.Now()
		var status struct {
			Status string           `json:"status"`
			Error  *resources.Error `json:"error"`
		}
		content, err := json.Marshal(answer.Body)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(content, &status); err != nil {
			return err
		}
		switch status.Status {
		case resources.Succeeded:
			return nil
		case resources.Failed, resources.Canceled:
			if status.Error == nil {
				status.Error = resources.Refuse(http.StatusConflict, "ResourceDeploymentFailure", "The resource operation completed with terminal provisioning state '%s'.", status.Status)
			}
			status.Error.Status = http.StatusConflict
			return status.Error
		}
	}
}

// passing reports whether the same call may well be answered later.
func passing(err error) bool {
	status := resources.AsError(err).Status
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

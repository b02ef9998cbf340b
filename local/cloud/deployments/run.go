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

	"github.com/aro-rp/aro/local/cloud/armtemplate"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// Times between two looks at an operation: what the local Azure does itself is
// quick, a cluster is not.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 2 * time.Second
	// patience is how long an operation may not be told of, as while its provider
	// restarts, before its resource counts as failed.
	patience = 5 * time.Minute
)

// outcome is how one resource ended.
type outcome struct {
	resource *armtemplate.Resource
	err      error
}

// settle runs a deployment and keeps how it ended.
func (d *Deployments) settle(ctx context.Context, r *resources.Resource) error {
	start := d.Now()
	t, outputs, failure := d.deploy(ctx, r)
	if ctx.Err() != nil {
		return ctx.Err() // a cancellation keeps its end itself, the next start goes on
	}
	err := d.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
		forget(r)
		r.Set(fmt.Sprintf("PT%.3fS", d.Now().Sub(start).Seconds()), "duration")
		if failure != nil {
			r.Set(resources.AsError(failure), "error")
			return nil //nolint:nilerr // the failure is kept, and told below
		}
		made := []any{}
		for _, one := range t.Resources() {
			made = append(made, map[string]any{"id": one.ID})
		}
		r.Set(made, "outputResources")
		r.Set(outputs, "outputs")
		return nil
	})
	if err != nil {
		return err
	}
	return failure
}

// deploy makes the resources of a deployment and evaluates its outputs.
func (d *Deployments) deploy(ctx context.Context, r *resources.Resource) (*armtemplate.Template, map[string]any, error) {
	t, by, err := d.restore(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if failures := d.run(ctx, r.ID, t, by); len(failures) > 0 {
		return nil, nil, failed(failures)
	}
	outputs, err := t.Outputs()
	if err != nil {
		failure := resources.Refuse(http.StatusBadRequest, "DeploymentFailed", "The outputs of the deployment cannot be evaluated.")
		failure.Details = []*resources.Error{resources.Refuse(http.StatusBadRequest, "DeploymentOutputEvaluationFailed", "%v", err)}
		return nil, nil, failure
	}
	return t, outputs, nil
}

// failed is how ARM tells of resources that could not be made: the refusal of each
// is the message of a detail.
func failed(failures []outcome) *resources.Error {
	e := resources.Refuse(http.StatusConflict, "DeploymentFailed", "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.")
	for _, f := range failures {
		cause := resources.AsError(f.err)
		content, err := json.Marshal(map[string]any{"error": cause})
		if err != nil {
			content = []byte(cause.Message)
		}
		detail := resources.Refuse(cause.Status, statusCode(cause.Status), "%s", content)
		detail.Target = f.resource.ID
		e.Details = append(e.Details, detail)
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
		ended[strings.ToLower(r.ID)] = make(chan struct{})
	}
	var (
		mutex    sync.Mutex
		failures []outcome
		work     sync.WaitGroup
		slots    = make(chan struct{}, parallel)
	)
	for _, r := range t.Resources() {
		work.Go(func() {
			defer close(ended[strings.ToLower(r.ID)])
			for _, before := range r.After {
				key := strings.ToLower(before)
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
			d.note(ctx, id, r, begun, err)
			if err == nil {
				good.Store(strings.ToLower(r.ID), true)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			failures = append(failures, outcome{r, err})
		})
	}
	work.Wait()
	slices.SortFunc(failures, func(a, b outcome) int { return strings.Compare(a.resource.ID, b.resource.ID) })
	return failures
}

// make makes one resource and waits until it is there.
func (d *Deployments) make(ctx context.Context, r *armtemplate.Resource, by sender) error {
	body, err := r.Body()
	if err != nil {
		// Expressions ask Azure, too, which may have refused.
		if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
			return refusal
		}
		return resources.Refuse(http.StatusBadRequest, "InvalidTemplate", "%v", err)
	}
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

// passing tells whether the same call may well be answered later.
func passing(err error) bool {
	status := resources.AsError(err).Status
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// note keeps an operation of a deployment.
func (d *Deployments) note(ctx context.Context, id string, r *armtemplate.Resource, begun time.Time, failure error) {
	state, code := resources.Succeeded, http.StatusOK
	var message any
	if failure != nil {
		e := resources.AsError(failure)
		state, code = resources.Failed, e.Status
		message = map[string]any{"status": resources.Failed, "error": e}
	}
	err := d.Engine.Change(ctx, id, func(deployment *resources.Resource) error {
		operations := resources.Object(deployment.Local["operations"])
		if operations == nil {
			operations = map[string]any{}
			deployment.Local["operations"] = operations
		}
		name := fmt.Sprintf("%016X", len(operations)+1)
		properties := map[string]any{
			"provisioningOperation": "Create", "provisioningState": state, "timestamp": d.Now().UTC().Format(time.RFC3339Nano),
			"duration": fmt.Sprintf("PT%.3fS", d.Now().Sub(begun).Seconds()), "statusCode": statusCode(code),
			"targetResource": map[string]any{"id": r.ID, "resourceType": r.Type, "resourceName": r.Name},
		}
		if message != nil {
			properties["statusMessage"] = message
		}
		operations[name] = map[string]any{"id": id + "/operations/" + name, "operationId": name, "properties": properties}
		return nil
	})
	if err != nil {
		d.Log.Warn("an operation of a deployment is not listed", "deployment", id, "error", err)
	}
}

// operations lists what a deployment did.
func (d *Deployments) operations(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	operations := resources.Object(r.Local["operations"])
	value := []any{}
	for n := range len(operations) {
		if one, ok := operations[fmt.Sprintf("%016X", n+1)]; ok {
			value = append(value, one)
		}
	}
	return map[string]any{"value": value}, nil
}

// loose is a value as encoding/json reads it.
func loose(v any) (any, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var value any
	return value, json.Unmarshal(content, &value)
}

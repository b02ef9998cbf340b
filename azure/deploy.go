package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/wait"
)

// Template is a template for Deploy. Parameters are plain values by name, without
// {"value": …}; a model.Secret is for a parameter of a secure type.
type Template struct {
	Body, Parameters map[string]any
}

// Deploy deploys a template to a group, incrementally. While the deployment runs it
// returns a wait.Later, as Await does; prepare is called before it begins. If another
// deployment of that name is running, it returns a wait.Later as well: that
// deployment may be for another state of the cluster, and the next attempt of the
// step sees its result.
//
// Outputs are plain values. A failure is an arm.DeploymentFailed whose details name
// each resource; Explain handles it.
func (c *Clients) Deploy(ctx context.Context, running Running, group, name string, prepare func() (Template, error)) (map[string]any, error) {
	other := fmt.Sprintf("the deployment %q that runs already", name)
	if running.Token(other) != "" {
		if err := c.ended(ctx, group, name, other); err != nil {
			return nil, err
		}
		running.Keep(other, "")
	}
	ctx, op := c.Operation(ctx, running, fmt.Sprintf("the deployment %q", name))
	t := Template{}
	if op.Token == "" {
		var err error
		if t, err = prepare(); err != nil {
			return nil, err
		}
	}
	poller, err := c.Deployments.BeginCreateOrUpdate(ctx, group, name, armresources.Deployment{
		Properties: &armresources.DeploymentProperties{
			Mode: to.Ptr(armresources.DeploymentModeIncremental), Template: t.Body, Parameters: wrapped(t.Parameters),
		}}, &armresources.DeploymentsClientBeginCreateOrUpdateOptions{ResumeToken: op.Token})
	done, err := Await(ctx, op, poller, err)
	switch {
	case Code(err) == "DeploymentActive":
		running.Keep(other, "active")
		return nil, wait.Later(c.pollEvery, other+" to end")
	case err != nil:
		return nil, deployment{c, group, name}.failed(ctx, err)
	}
	return outputs(done.Properties), nil
}

// ended is a wait.Later while another deployment of that name runs. It reads, because
// Azure limits writes far more than reads.
func (c *Clients) ended(ctx context.Context, group, name, other string) error {
	defer wait.Await(ctx, wait.Azure)()
	got, err := c.Deployments.Get(ctx, group, name, nil)
	if hasStatus(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deployment %s: %w", name, err)
	}
	terminal := []armresources.ProvisioningState{armresources.ProvisioningStateSucceeded, armresources.ProvisioningStateFailed, armresources.ProvisioningStateCanceled}
	if p := got.Properties; p != nil && p.ProvisioningState != nil && !slices.Contains(terminal, *p.ProvisioningState) {
		return wait.Later(c.pollEvery, other+" to end")
	}
	return nil
}

type deployment struct {
	clients     *Clients
	group, name string
}

// deploymentFault is the cause of a failed deployment, for Explain and the log.
type deploymentFault struct {
	faults []fault
	cause  error
}

func (f *deploymentFault) Error() string { return f.cause.Error() }

func (f *deploymentFault) Unwrap() error { return f.cause }

// failed separates the failure of a deployment from that of a call.
func (d deployment) failed(ctx context.Context, err error) error {
	if errors.As(err, new(*wait.Pending)) {
		return err
	}
	faults := faultsOf(err)
	if len(faults) == 0 {
		return fmt.Errorf("deployment %s: %w", d.name, err)
	}
	ran := faults[0].code == "DeploymentFailed" || faults[0].status < http.StatusMultipleChoices
	if !ran {
		if !hasStatus(err, http.StatusBadRequest) {
			return fmt.Errorf("deployment %s: %w", d.name, err)
		}
		return d.error(faults, err)
	}
	// The deployment's operations name the resource of each fault, and therefore
	// come first.
	found, unread := d.operations(ctx)
	faults = append(found, faults...)
	if unread != nil && !slices.ContainsFunc(faults, fault.isCause) {
		return fmt.Errorf("deployment %s failed, and why cannot be read: %w", d.name, unread)
	}
	return d.error(faults, err)
}

// isCause reports whether the fault is a cause, not only the statement that there
// is one.
func (f fault) isCause() bool { return f.code != "" && f.code != "DeploymentFailed" }

func (d deployment) error(faults []fault, cause error) error {
	e := arm.DeploymentFailed.Errorf("Azure could not make the cluster's resources (deployment %q). The details name each one and Azure's reason; remove it, then repeat the request.", d.name)
	for _, f := range faults {
		text := f.code + ": " + f.text()
		// The deployment's own response repeats the faults of its operations.
		reported := slices.ContainsFunc(e.Details, func(d *arm.Error) bool {
			return strings.TrimPrefix(d.Message, d.Target+": ") == text && (f.target == "" || arm.EqualFold(d.Target, f.target))
		})
		if f.isCause() && !reported && len(e.Details) < maxFaults {
			e.Details = append(e.Details, arm.DeploymentFailed.At(f.target, "%s", text))
		}
	}
	return e.Because(&deploymentFault{faults, cause})
}

// operations returns the faults of the deployment's resources. It uses a timeout of
// its own, so that the cause is found even if the caller's time is over.
func (d deployment) operations(ctx context.Context) ([]fault, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	var faults []fault
	pager := d.clients.Operations.NewListPager(d.group, d.name, nil)
	for pager.More() && len(faults) < maxFaults {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return faults, err
		}
		for _, op := range page.Value {
			faults = append(faults, operationFaults(op)...)
		}
	}
	return faults, nil
}

func operationFaults(op *armresources.DeploymentOperation) []fault {
	p := op.Properties
	if p == nil || p.ProvisioningState == nil || *p.ProvisioningState != "Failed" || p.StatusMessage == nil {
		return nil
	}
	body, err := json.Marshal(p.StatusMessage)
	if err != nil {
		return nil
	}
	var like fault
	if p.TargetResource != nil && p.TargetResource.ID != nil {
		like.target = *p.TargetResource.ID
	}
	return parseFaults(body, like)
}

func wrapped(parameters map[string]any) map[string]any {
	all := make(map[string]any, len(parameters))
	for name, value := range parameters {
		if s, ok := value.(model.Secret); ok {
			value = string(s)
		}
		all[name] = map[string]any{"value": value}
	}
	return all
}

func outputs(p *armresources.DeploymentPropertiesExtended) map[string]any {
	all := map[string]any{}
	if p == nil {
		return all
	}
	declared, _ := p.Outputs.(map[string]any)
	for name, output := range declared {
		if o, ok := output.(map[string]any); ok {
			all[name] = o["value"]
		}
	}
	return all
}

package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
)

// clients of the SDK.
type clients struct {
	groups      map[string]*armresources.ResourceGroupsClient // by subscription
	deployments map[string]*armresources.DeploymentsClient
	scaleSets   *armcompute.VirtualMachineScaleSetsClient
	instances   *armcompute.VirtualMachineScaleSetVMsClient
}

func (o *Options) client() azcore.ClientOptions {
	return azcore.ClientOptions{Cloud: o.Cloud.Configuration, Transport: o.Transport}
}

func newClients(o *Options) (*clients, error) {
	c := &clients{groups: map[string]*armresources.ResourceGroupsClient{}, deployments: map[string]*armresources.DeploymentsClient{}}
	options := &arm.ClientOptions{ClientOptions: o.client()}
	for _, subscription := range []string{o.Region.SubscriptionID, o.Region.GlobalSubscriptionID} {
		factory, err := armresources.NewClientFactory(subscription, o.Credential, options)
		if err != nil {
			return nil, fmt.Errorf("clients of Azure: %w", err)
		}
		c.groups[subscription], c.deployments[subscription] = factory.NewResourceGroupsClient(), factory.NewDeploymentsClient()
	}
	factory, err := armcompute.NewClientFactory(o.Region.SubscriptionID, o.Credential, options)
	if err != nil {
		return nil, fmt.Errorf("clients of Azure: %w", err)
	}
	c.scaleSets, c.instances = factory.NewVirtualMachineScaleSetsClient(), factory.NewVirtualMachineScaleSetVMsClient()
	return c, nil
}

func (o *Options) secretsOf(vault string) (*azsecrets.Client, error) {
	return azsecrets.NewClient(vault, o.Credential, &azsecrets.ClientOptions{ClientOptions: o.client(), DisableChallengeResourceVerification: o.Cloud.Custom})
}

func (o *Options) certificatesOf(vault string) (*azcertificates.Client, error) {
	return azcertificates.NewClient(vault, o.Credential, &azcertificates.ClientOptions{ClientOptions: o.client(), DisableChallengeResourceVerification: o.Cloud.Custom})
}

func (o *Options) blobsAt(endpoint string) (*azblob.Client, error) {
	return azblob.NewClient(endpoint, o.Credential, &azblob.ClientOptions{ClientOptions: o.client()})
}

// place is a group of a subscription.
type place struct{ subscription, group string }

// here is the region's group, and shared that of all regions.
func (o *Options) here() place { return place{o.Region.SubscriptionID, o.Region.ResourceGroup} }

func (o *Options) shared() place {
	return place{o.Region.GlobalSubscriptionID, o.Region.GlobalResourceGroup}
}

// deploy deploys a template to a group and keeps its outputs. A deployment of that name
// that runs already, of a run before, is waited for first.
func (r *rollout) deploy(ctx context.Context, at place, name, deployment string, parameters object) error {
	body, err := Template(name)
	if err != nil {
		return err
	}
	wrapped := object{}
	for parameter, value := range parameters {
		wrapped[parameter] = object{"value": value}
	}
	if r.DryRun {
		return r.whatIf(ctx, at, deployment, body, wrapped)
	}
	request := armresources.Deployment{Properties: &armresources.DeploymentProperties{Mode: to.Ptr(armresources.DeploymentModeIncremental), Template: body, Parameters: wrapped}}
	for {
		poller, err := r.deployments[at.subscription].BeginCreateOrUpdate(ctx, at.group, deployment, request, nil)
		if code(err) == "DeploymentActive" {
			r.say("        the deployment %s runs already", deployment)
			if err := r.wait(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("deployment %s: %w", deployment, err)
		}
		done, err := poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
		if err != nil {
			return fmt.Errorf("deployment %s: %w", deployment, err)
		}
		r.keep(done.Properties)
		return nil
	}
}

// keep notes the outputs of a deployment.
func (r *rollout) keep(p *armresources.DeploymentPropertiesExtended) {
	if p == nil {
		return
	}
	declared, _ := p.Outputs.(map[string]any)
	for name, output := range declared {
		if o, ok := output.(map[string]any); ok {
			r.outputs[name] = o["value"]
		}
	}
}

// whatIf prints what a deployment would change, and keeps the outputs of the last one.
func (r *rollout) whatIf(ctx context.Context, at place, deployment string, body, parameters object) error {
	before, err := r.deployments[at.subscription].Get(ctx, at.group, deployment, nil)
	if err == nil {
		r.keep(before.Properties)
	} else if !missing(err) {
		return err
	}
	for _, value := range parameters {
		if v := value.(object)["value"]; v == "" || v == nil {
			return errUnknown
		}
	}
	poller, err := r.deployments[at.subscription].BeginWhatIf(ctx, at.group, deployment, armresources.DeploymentWhatIf{
		Properties: &armresources.DeploymentWhatIfProperties{Mode: to.Ptr(armresources.DeploymentModeIncremental), Template: body, Parameters: parameters}}, nil)
	if missing(err) {
		return errUnknown // its group does not exist yet
	}
	if err != nil {
		return fmt.Errorf("what if %s: %w", deployment, err)
	}
	result, err := poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
	if err != nil {
		return fmt.Errorf("what if %s: %w", deployment, err)
	}
	if result.Properties == nil {
		return nil
	}
	for _, change := range result.Properties.Changes {
		if kind := *change.ChangeType; kind != armresources.ChangeTypeIgnore && kind != armresources.ChangeTypeNoChange {
			r.say("        %-8s %s", kind, *change.ResourceID)
		}
	}
	return nil
}

// code of an error of Azure.
func code(err error) string {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return e.ErrorCode
	}
	return ""
}

func missing(err error) bool { return hasStatus(err, http.StatusNotFound) }

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && e.StatusCode == status
}

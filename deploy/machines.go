package deploy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/deploy/machine"
)

const (
	// setPrefix begins the names of the service's scale sets.
	setPrefix = "rp-vmss-"
	// stopTries bounds the attempts to stop a machine's service.
	stopTries = 3
)

// machineConfig is what the machines of the build start with.
func (r *rollout) machineConfig() *machine.Config {
	c := r.Region
	environment := map[string]string{
		"ARO_CLOUD": c.Cloud, "ARO_TENANT": c.TenantID, "ARO_SUBSCRIPTION": c.SubscriptionID, "ARO_RESOURCE_GROUP": c.ResourceGroup,
		"ARO_LOCATION": c.Location, "ARO_DOMAIN": c.Location + "." + c.ClusterDomain, "ARO_STORE": "cosmos:" + r.text("databaseEndpoint") + "?database=ARO",
		"ARO_FIRST_PARTY_CLIENT_ID": c.FirstPartyClientID, "ARO_CERTIFICATE_ISSUER": c.CertificateIssuer, "ARO_REGISTRY_DOMAIN": r.text("registryLoginServer"),
		"ARO_SERVICE_VAULT": r.text("serviceVault"), "ARO_CLUSTER_VAULT": r.text("clusterVault"), "ARO_IDENTITY_VAULT": r.text("identityVault"),
		"ARO_OIDC_STORAGE": r.text("issuerEndpoint") + "$web", "ARO_OIDC_ISSUER": r.text("issuerEndpoint") + "$web",
		"ARO_ENCRYPTION_KEYS": "keyvault:" + encryptionKeys, "ARO_TLS_CERT": "keyvault:" + serverCertificate,
	}
	if c.MSIAudience != "" {
		environment["ARO_MSI_AUDIENCE"] = c.MSIAudience
	}
	maps.Copy(environment, c.Environment)
	var portal *machine.Portal
	if c.PortalClientID != "" {
		portal = &machine.Portal{Origin: fmt.Sprintf("https://%s:%d", r.portalHost(), c.PortalPort), SSHAddress: fmt.Sprintf("%s:%d", r.portalHost(), c.PortalSSHPort),
			ClientID: c.PortalClientID, Access: c.PortalAccess, Elevated: c.PortalElevated}
	}
	return &machine.Config{
		Image: r.text("registryLoginServer") + "/" + c.Repository + ":" + r.Build, ClientID: r.text("identityClientId"), Port: c.ServicePort, Environment: environment,
		ARMClients: c.ARMClients, AdminClients: c.AdminClients, AdminReaders: c.AdminReaders, Authorities: c.Authorities, Portal: portal, Agent: machine.Agent{Image: c.MetricsImage, Arguments: c.MetricsArguments},
		Logs: machine.Logs{Image: c.CollectorImage, Endpoint: c.LogEndpoint, Location: c.Location, Build: r.Build},
	}
}

// setName is the name of a scale set: it contains the build, and a hash of everything that its
// machines start with, so that changed settings are rolled out like another build.
func (r *rollout) setName(cloudInit []byte) string {
	sum := sha256.New()
	sum.Write(cloudInit)
	sum.Write([]byte(fmt.Sprintln(r.Region.Size, r.zones())))
	return setPrefix + r.Build + "-" + hex.EncodeToString(sum.Sum(nil)[:4])
}

// machines makes the scale set of the build. One that is there is only resized: what its
// machines start with is in its name.
func (r *rollout) machines(ctx context.Context) error {
	cloudInit, err := r.machineConfig().CloudInit()
	if err != nil {
		return err
	}
	name := r.setName(cloudInit)
	r.outputs["scaleSet"] = name
	have, err := r.scaleSets.Get(ctx, r.Region.ResourceGroup, name, nil)
	if err != nil && !missing(err) {
		return err
	}
	if err == nil && *have.Properties.ProvisioningState == "Succeeded" {
		if r.DryRun || *have.SKU.Capacity == int64(r.Region.Capacity) {
			r.say("        %s is there", name)
			return nil
		}
		return r.resize(ctx, name)
	}
	key := r.Region.SSHPublicKey
	if key == "" {
		if key, err = throwAwayKey(); err != nil {
			return err
		}
	}
	return r.deploy(ctx, r.here(), "scaleset", "aro-scaleset-"+strings.TrimPrefix(name, setPrefix), object{
		"location": r.Region.Location, "scaleSet": name, "identityId": r.text("identityId"), "customData": base64.StdEncoding.EncodeToString(cloudInit),
		"sshPublicKey": key, "size": r.Region.Size, "capacity": r.Region.Capacity, "zones": r.zones(),
	})
}

func (r *rollout) resize(ctx context.Context, name string) error {
	r.say("        %s gets %d machines", name, r.Region.Capacity)
	poller, err := r.scaleSets.BeginUpdate(ctx, r.Region.ResourceGroup, name, armcompute.VirtualMachineScaleSetUpdate{SKU: &armcompute.SKU{Capacity: to.Ptr(int64(r.Region.Capacity))}}, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
	}
	return err
}

// throwAwayKey returns a public key whose private key is discarded: Azure requires one, but no user
// logs in.
func throwAwayKey() (string, error) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

// awaitHealthy waits until the load balancer's probe reports each new machine as healthy. If they
// are not in time, they are removed, and the machines of the build before stay in service.
func (r *rollout) awaitHealthy(ctx context.Context) error {
	if r.DryRun {
		return nil
	}
	name, said := r.text("scaleSet"), ""
	patience := time.Duration(r.Region.HealthPatience) * time.Minute
	for began := time.Now(); ; {
		states, healthy, err := r.health(ctx, name)
		if err != nil {
			return err
		}
		if states != said {
			r.say("        %s", states)
			said = states
		}
		if healthy >= r.Region.Capacity {
			return nil
		}
		if time.Since(began) > patience {
			return r.rollBack(ctx, name, states)
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

// health returns the state of each machine of a scale set, and the number of healthy ones.
func (r *rollout) health(ctx context.Context, set string) (states string, healthy int, err error) {
	machines, err := r.machinesOf(ctx, set)
	var all []string
	for _, m := range machines {
		state := "starting"
		if v := m.Properties.InstanceView; v != nil && v.VMHealth != nil && v.VMHealth.Status != nil && v.VMHealth.Status.Code != nil {
			state = strings.TrimPrefix(*v.VMHealth.Status.Code, "HealthState/")
		}
		if state == "healthy" {
			healthy++
		}
		all = append(all, *m.InstanceID+" "+state)
	}
	return set + ": " + strings.Join(all, ", "), healthy, err
}

func (r *rollout) machinesOf(ctx context.Context, set string) ([]*armcompute.VirtualMachineScaleSetVM, error) {
	var all []*armcompute.VirtualMachineScaleSetVM
	pager := r.instances.NewListPager(r.Region.ResourceGroup, set, &armcompute.VirtualMachineScaleSetVMsClientListOptions{Expand: to.Ptr("instanceView")})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("machines of %s: %w", set, err)
		}
		all = append(all, page.Value...)
	}
	return all, nil
}

// rollBack removes machines that did not become healthy, if others serve.
func (r *rollout) rollBack(ctx context.Context, name, states string) error {
	failed := fmt.Errorf("the machines of %s are not healthy after %d minutes (%s)", r.Build, r.Region.HealthPatience, states)
	others, err := r.otherSets(ctx, name)
	if err != nil {
		return errors.Join(failed, err)
	}
	if len(others) == 0 {
		return fmt.Errorf("%w; there are no others, so they are kept: their boot diagnostics say why", failed)
	}
	r.say("        %s is removed; %s goes on serving", name, strings.Join(others, ", "))
	if err := r.deleteSet(ctx, name); err != nil {
		return errors.Join(failed, err)
	}
	return fmt.Errorf("%w; they were removed, and the region goes on with %s", failed, strings.Join(others, ", "))
}

// otherSets are the scale sets of other builds.
func (r *rollout) otherSets(ctx context.Context, name string) ([]string, error) {
	var others []string
	pager := r.scaleSets.NewListPager(r.Region.ResourceGroup, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scale sets: %w", err)
		}
		for _, set := range page.Value {
			if strings.HasPrefix(*set.Name, setPrefix) && !arm.EqualFold(*set.Name, name) {
				others = append(others, *set.Name)
			}
		}
	}
	return others, nil
}

// retire stops the services of machines of other builds and removes the machines. A service that is
// stopped reports to the load balancer that it is not ready, finishes its requests, and releases
// its leases.
func (r *rollout) retire(ctx context.Context) error {
	others, err := r.otherSets(ctx, r.text("scaleSet"))
	if err != nil {
		return err
	}
	for _, set := range others {
		r.say("        %s hands over", set)
		if r.DryRun {
			continue
		}
		if err := r.drain(ctx, set); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
		if err := r.deleteSet(ctx, set); err != nil {
			return err
		}
		r.say("        %s is removed", set)
	}
	return nil
}

// drain stops the service on each machine of a scale set, after automatic repairs are disabled. A
// machine that does not answer is removed nevertheless: it serves no requests.
func (r *rollout) drain(ctx context.Context, set string) error {
	poller, err := r.scaleSets.BeginUpdate(ctx, r.Region.ResourceGroup, set, armcompute.VirtualMachineScaleSetUpdate{
		Properties: &armcompute.VirtualMachineScaleSetUpdateProperties{AutomaticRepairsPolicy: &armcompute.AutomaticRepairsPolicy{Enabled: to.Ptr(false)}}}, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
	}
	if err != nil {
		return fmt.Errorf("switch automatic repairs off: %w", err)
	}
	machines, err := r.machinesOf(ctx, set)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range machines {
		group.Go(func() error {
			err := r.stop(ctx, set, *m.InstanceID)
			if err != nil && ctx.Err() == nil {
				r.say("        machine %s of %s did not stop its service: %v", *m.InstanceID, set, err)
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// stop stops the service on a machine, and returns when it has ended.
func (r *rollout) stop(ctx context.Context, set, id string) (err error) {
	for range stopTries {
		var poller *runtime.Poller[armcompute.VirtualMachineScaleSetVMsClientRunCommandResponse]
		poller, err = r.instances.BeginRunCommand(ctx, r.Region.ResourceGroup, set, id, armcompute.RunCommandInput{
			CommandID: to.Ptr("RunShellScript"), Script: []*string{to.Ptr(machine.Stop())}}, nil)
		if err == nil {
			_, err = poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
		}
		if err == nil || code(err) != "OperationPreempted" {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	return err
}

func (r *rollout) deleteSet(ctx context.Context, set string) error {
	poller, err := r.scaleSets.BeginDelete(ctx, r.Region.ResourceGroup, set, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: r.Poll})
	}
	if err != nil && !missing(err) {
		return fmt.Errorf("remove %s: %w", set, err)
	}
	return nil
}

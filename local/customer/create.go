package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/clients/go/aro20250725"
)

// Create describes a new cluster.
type Create struct {
	Target
	Location         string `default:"eastus" help:"Azure region."`
	Domain           string `help:"Domain: a name below the service's, or a customer's own. Default: the cluster's name."`
	Version          string `help:"OpenShift version. Default: the service's, or its newest with --workload-identity."`
	Workers          int32  `default:"3" help:"Number of workers."`
	MasterSize       string `default:"Standard_D8s_v5" help:"VM size of the control plane."`
	WorkerSize       string `default:"Standard_D4s_v5" help:"VM size of the workers."`
	Private          bool   `help:"Give API server and ingress private addresses only."`
	WorkloadIdentity bool   `help:"Use managed identities instead of a service principal."`
	PullSecret       string `type:"existingfile" help:"File with a Red Hat pull secret."`
}

// label is what the service takes as a name below its domain.
var label = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$`)

// Check validates the names and applies their defaults.
func (o *Create) Check() error {
	if err := o.Target.Check(); err != nil {
		return err
	}
	if o.Domain == "" {
		if !label.MatchString(o.Name) {
			return fmt.Errorf("%q cannot be the cluster's domain: use up to 54 lower-case letters, digits and hyphens beginning with a letter, or name another with --domain", o.Name)
		}
		o.Domain = o.Name
	}
	return nil
}

// Create creates the cluster with what it needs, shows the steps until it is
// there, and may be repeated: what exists is left as it is, and an operation
// that runs is followed.
func (c *Customer) Create(ctx context.Context, o Create) error {
	existing, err := c.cluster(ctx, o.Target)
	if err != nil {
		return err
	}
	switch state(existing) {
	case "":
		if existing == nil {
			return c.createNew(ctx, o)
		}
	case aro20250725.ProvisioningStateSucceeded:
		c.say("the cluster %s already exists; nothing was changed", o.Name)
		return nil
	case aro20250725.ProvisioningStateFailed:
		return fmt.Errorf("the cluster %s exists and its last operation failed; delete it before you create it again", o.Name)
	case aro20250725.ProvisioningStateDeleting:
		return fmt.Errorf("the cluster %s is being deleted; create it again when that has ended", o.Name)
	}
	return c.Watch(ctx, o.Target)
}

func (c *Customer) createNew(ctx context.Context, o Create) error {
	body, err := c.body(o)
	if err != nil {
		return err
	}
	network, err := c.foundation(ctx, o)
	if err != nil {
		return err
	}
	body.Properties.MasterProfile.SubnetID = new(network + "/subnets/master")
	body.Properties.WorkerProfiles[0].SubnetID = new(network + "/subnets/worker")
	if o.WorkloadIdentity {
		err = c.withIdentities(ctx, o, network, body)
	} else {
		err = c.withPrincipal(ctx, o, network, body)
	}
	if err != nil {
		return err
	}
	c.say("cluster %s", o.Name)
	var answer *http.Response
	if _, err := c.clusters.BeginCreateOrUpdate(policy.WithCaptureResponse(ctx, &answer), o.Group, o.Name, *body, nil); err != nil {
		return fmt.Errorf("create the cluster: %w", err)
	}
	return c.follow(ctx, o.Target, answer.Header.Get(asyncOperation))
}

// body returns the cluster without its subnets and identity.
func (c *Customer) body(o Create) (*aro20250725.OpenShiftCluster, error) {
	visibility := aro20250725.VisibilityPublic
	if o.Private {
		visibility = aro20250725.VisibilityPrivate
	}
	profile := &aro20250725.ClusterProfile{Domain: &o.Domain, ResourceGroupID: new(c.groupID(o.managedGroup()))}
	if o.Version != "" {
		profile.Version = &o.Version
	}
	if o.PullSecret != "" {
		secret, err := os.ReadFile(o.PullSecret)
		if err != nil {
			return nil, fmt.Errorf("--pull-secret: %w", err)
		}
		profile.PullSecret = new(string(secret))
	}
	return &aro20250725.OpenShiftCluster{Location: &o.Location, Properties: &aro20250725.OpenShiftClusterProperties{
		ClusterProfile:   profile,
		NetworkProfile:   &aro20250725.NetworkProfile{PodCidr: new("10.128.0.0/14"), ServiceCidr: new("172.30.0.0/16")},
		MasterProfile:    &aro20250725.MasterProfile{VMSize: &o.MasterSize},
		WorkerProfiles:   []*aro20250725.WorkerProfile{{Name: new("worker"), VMSize: &o.WorkerSize, Count: &o.Workers, DiskSizeGB: new(int32(128))}},
		ApiserverProfile: &aro20250725.APIServerProfile{Visibility: &visibility},
		IngressProfiles:  []*aro20250725.IngressProfile{{Name: new("default"), Visibility: &visibility}},
	}}, nil
}

// withPrincipal makes a service principal and its role for the cluster.
func (c *Customer) withPrincipal(ctx context.Context, o Create, network string, body *aro20250725.OpenShiftCluster) error {
	p, err := c.principal(ctx, o.Target)
	if err != nil {
		return err
	}
	body.Properties.ServicePrincipalProfile = &aro20250725.ServicePrincipalProfile{ClientID: &p.clientID, ClientSecret: &p.secret}
	return c.assign(ctx, network, networkContributor, p.objectID)
}

// withIdentities makes the managed identities of the cluster and their roles.
func (c *Customer) withIdentities(ctx context.Context, o Create, network string, body *aro20250725.OpenShiftCluster) error {
	roles, err := c.roles(ctx, o, body)
	if err != nil {
		return err
	}
	cluster, operators, err := c.identities(ctx, o, network, roles)
	if err != nil {
		return err
	}
	identities := map[string]*aro20250725.PlatformWorkloadIdentity{}
	for operator, id := range operators {
		identities[operator] = &aro20250725.PlatformWorkloadIdentity{ResourceID: &id}
	}
	body.Identity = &aro20250725.ManagedServiceIdentity{Type: new(aro20250725.ManagedServiceIdentityTypeUserAssigned),
		UserAssignedIdentities: map[string]*aro20250725.UserAssignedIdentity{cluster: {}}}
	body.Properties.PlatformWorkloadIdentityProfile = &aro20250725.PlatformWorkloadIdentityProfile{PlatformWorkloadIdentities: identities}
	return nil
}

// Delete deletes the cluster, and then what Create made for it: the service needs
// the network to delete the cluster. It returns ErrNotFound if there is neither a
// cluster nor anything that an interrupted Create left.
func (c *Customer) Delete(ctx context.Context, t Target) error {
	existing, err := c.cluster(ctx, t)
	if err != nil {
		return err
	}
	if existing != nil {
		c.say("deleting the cluster %s", t.Name)
		var answer *http.Response
		if _, err := c.clusters.BeginDelete(policy.WithCaptureResponse(ctx, &answer), t.Group, t.Name, nil); err != nil {
			return fmt.Errorf("delete the cluster: %w", err)
		}
		if err := c.follow(ctx, t, answer.Header.Get(asyncOperation)); err != nil {
			return err
		}
	}
	group, err := c.removeGroup(ctx, t)
	application, appErr := c.removePrincipal(ctx, t)
	if err := errors.Join(err, appErr); err != nil {
		return err
	}
	if existing == nil && (group || application) {
		c.say("there was no cluster; what its creation left is deleted")
		return nil
	}
	if existing == nil {
		return fmt.Errorf("%s: %w", t.Name, ErrNotFound)
	}
	return nil
}

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// identity holds the identities that a cluster, and the service on its behalf, uses in Azure.
type identity struct {
	azure *azureAccess
	env   *environment.Environment
}

// fetchClusterIdentity obtains credentials of the cluster's identity, and records its ids.
func (s *identity) fetchClusterIdentity(ctx context.Context, w *Work) error {
	if err := s.azure.FetchClusterIdentity(ctx, w.Resource()); err != nil {
		return err
	}
	clientID, principalID, err := s.azure.ClusterIdentityIDs(ctx, w.Resource())
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Identity == nil {
			return errors.New("the cluster has no identity")
		}
		fill(&c.Identity.TenantID, c.Internal.TenantID) // of older clusters
		for id := range c.Identity.UserAssignedIdentities {
			c.Identity.UserAssignedIdentities[id] = &model.UserAssignedIdentity{ClientID: clientID, PrincipalID: principalID}
		}
		return nil
	})
}

const operatorTarget = `properties.platformWorkloadIdentityProfile.platformWorkloadIdentities["%s"]`

// readOperatorIdentities records the ids of the operators' identities, read with the cluster's
// identity.
func (s *identity) readOperatorIdentities(ctx context.Context, w *Work) error {
	found := map[string]armmsi.UserAssignedIdentityProperties{}
	for operator, identity := range operators(w.Resource()) {
		id, err := s.readIdentity(ctx, w.Resource(), identity.ResourceID)
		if err != nil {
			return s.unreadable(w.Resource(), operator, identity.ResourceID, err)
		}
		found[operator] = *id
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		for operator, p := range found {
			if identity := c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities[operator]; identity != nil {
				identity.ClientID, identity.ObjectID = deref(p.ClientID), deref(p.PrincipalID)
			}
		}
		return nil
	})
}

func (s *identity) readIdentity(ctx context.Context, c *model.Cluster, id string) (*armmsi.UserAssignedIdentityProperties, error) {
	clients, r, err := s.asClusterIdentity(ctx, c, id)
	if err != nil {
		return nil, err
	}
	identity, err := clients.Identities.Get(ctx, r.ResourceGroupName, r.Name, nil)
	if err == nil && identity.Properties == nil {
		err = errors.New("it has no properties")
	}
	return identity.Properties, err
}

// asClusterIdentity returns clients, with the cluster's identity, of the subscription of the
// identity with that id.
func (s *identity) asClusterIdentity(ctx context.Context, c *model.Cluster, id string) (*azure.Clients, *azarm.ResourceID, error) {
	r, err := azarm.ParseResourceID(id)
	if err != nil {
		return nil, nil, arm.InvalidResourceID.Errorf("The id %q is not that of a user-assigned identity. Correct it.", id)
	}
	credential, err := s.azure.ClusterIdentity(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	clients, err := s.azure.Clients(r.SubscriptionID, credential)
	return clients, r, err
}

// unreadable is a final error if an identity does not exist; a missing role may still be
// propagating. An unavailable Azure says nothing about the identity.
func (s *identity) unreadable(c *model.Cluster, operator, id string, err error) error {
	refused := arm.InvalidPlatformWorkloadIdentity.At(fmt.Sprintf(operatorTarget, operator),
		"The identity %s of the operator %s cannot be read by the cluster's identity. Check that it exists, and that the cluster's "+
			"identity has the role Azure Red Hat OpenShift Federated Credential on it. Azure says: %s.", id, operator, cmp.Or(azure.Code(err), "nothing")).Because(err)
	if azure.NotFound(err) {
		return refused
	}
	var typed *arm.Error
	explained, _ := azure.Explanation(err, s.azure.SubjectOf(c))
	if errors.As(err, &typed) || explained != nil && explained.Code.Status >= http.StatusTooManyRequests {
		return err
	}
	return wait.AgainFor(s.env.RefusalPatience(), refused)
}

// operators returns the identities of the platform's operators by operator.
func operators(c *model.Cluster) map[string]*model.PlatformWorkloadIdentity {
	if p := c.Properties.PlatformWorkloadIdentityProfile; p != nil {
		return p.PlatformWorkloadIdentities
	}
	return nil
}

// sortedOperators are their names, for an order that does not change.
func sortedOperators(c *model.Cluster) []string { return slices.Sorted(maps.Keys(operators(c))) }

// roleSets say what the operators of a version of OpenShift need.
type roleSets struct {
	documents *store.Collection[store.RoleSetDocument]
}

// roles are the roles of each operator, in the cluster's version first.
func (s *roleSets) roles(ctx context.Context, c *model.Cluster) (map[string][]model.PlatformWorkloadIdentityRole, error) {
	byOperator := map[string][]model.PlatformWorkloadIdentityRole{}
	for _, minor := range c.RoleSetVersions() {
		doc, err := s.documents.Get(ctx, store.RoleSetsPartition, minor)
		if errors.Is(err, store.ErrNotFound) {
			target, sent := c.MinorSource(minor)
			return nil, arm.InvalidParameter.At(target, "%s: OpenShift %s does not support workload identities here. Choose another version.", arm.Sent(sent), minor)
		}
		if err != nil {
			return nil, err
		}
		for _, role := range doc.RoleSet.Properties.PlatformWorkloadIdentityRoles {
			byOperator[role.OperatorName] = append(byOperator[role.OperatorName], role)
		}
	}
	return byOperator, nil
}

// operatorIdentities returns where each operator reads its identity.
func (s *roleSets) operatorIdentities(ctx context.Context, c *model.Cluster) ([]openshift.Identity, error) {
	var identities []openshift.Identity
	for _, version := range c.RoleSetVersions() {
		doc, err := s.documents.Get(ctx, store.RoleSetsPartition, version)
		if err != nil {
			return nil, fmt.Errorf("role set of OpenShift %s: %w", version, err)
		}
		for _, role := range doc.RoleSet.Properties.PlatformWorkloadIdentityRoles {
			identity := c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities[role.OperatorName]
			if identity == nil || role.SecretLocation == nil {
				continue
			}
			identities = append(identities, openshift.Identity{Namespace: role.SecretLocation.Namespace, Name: role.SecretLocation.Name, ClientID: identity.ClientID})
		}
	}
	// Two versions mostly have the same places.
	slices.SortFunc(identities, func(a, b openshift.Identity) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return slices.Compact(identities), nil
}

// lastSegment is the name at the end of an id.
func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func (s *identity) forgetClusterIdentity(ctx context.Context, w *Work) error {
	return s.azure.ForgetClusterIdentity(ctx, w.Resource().Internal.UID)
}

// findServicePrincipal records the object id of the cluster's service principal, which role
// assignments need. It reads it from a token, because Microsoft Graph would require permissions in
// the directory.
func (s *identity) findServicePrincipal(ctx context.Context, w *Work) error {
	c := w.Resource()
	sp := c.Properties.ServicePrincipalProfile
	if sp == nil {
		return errors.New("the cluster has no service principal")
	}
	credential, err := s.azure.ServicePrincipal(c.Internal.TenantID, sp.ClientID, sp.ClientSecret)
	if err != nil {
		return err
	}
	id, err := s.azure.ObjectID(ctx, credential)
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Properties.ServicePrincipalProfile.ObjectID == id {
			return store.ErrUnchanged
		}
		c.Properties.ServicePrincipalProfile.ObjectID = id
		return nil
	})
}

// findLostServicePrincipal is for older clusters: a known object id is not read again, because the
// secret may have expired since.
func (s *identity) findLostServicePrincipal(ctx context.Context, w *Work) error {
	if sp := w.Resource().Properties.ServicePrincipalProfile; sp != nil && sp.ObjectID != "" {
		return nil
	}
	return s.findServicePrincipal(ctx, w)
}

// findOurselves records the object id of the first party application in the customer's tenant.
func (s *identity) findOurselves(ctx context.Context, w *Work) error {
	id, err := s.azure.ObjectID(ctx, s.azure.FirstParty(w.Resource().Internal.TenantID))
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Internal.ResourceProviderID == id {
			return store.ErrUnchanged
		}
		c.Internal.ResourceProviderID = id
		return nil
	})
}

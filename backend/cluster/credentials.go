package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

// makeKubeconfigs makes the credentials for the cluster, once.
func (s *steps) makeKubeconfigs(ctx context.Context, w *Work) error {
	internal := &w.Resource().Internal
	if internal.AdminKubeconfig != "" && internal.ServiceKubeconfig != "" && internal.SREKubeconfig != "" && internal.UserAdminKubeconfig != "" {
		return nil
	}
	issuer, admin, err := s.issuer(ctx, w.Resource())
	if err != nil {
		return err
	}
	reach, err := s.userReach(w.Resource())
	if err != nil {
		return err
	}
	service, err := issuer.Service()
	if err != nil {
		return err
	}
	sre, err := issuer.SRE()
	if err != nil {
		return err
	}
	user, err := issuer.User(reach)
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.AdminKubeconfig, c.Internal.ServiceKubeconfig = admin, model.Secret(service)
		c.Internal.SREKubeconfig, c.Internal.UserAdminKubeconfig = model.Secret(sre), model.Secret(user)
		return nil
	})
}

// fixUserKubeconfig replaces a kubeconfig that customers cannot use, or not for
// much longer.
func (s *steps) fixUserKubeconfig(ctx context.Context, w *Work) error {
	user, err := s.freshUserKubeconfig(ctx, w.Resource())
	if err != nil || user == "" {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.UserAdminKubeconfig = user
		return nil
	})
}

// freshUserKubeconfig is empty while the one that there is lasts.
func (s *steps) freshUserKubeconfig(ctx context.Context, c *model.Cluster) (model.Secret, error) {
	reach, err := s.userReach(c)
	if err != nil || openshift.Fresh([]byte(c.Internal.UserAdminKubeconfig), reach, s.Now()) {
		return "", err
	}
	issuer, _, err := s.issuer(ctx, c)
	if err != nil {
		return "", err
	}
	user, err := issuer.User(reach)
	return model.Secret(user), err
}

// issuer signs with what the installer left behind.
func (s *steps) issuer(ctx context.Context, c *model.Cluster) (*openshift.Issuer, model.Secret, error) {
	result, err := s.readGraph(ctx, c)
	if err != nil {
		return nil, "", err
	}
	signer := openshift.KeyPair{Certificate: []byte(result.AdminKubeconfigSigner.Cert), Key: []byte(result.AdminKubeconfigSigner.Key)}
	issuer, err := openshift.NewIssuer([]byte(result.AdminKubeconfig), signer, s.Now)
	return issuer, model.Secret(result.AdminKubeconfig), err
}

// userReach is how customers reach the API server: by name where it resolves.
func (s *steps) userReach(c *model.Cluster) (openshift.Reach, error) {
	reach := openshift.Reach{Domain: s.Env.FullDomain(c.Properties.ClusterProfile.Domain), Signed: s.signed(c)}
	if s.Env.DelegatedDomain() {
		return reach, nil
	}
	reach.Address = c.Properties.APIServerProfile.IP
	if reach.Address == "" {
		return reach, errors.New("the cluster's API server has no address yet")
	}
	return reach, nil
}

// updateClusterSecrets makes the cluster act with its service principal's
// present credentials. It is for clusters that have one.
func (s *steps) updateClusterSecrets(ctx context.Context, w *Work) error {
	c := w.Resource()
	id, err := clusterID(c)
	if err != nil {
		return err
	}
	principal := openshift.ServicePrincipal{
		ClientID: c.Properties.ServicePrincipalProfile.ClientID, ClientSecret: string(c.Properties.ServicePrincipalProfile.ClientSecret),
		TenantID: c.Internal.TenantID, SubscriptionID: id.SubscriptionID, Location: c.Location,
		ResourceGroup: managedGroup(c), InfraID: c.Internal.InfraID,
	}
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.UseServicePrincipal(ctx, principal)
	})
}

// identitySecrets tells each operator in the cluster which identity it has.
func (s *steps) identitySecrets(ctx context.Context, w *Work) error {
	c := w.Resource()
	id, err := clusterID(c)
	if err != nil {
		return err
	}
	identities, err := s.operatorIdentities(ctx, c)
	if err != nil {
		return err
	}
	cloud := openshift.Cloud{TenantID: c.Internal.TenantID, SubscriptionID: id.SubscriptionID, Location: c.Location}
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		if err := kube.UseIdentities(ctx, cloud, identities); err != nil {
			return err
		}
		if next := c.Properties.PlatformWorkloadIdentityProfile.UpgradeableTo; next != "" {
			return kube.AllowUpgrade(ctx, next)
		}
		return nil
	})
}

// operatorIdentities finds out where each operator reads its identity.
func (s *steps) operatorIdentities(ctx context.Context, c *model.Cluster) ([]openshift.Identity, error) {
	var identities []openshift.Identity
	for _, version := range c.RoleSetVersions() {
		doc, err := s.RoleSets.Get(ctx, store.RoleSetsPartition, version)
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

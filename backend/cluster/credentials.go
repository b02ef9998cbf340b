package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

// credentials manages kubeconfigs for a cluster, and the secrets that it uses in Azure.
type credentials struct {
	api      *clusterAPI
	env      *environment.Environment
	roleSets *roleSets
	graph    *graphStore
	now      func() time.Time
}

// makeKubeconfigs makes the credentials for the cluster, once.
func (s *credentials) makeKubeconfigs(ctx context.Context, w *Work) error {
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

// fixUserKubeconfig replaces a kubeconfig that customers cannot use, or that expires soon.
func (s *credentials) fixUserKubeconfig(ctx context.Context, w *Work) error {
	user, err := s.freshUserKubeconfig(ctx, w.Resource())
	if err != nil || user == "" {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Internal.UserAdminKubeconfig = user
		return nil
	})
}

// freshUserKubeconfig returns an empty secret while the present one is valid long enough.
func (s *credentials) freshUserKubeconfig(ctx context.Context, c *model.Cluster) (model.Secret, error) {
	reach, err := s.userReach(c)
	if err != nil || openshift.Fresh([]byte(c.Internal.UserAdminKubeconfig), reach, s.now()) {
		return "", err
	}
	issuer, _, err := s.issuer(ctx, c)
	if err != nil {
		return "", err
	}
	user, err := issuer.User(reach)
	return model.Secret(user), err
}

// issuer signs with the certificate authority of the installer's graph.
func (s *credentials) issuer(ctx context.Context, c *model.Cluster) (*openshift.Issuer, model.Secret, error) {
	result, err := s.graph.readGraph(ctx, c)
	if err != nil {
		return nil, "", err
	}
	signer := openshift.KeyPair{Certificate: []byte(result.AdminKubeconfigSigner.Cert), Key: []byte(result.AdminKubeconfigSigner.Key)}
	issuer, err := openshift.NewIssuer([]byte(result.AdminKubeconfig), signer, s.now)
	return issuer, model.Secret(result.AdminKubeconfig), err
}

// userReach is the address at which customers reach the API server: its name where that resolves.
func (s *credentials) userReach(c *model.Cluster) (openshift.Reach, error) {
	reach := openshift.Reach{Domain: s.env.FullDomain(c.Properties.ClusterProfile.Domain), Signed: managed(s.env, c)}
	if s.env.DelegatedDomain() {
		return reach, nil
	}
	reach.Address = c.Properties.APIServerProfile.IP
	if reach.Address == "" {
		return reach, errors.New("the cluster's API server has no address yet")
	}
	return reach, nil
}

// updateClusterSecrets writes its service principal's present credentials into the cluster. It is
// for clusters that have one.
func (s *credentials) updateClusterSecrets(ctx context.Context, w *Work) error {
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
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.UseServicePrincipal(ctx, principal)
	})
}

// identitySecrets writes the identity of each operator into the cluster.
func (s *credentials) identitySecrets(ctx context.Context, w *Work) error {
	c := w.Resource()
	id, err := clusterID(c)
	if err != nil {
		return err
	}
	identities, err := s.roleSets.operatorIdentities(ctx, c)
	if err != nil {
		return err
	}
	cloud := openshift.Cloud{TenantID: c.Internal.TenantID, SubscriptionID: id.SubscriptionID, Location: c.Location}
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		if err := kube.UseIdentities(ctx, cloud, identities); err != nil {
			return err
		}
		if next := c.Properties.PlatformWorkloadIdentityProfile.UpgradeableTo; next != "" {
			return kube.AllowUpgrade(ctx, next)
		}
		return nil
	})
}

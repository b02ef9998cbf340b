package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"golang.org/x/mod/semver"

	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/operator/deploy"
)

// Operator describes the operator that the service deploys into clusters.
type Operator struct {
	// Image is the container image; its tag is the version.
	Image string
	// Authorities of the certificates of an Azure other than Microsoft's, PEM; may be empty.
	Authorities string
}

// operator deploys the operator into clusters, and maintains its Cluster object.
type operator struct {
	api          *clusterAPI
	azure        *azureAccess
	env          *environment.Environment
	installation *installation
	program      Operator
}

// ownOperator is the name of the operator among those that have identities.
const ownOperator = "aro-operator"

// Releases of OpenShift from which the operator is updated, and from which its pods
// meet the restricted security standard.
const (
	operable   = "v4.7.0"
	restricted = "v4.11.0"
)

// operated selects clusters whose release the operator is for.
func operated(c *model.Cluster) bool { return since(c, operable) }

func since(c *model.Cluster, version string) bool {
	return semver.Compare("v"+c.Properties.ClusterProfile.Version, version) >= 0
}

// deployOperator deploys the operator into the cluster, and replaces an older one.
func (s *operator) deployOperator(ctx context.Context, w *Work) error {
	settings, err := s.operatorSettings(ctx, w.Resource())
	if err != nil {
		return err
	}
	return s.withDeployer(ctx, w, func(ctx context.Context, d deploy.Deployer) (string, error) { return d.Apply(ctx, *settings) })
}

// createClusterObject creates the Cluster object, which the operator works from, and allows
// restarts of machines while the cluster is not in use yet.
func (s *operator) createClusterObject(ctx context.Context, w *Work) error {
	return s.writeClusterObject(ctx, w, true)
}

// syncClusterObject updates the Cluster object to what the service knows of the cluster.
func (s *operator) syncClusterObject(ctx context.Context, w *Work) error {
	return s.writeClusterObject(ctx, w, false)
}

func (s *operator) writeClusterObject(ctx context.Context, w *Work, restartNodes bool) error {
	settings, err := s.operatorSettings(ctx, w.Resource())
	if err != nil {
		return err
	}
	settings.RestartNodes = restartNodes
	return s.withDeployer(ctx, w, func(ctx context.Context, d deploy.Deployer) (string, error) { return "", d.Sync(ctx, *settings) })
}

func (s *operator) operatorReady(ctx context.Context, w *Work) error {
	return s.withDeployer(ctx, w, func(ctx context.Context, d deploy.Deployer) (string, error) { return d.Ready(ctx) })
}

// operatorReplaced waits until no pod of an older operator is left.
func (s *operator) operatorReplaced(ctx context.Context, w *Work) error {
	return s.withDeployer(ctx, w, func(ctx context.Context, d deploy.Deployer) (string, error) {
		return d.Runs(ctx, deploy.Version(s.program.Image))
	})
}

// renewOperator restarts the operator if the cluster has new credentials for it, which it reads
// when it starts. A cluster without one gets it by its maintenance.
func (s *operator) renewOperator(ctx context.Context, w *Work) error {
	wanted := operatorCredentials(w.Resource())
	return s.withDeployer(ctx, w, func(ctx context.Context, d deploy.Deployer) (string, error) { return d.Renew(ctx, wanted) })
}

// operatorCredentials returns the credentials that a cluster has for its operator.
func operatorCredentials(c *model.Cluster) deploy.Credentials {
	credentials := deploy.Credentials{TenantID: c.Internal.TenantID}
	if sp := c.Properties.ServicePrincipalProfile; sp != nil {
		credentials.ClientID, credentials.ClientSecret = sp.ClientID, string(sp.ClientSecret)
	} else if own := operators(c)[ownOperator]; own != nil {
		credentials.ClientID = own.ClientID
	}
	return credentials
}

func (s *operator) withDeployer(ctx context.Context, w *Work, question func(context.Context, deploy.Deployer) (missing string, err error)) error {
	return s.api.ask(ctx, w, "operator", func(ctx context.Context, kube *openshift.Cluster) (string, error) {
		return question(ctx, deploy.Deployer{Objects: kube})
	})
}

// operatorSettings returns what is deployed, and the specification of the Cluster object.
func (s *operator) operatorSettings(ctx context.Context, c *model.Cluster) (*deploy.Settings, error) {
	id, err := clusterID(c)
	if err != nil {
		return nil, err
	}
	logins, err := s.installation.pullSecret(ctx, "")
	if err != nil {
		return nil, err
	}
	d := &deploy.Settings{Image: s.program.Image, PullSecret: string(logins), Restricted: since(c, restricted),
		Cluster: s.operatorCluster(c), Flags: c.Internal.OperatorFlags, CustomerSecurityGroup: !ownSecurityGroup(c),
		Credentials: operatorCredentials(c)}
	if azure := s.azure.Cloud(); azure.Custom {
		d.Cloud = &deploy.Cloud{URL: azure.Services[cloud.ResourceManager].Endpoint, Authorities: s.program.Authorities}
	}
	if !c.UsesWorkloadIdentity() {
		return d, nil
	}
	own := operators(c)[ownOperator]
	if own == nil {
		return nil, errors.New("the cluster has no identity for " + ownOperator)
	}
	d.WorkloadIdentity = &deploy.WorkloadIdentity{ClientID: own.ClientID, TenantID: c.Internal.TenantID, SubscriptionID: id.SubscriptionID}
	return d, nil
}

// operatorCluster returns what the service knows of the cluster, as the operator reads it.
func (s *operator) operatorCluster(c *model.Cluster) deploy.Cluster {
	p := &c.Properties
	cluster := deploy.Cluster{
		ResourceID: c.ID, ClusterResourceGroupID: p.ClusterProfile.ResourceGroupID, Domain: s.env.FullDomain(p.ClusterProfile.Domain),
		ACRDomain: s.env.RegistryDomain, Location: c.Location, InfraID: c.Internal.InfraID, StorageSuffix: c.Internal.StorageSuffix,
		ArchitectureVersion: 1, APIIntIP: p.APIServerProfile.InternalIP,
		ServiceSubnets: []string{s.env.PrivateEndpointSubnetID(), s.env.SubnetID()},
	}
	cluster.InternetChecker.URLs = s.requiredURLs()
	cluster.AZEnvironment, _ = s.installation.cloudFor()
	cluster.VnetID, _, _ = strings.Cut(p.MasterProfile.SubnetID, "/subnets/")
	for _, ingress := range p.IngressProfiles {
		if cluster.IngressIP == "" || ingress.Name == "default" {
			cluster.IngressIP = ingress.IP
		}
	}
	return cluster
}

// requiredURLs are the URLs that every cluster must reach. The registry exists in Microsoft's
// clouds only.
func (s *operator) requiredURLs() []string {
	azure := s.azure.Cloud()
	urls := []string{azure.Services[cloud.ResourceManager].Endpoint, azure.ActiveDirectoryAuthorityHost}
	if !azure.Custom {
		urls = append(urls, "https://"+s.env.RegistryDomain)
	}
	for i := range urls {
		urls[i] = strings.TrimSuffix(urls[i], "/") + "/"
	}
	return slices.Compact(urls)
}

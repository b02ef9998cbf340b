package cluster

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"golang.org/x/crypto/ssh"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// installation makes the install assets of a cluster with the OpenShift installer.
type installation struct {
	azure             *azureAccess
	env               *environment.Environment
	installer         Installer
	validator         Validator
	versions          *store.Collection[store.VersionDocument]
	roleSets          *roleSets
	servicePullSecret func(context.Context) (model.Secret, error)
	graph             *graphStore
}

// runInstaller makes the cluster's install assets once: keys that a cluster uses must never be made
// again.
func (s *installation) runInstaller(ctx context.Context, w *Work) error {
	result, err := s.graph.readGraph(ctx, w.Resource())
	if absent(err) {
		result, err = s.install(ctx, w)
	}
	if err != nil {
		return err
	}
	if w.Resource().Internal.Installer != result.Installer {
		if err := w.Save(ctx, func(c *model.Cluster) error { c.Internal.Installer = result.Installer; return nil }); err != nil {
			return err
		}
	}
	return s.graph.writeIgnition(ctx, w.Resource(), result)
}

// install runs the installer and commits its output.
func (s *installation) install(ctx context.Context, w *Work) (*install.Result, error) {
	version, err := s.version(ctx, w.Resource().Properties.ClusterProfile.Version)
	if err != nil {
		return nil, err
	}
	request, err := s.installRequest(ctx, w.Resource(), version.OpenShiftPullspec)
	if err != nil {
		return nil, err
	}
	ended := wait.Await(ctx, wait.Installer)
	result, err := s.installer.Run(ctx, install.Release{Version: version.Version, Image: version.InstallerImage()}, *request)
	ended()
	if err != nil {
		return nil, notInstalled(err)
	}
	return s.graph.writeGraph(ctx, w, result)
}

// version returns the catalogue's entry for a cluster's OpenShift version.
func (s *installation) version(ctx context.Context, version string) (*model.OpenShiftVersionProperties, error) {
	doc, err := s.versions.Get(ctx, store.VersionsPartition, version)
	if err == nil && doc.Version.Properties.OpenShiftPullspec != "" {
		known := doc.Version.Properties
		known.Version = version
		return &known, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return nil, arm.InvalidParameter.At("properties.clusterProfile.version", "The OpenShift version %q is not offered any more. Create the cluster with another one.", version)
}

// notInstalled is the error of a failed installer, for customers. A value that it rejected is named
// as in the API, with the installer's reason; its other messages go to the log. A rejected value is
// a final error; an installer that did not answer is tried again.
func notInstalled(err error) error {
	var failed *install.Error
	if !errors.As(err, &failed) {
		return wait.Again(arm.ComponentNotReady.Errorf("The OpenShift installer could not make what the machines start from. " +
			"Delete the cluster and create it again; if it persists open a support ticket.").Because(err))
	}
	if refused := refusedByInstaller(failed.Refused); refused != nil {
		return refused.Because(err)
	}
	at := ""
	if failed.Asset != "" {
		at = " (" + failed.Asset + ")"
	}
	return arm.ComponentNotReady.Errorf("The OpenShift installer could not make what the machines start from%s. "+
		"Delete the cluster and create it again; if it persists open a support ticket.", at).Because(err)
}

// refusedByInstaller names the values that the customer can change; it is nil if there are none.
func refusedByInstaller(refused []install.Refusal) *arm.Error {
	var f arm.Faults
	for _, r := range refused {
		for _, known := range installerFields() {
			if strings.HasPrefix(r.Field, known.field) {
				f.Add(arm.InvalidParameter, known.path, "The OpenShift installer does not take %s: %.300s. Delete the cluster and create it with another value.", known.path, r.Message)
				break
			}
		}
	}
	var refusal *arm.Error
	if errors.As(f.Err(), &refusal) {
		return refusal
	}
	return nil
}

// fieldOf maps a field of the installer to a path of the API.
type fieldOf struct{ field, path string }

// installerFields are the installer's names of what installRequest passes on; the
// first prefix of a field wins.
func installerFields() []fieldOf {
	const profile = "properties."
	return []fieldOf{
		{"metadata.name", profile + "clusterProfile.domain"},
		{"baseDomain", profile + "clusterProfile.domain"},
		{"pullSecret", profile + "clusterProfile.pullSecret"},
		{"fips", profile + "clusterProfile.fipsValidatedModules"},
		{"networking.clusterNetwork", profile + "networkProfile.podCidr"},
		{"networking.serviceNetwork", profile + "networkProfile.serviceCidr"},
		{"networking.networkType", profile + "networkProfile.softwareDefinedNetwork"},
		{"platform.azure.outboundType", profile + "networkProfile.outboundType"},
		{"platform.azure.region", "location"},
		{"controlPlane.platform.azure.osDisk.diskEncryptionSet", profile + "masterProfile.diskEncryptionSetId"},
		{"controlPlane.platform.azure.defaultMachinePlatform.diskEncryptionSet", profile + "masterProfile.diskEncryptionSetId"},
		{"controlPlane", profile + "masterProfile"},
		{"compute[0].replicas", profile + "workerProfiles[0].count"},
		{"compute[0].name", profile + "workerProfiles[0].name"},
		{"compute[0].platform.azure.osDisk.diskEncryptionSet", profile + "workerProfiles[0].diskEncryptionSetId"},
		{"compute[0].platform.azure.diskSizeGB", profile + "workerProfiles[0].diskSizeGB"},
		{"compute[0]", profile + "workerProfiles[0]"},
		{"publish", profile + "ingressProfiles[0].visibility"},
	}
}

// installRequest describes the cluster to the installer.
func (s *installation) installRequest(ctx context.Context, c *model.Cluster, release string) (*install.Request, error) {
	id, err := clusterID(c)
	if err != nil {
		return nil, err
	}
	p := &c.Properties
	r := &install.Request{
		ClusterID: c.Internal.UID, InfraID: c.Internal.InfraID, Domain: s.env.FullDomain(p.ClusterProfile.Domain),
		Location: strings.ToLower(c.Location), TenantID: c.Internal.TenantID, SubscriptionID: id.SubscriptionID, ResourceGroup: managedGroup(c),
		OutboundType: string(cmp.Or(p.NetworkProfile.OutboundType, model.LoadBalancer)), Publish: "Internal",
		FIPS: p.ClusterProfile.FIPSValidatedModules == model.Enabled, NetworkType: p.NetworkProfile.SoftwareDefinedNetwork,
		PodCIDR: p.NetworkProfile.PodCIDR, ServiceCIDR: p.NetworkProfile.ServiceCIDR, MTU: c.Internal.MTU,
		APIServerInternalIP: p.APIServerProfile.InternalIP, ImageRegistryStorageAccount: c.Internal.ImageRegistryStorageAccount,
		ImageRegistryContainer: "image-registry", RegistryDomain: s.env.RegistryDomain, ReleaseImage: release,
	}
	if publicIngress(c) {
		r.Publish = "External"
	}
	if len(p.IngressProfiles) > 0 {
		r.IngressIP = p.IngressProfiles[0].IP
	}
	r.CloudName, r.ARMEndpoint = s.cloudFor()
	if r.SSHPublicKey, err = sshPublicKey(c.Internal.SSHKey); err != nil {
		return nil, err
	}
	if r.PullSecret, err = s.pullSecret(ctx, p.ClusterProfile.PullSecret); err != nil {
		return nil, err
	}
	if err := networkOf(c, r); err != nil {
		return nil, err
	}
	if err := s.machinesOf(ctx, c, r); err != nil {
		return nil, err
	}
	return r, s.identitiesOf(ctx, c, r)
}

// cloudFor names the cloud as OpenShift knows it. One it does not know is public
// Azure with another Resource Manager.
func (s *installation) cloudFor() (name, endpoint string) {
	c := s.azure.Cloud()
	if c.Custom {
		return "AzurePublicCloud", c.Services[cloud.ResourceManager].Endpoint
	}
	return c.Name, ""
}

// networkOf describes to the installer the customer's network.
func networkOf(c *model.Cluster, r *install.Request) error {
	master, err := parseSubnet(c.Properties.MasterProfile.SubnetID)
	if err != nil {
		return err
	}
	r.Network = install.Network{ResourceGroup: master.group, VirtualNetwork: master.network, MasterSubnet: master.name}
	ids := workerSubnets(c)
	if len(ids) == 0 {
		return errors.New("the cluster has no worker subnet")
	}
	worker, err := parseSubnet(ids[0])
	r.Network.WorkerSubnet = worker.name
	return err
}

// machinesOf describes the machines to the installer, with the capabilities of their sizes.
func (s *installation) machinesOf(ctx context.Context, c *model.Cluster, r *install.Request) error {
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	m := &c.Properties.MasterProfile
	capabilities, err := s.validator.Capabilities(ctx, clients, c.Location, m.VMSize)
	if err != nil {
		return err
	}
	r.Master = install.MasterPool{VMSize: m.VMSize, Zones: firstZones(c), EncryptionAtHost: m.EncryptionAtHost == model.Enabled,
		DiskEncryptionSetID: m.DiskEncryptionSetID, Capabilities: capabilities}
	w := c.Properties.WorkerProfiles[0]
	if capabilities, err = s.validator.Capabilities(ctx, clients, c.Location, w.VMSize); err != nil {
		return err
	}
	r.Worker = install.WorkerPool{Name: w.Name, Count: w.Count, VMSize: w.VMSize, DiskSizeGB: w.DiskSizeGB, Zones: c.Internal.Zones,
		EncryptionAtHost: w.EncryptionAtHost == model.Enabled, DiskEncryptionSetID: w.DiskEncryptionSetID, Capabilities: capabilities}
	image := imageOf(c.Properties.ClusterProfile.Version, r.Master.Capabilities, r.Worker.Capabilities)
	r.OSImage = image
	return nil
}

// firstZones are the masters' zones: one for each.
func firstZones(c *model.Cluster) []string { return c.Internal.Zones[:min(len(c.Internal.Zones), 3)] }

// testedImages are the OS images that a minor version was tested with; other versions use the
// newest.
var testedImages = map[string]string{"4.20": "9.6.20251015"}

// imageOf returns the OS image of all machines: one of the second generation if any of the sizes
// requires that.
func imageOf(version string, capabilities ...map[string]string) install.OSImage {
	parts := strings.SplitN(version, ".", 3)
	minor := strings.Join(parts[:min(len(parts), 2)], ".")
	image := install.OSImage{Publisher: "azureopenshift", Offer: "aro4", SKU: "aro_" + strings.ReplaceAll(minor, ".", ""), Version: cmp.Or(testedImages[minor], "latest")}
	for _, c := range capabilities {
		if generations := c["HyperVGenerations"]; generations != "" && !slices.Contains(strings.Split(generations, ","), "V1") {
			image.SKU = strings.TrimSuffix(image.SKU, "-v2") + "-v2"
		}
	}
	return image
}

// identitiesOf describes the cluster's identities to the installer.
func (s *installation) identitiesOf(ctx context.Context, c *model.Cluster, r *install.Request) error {
	if !c.UsesWorkloadIdentity() {
		sp := c.Properties.ServicePrincipalProfile
		if sp == nil {
			return errors.New("the cluster has no service principal")
		}
		r.ServicePrincipal = &install.ServicePrincipal{ClientID: sp.ClientID, ClientSecret: install.Secret(sp.ClientSecret)}
		return nil
	}
	roles, err := s.roleSets.roles(ctx, c)
	if err != nil {
		return err
	}
	wi := &install.WorkloadIdentity{OIDCIssuer: c.Properties.ClusterProfile.OIDCIssuer, BoundServiceAccountSigningKey: install.Secret(c.Internal.BoundServiceAccountSigningKey)}
	for _, operator := range sortedOperators(c) {
		if len(roles[operator]) == 0 || roles[operator][0].SecretLocation == nil {
			continue
		}
		at := roles[operator][0].SecretLocation
		wi.Identities = append(wi.Identities, install.Identity{OperatorName: operator, ClientID: operators(c)[operator].ClientID, SecretNamespace: at.Namespace, SecretName: at.Name})
	}
	r.WorkloadIdentity = wi
	return nil
}

// pullSecret merges the cluster's pull secret with the service's own.
func (s *installation) pullSecret(ctx context.Context, customer model.Secret) (install.Secret, error) {
	var own model.Secret
	if s.servicePullSecret != nil {
		var err error
		if own, err = s.servicePullSecret(ctx); err != nil {
			return "", err
		}
	}
	return mergedPullSecret(own, customer)
}

// mergedPullSecret merges two pull secrets; the customer's entries win.
func mergedPullSecret(service, customer model.Secret) (install.Secret, error) {
	auths := map[string]json.RawMessage{}
	for _, secret := range []model.Secret{service, customer} {
		if secret == "" {
			continue
		}
		var given struct {
			Auths map[string]json.RawMessage `json:"auths"`
		}
		if err := json.Unmarshal([]byte(string(secret)), &given); err != nil {
			return "", errors.New("a pull secret is not JSON") // the decoder's text may cite it
		}
		for registry, login := range given.Auths {
			auths[registry] = login
		}
	}
	merged, err := json.Marshal(map[string]any{"auths": auths})
	return install.Secret(merged), err
}

// sshPublicKey is the public half of a private key, as authorized_keys has it.
func sshPublicKey(private model.Secret) (string, error) {
	block, _ := pem.Decode([]byte(string(private)))
	if block == nil {
		return "", errors.New("the cluster's SSH key is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return "", errors.New("the cluster's SSH key is damaged") // the cause might show it
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), nil
}

package assets

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/installer/pkg/asset/installconfig"
	icazure "github.com/openshift/installer/pkg/asset/installconfig/azure"
	"github.com/openshift/installer/pkg/ipnet"
	"github.com/openshift/installer/pkg/types"
	"github.com/openshift/installer/pkg/types/azure"
	"github.com/openshift/installer/pkg/types/validation"
	"golang.org/x/crypto/ssh"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	capz "sigs.k8s.io/cluster-api-provider-azure/api/v1beta1"

	"github.com/aro-rp/aro/installer/custom"
	"github.com/aro-rp/aro/installer/document"
)

const (
	masters          = int64(3)
	workerHostPrefix = 23
	masterDiskGB     = 1024
	// noMachineNetwork satisfies the installer's check and has no effect: the
	// customer provides the subnets, and the resource provider checks them.
	noMachineNetwork = "127.0.0.0/8"
	// telemetry is the registry whose entry would register the cluster with Red
	// Hat before its owner requests it.
	telemetry = "cloud.openshift.com"
)

// capabilities are all except those for clusters on bare metal.
var capabilities = []configv1.ClusterVersionCapability{
	configv1.ClusterVersionCapabilityBuild,
	configv1.ClusterVersionCapabilityCloudControllerManager,
	configv1.ClusterVersionCapabilityCloudCredential,
	configv1.ClusterVersionCapabilityConsole,
	configv1.ClusterVersionCapabilityCSISnapshot,
	configv1.ClusterVersionCapabilityDeploymentConfig,
	configv1.ClusterVersionCapabilityImageRegistry,
	configv1.ClusterVersionCapabilityIngress,
	configv1.ClusterVersionCapabilityInsights,
	configv1.ClusterVersionCapabilityMachineAPI,
	configv1.ClusterVersionCapabilityMarketplace,
	configv1.ClusterVersionCapabilityNodeTuning,
	configv1.ClusterVersionCapabilityOpenShiftSamples,
	configv1.ClusterVersionCapabilityOperatorLifecycleManager,
	configv1.ClusterVersionCapabilityStorage,
}

// installConfig returns the installer's input, validated by the installer.
func installConfig(req *document.Request) (*installconfig.InstallConfig, error) {
	pullSecret, err := withoutTelemetry(req.PullSecret)
	if err != nil {
		return nil, err
	}
	networking, err := networking(req)
	if err != nil {
		return nil, err
	}
	master, err := machinePool(req, req.Master, masterDiskGB)
	if err != nil {
		return nil, refuse("controlPlane.platform.azure.osDisk.diskEncryptionSet", "%v", err)
	}
	worker, err := machinePool(req, req.Worker.Pool, req.Worker.DiskSizeGB)
	if err != nil {
		return nil, refuse("compute[0].platform.azure.osDisk.diskEncryptionSet", "%v", err)
	}
	name, base, _ := strings.Cut(req.Domain, ".")
	workers := int64(req.Worker.Count)
	config := &types.InstallConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: types.InstallConfigVersion},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		BaseDomain: base,
		SSHKey:     req.SSHPublicKey,
		PullSecret: pullSecret,
		Networking: networking,
		ControlPlane: &types.MachinePool{
			Name: "master", Replicas: new(masters), Platform: types.MachinePoolPlatform{Azure: master},
			Hyperthreading: types.HyperthreadingEnabled, Architecture: types.ArchitectureAMD64,
		},
		Compute: []types.MachinePool{{
			Name: req.Worker.Name, Replicas: &workers, Platform: types.MachinePoolPlatform{Azure: worker},
			Hyperthreading: types.HyperthreadingEnabled, Architecture: types.ArchitectureAMD64,
		}},
		Platform:           types.Platform{Azure: platform(req)},
		FIPS:               req.FIPS,
		Publish:            types.PublishingStrategy(req.Publish),
		ImageDigestSources: mirrors(req.RegistryDomain),
		Capabilities: &types.Capabilities{
			BaselineCapabilitySet: configv1.ClusterVersionCapabilitySetNone, AdditionalEnabledCapabilities: capabilities,
		},
	}
	if req.WorkloadIdentity != nil {
		config.CredentialsMode = types.ManualCredentialsMode
	}
	if err := validate(config); err != nil {
		return nil, err
	}
	made := installconfig.MakeAsset(config)
	made.Azure = icazure.NewMetadataWithCredentials(config.Azure.CloudName, "", credentials(req))
	made.Azure.UseMockClient(newCloud(req))
	return made, nil
}

// credentials returns the credentials that the installer writes to the cluster.
// Without a secret it creates a session for a managed identity, which is never
// used.
func credentials(req *document.Request) *icazure.Credentials {
	c := &icazure.Credentials{SubscriptionID: req.SubscriptionID, TenantID: req.TenantID}
	if sp := req.ServicePrincipal; sp != nil {
		c.ClientID, c.ClientSecret = sp.ClientID, sp.ClientSecret
	}
	return c
}

// validate runs the installer's validation, and removes the values from the error:
// the pull secret may be among them.
func validate(config *types.InstallConfig) error {
	checked := *config
	checked.FIPS = false // see approvedKey
	var refused document.Refused
	for _, e := range validation.ValidateInstallConfig(&checked, false) {
		refused = append(refused, document.Refusal{Field: e.Field, Message: e.Detail})
	}
	if config.FIPS && config.SSHKey != "" && !approvedKey(config.SSHKey) {
		refused = append(refused, document.Refusal{Field: "sshKey", Message: "a cluster in FIPS mode takes RSA and ECDSA only"})
	}
	if len(refused) == 0 {
		return nil
	}
	return refused
}

// refuse returns a refusal of one field.
func refuse(field, format string, args ...any) error {
	return document.Refused{{Field: field, Message: fmt.Sprintf(format, args...)}}
}

// approvedKey is the installer's check of keys for clusters in FIPS mode, without
// its check that the host is in FIPS mode: the installer uses the host's
// cryptography, but this program has Go's own module, in FIPS mode.
func approvedKey(authorized string) bool {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(authorized))
	return err == nil && (key.Type() == ssh.KeyAlgoRSA || strings.HasPrefix(key.Type(), "ecdsa-sha2-nistp"))
}

func platform(req *document.Request) *azure.Platform {
	cloudName := azure.CloudEnvironment(req.CloudName)
	if cloudName == "" {
		cloudName = azure.PublicCloud
	}
	return &azure.Platform{
		Region:                   strings.ToLower(req.Location),
		CloudName:                cloudName,
		ResourceGroupName:        req.ResourceGroup,
		NetworkResourceGroupName: req.Network.ResourceGroup,
		VirtualNetwork:           req.Network.VirtualNetwork,
		ControlPlaneSubnet:       req.Network.MasterSubnet,
		ComputeSubnet:            req.Network.WorkerSubnet,
		OutboundType:             azure.OutboundType(req.OutboundType),
		// Required by the installer; the zone that it names is removed again.
		BaseDomainResourceGroupName: req.ResourceGroup,
		DefaultMachinePlatform:      &azure.MachinePool{Identity: &azure.VMIdentity{Type: capz.VMIdentityNone}},
	}
}

func networking(req *document.Request) (*types.Networking, error) {
	pods, err := ipnet.ParseCIDR(req.PodCIDR)
	if err != nil {
		return nil, refuse("networking.clusterNetwork", "podCidr: %v", err)
	}
	services, err := ipnet.ParseCIDR(req.ServiceCIDR)
	if err != nil {
		return nil, refuse("networking.serviceNetwork", "serviceCidr: %v", err)
	}
	kind := req.NetworkType
	if kind == "" {
		kind = "OVNKubernetes"
	}
	return &types.Networking{
		NetworkType:    kind,
		MachineNetwork: []types.MachineNetworkEntry{{CIDR: *ipnet.MustParseCIDR(noMachineNetwork)}},
		ClusterNetwork: []types.ClusterNetworkEntry{{CIDR: *pods, HostPrefix: workerHostPrefix}},
		ServiceNetwork: []ipnet.IPNet{*services},
	}, nil
}

func machinePool(req *document.Request, p document.Pool, diskGB int) (*azure.MachinePool, error) {
	zones := p.Zones
	if len(zones) == 0 {
		zones = []string{""} // regional; the installer would query Azure for an empty list
	}
	pool := &azure.MachinePool{
		Zones:            zones,
		InstanceType:     p.VMSize,
		EncryptionAtHost: p.EncryptionAtHost,
		OSDisk:           azure.OSDisk{DiskSizeGB: int32(diskGB)},
		VMNetworkingType: string(azure.VMNetworkingTypeBasic),
		OSImage: azure.OSImage{
			Plan: azure.ImageNoPurchasePlan, Publisher: req.OSImage.Publisher, Offer: req.OSImage.Offer,
			SKU: req.OSImage.SKU, Version: req.OSImage.Version,
		},
		BootDiagnostics: &azure.BootDiagnostics{Type: capz.ManagedDiagnosticsStorage},
	}
	if icazure.GetVMNetworkingCapability(p.Capabilities) {
		pool.VMNetworkingType = string(azure.VMnetworkingTypeAccelerated)
	}
	if p.DiskEncryptionSetID != "" {
		des, err := diskEncryptionSet(p.DiskEncryptionSetID)
		if err != nil {
			return nil, err
		}
		pool.OSDisk.DiskEncryptionSet = des
	}
	return pool, nil
}

// diskEncryptionSet parses a resource id.
func diskEncryptionSet(id string) (*azure.DiskEncryptionSet, error) {
	p := strings.Split(id, "/")
	if len(p) != 9 || !strings.EqualFold(p[1], "subscriptions") || !strings.EqualFold(p[3], "resourceGroups") ||
		!strings.EqualFold(p[6]+"/"+p[7], "Microsoft.Compute/diskEncryptionSets") {
		return nil, errors.New("diskEncryptionSetId is no id of a disk encryption set")
	}
	return &azure.DiskEncryptionSet{SubscriptionID: p[2], ResourceGroup: p[4], Name: p[8]}, nil
}

func mirrors(registry string) []types.ImageDigestSource {
	var all []types.ImageDigestSource
	for _, m := range custom.Mirrors(registry) {
		all = append(all, types.ImageDigestSource{Source: m.Source, Mirrors: []string{m.Mirror}})
	}
	return all
}

func withoutTelemetry(pullSecret string) (string, error) {
	var parsed map[string]json.RawMessage
	if err := json.Unmarshal([]byte(pullSecret), &parsed); err != nil {
		return "", refuse("pullSecret", "not a JSON object")
	}
	var auths map[string]json.RawMessage
	if err := json.Unmarshal(parsed["auths"], &auths); err != nil {
		return "", refuse("pullSecret", "no object auths")
	}
	if _, ok := auths[telemetry]; !ok {
		return pullSecret, nil
	}
	delete(auths, telemetry)
	var err error
	if parsed["auths"], err = json.Marshal(auths); err != nil {
		return "", refuse("pullSecret", "auths cannot be written")
	}
	out, err := json.Marshal(parsed)
	if err != nil {
		return "", refuse("pullSecret", "cannot be written")
	}
	return string(out), nil
}

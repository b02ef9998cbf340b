package assets_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/installer/assets"
	"github.com/aro-rp/aro/installer/document"
	"github.com/aro-rp/aro/installer/graph"
)

const (
	manifestDir = "/opt/openshift/manifests/"
	extraDir    = "/opt/openshift/openshift/"
)

func TestTheBootstrapMachineHasWhatItNeeds(t *testing.T) {
	m := exampleCluster(t, withSecret)
	tests := []struct {
		path string
		mode int
		says []string
	}{
		{"/etc/dnsmasq.conf", 0o644, []string{
			"\naddress=/api.demo.eastus.aroapp.test/10.0.0.4\n", "\naddress=/api-int.demo.eastus.aroapp.test/10.0.0.4\n",
			"\naddress=/.apps.demo.eastus.aroapp.test/127.96.0.7\n", "resolv-file=/etc/resolv.conf.dnsmasq", "dns-forward-max=10000",
			"no-hosts", "cache-size=0", "user=dnsmasq", "group=dnsmasq",
		}},
		{"/usr/local/bin/aro-dnsmasq-pre.sh", 0o744, []string{"168.63.129.16"}},
		{"/etc/hosts.d/aro.conf", 0o644, []string{"10.0.0.4\tapi.demo.eastus.aroapp.test api-int.demo.eastus.aroapp.test"}},
		{"/usr/local/bin/aro-etchosts-resolver.sh", 0o744, []string{"/etc/hosts.d/aro.conf"}},
		{"/etc/NetworkManager/dispatcher.d/30-eth0-mtu-3900", 0o555, []string{"eth0", "3900"}},
		{"/etc/containers/registries.conf", 0o644, []string{"arosvc.azurecr.io/openshift-release-dev/ocp-release"}},
		{"/opt/openshift/auth/kubeconfig", 0o600, []string{"server: https://api-int.demo.eastus.aroapp.test:6443"}},
		{"/opt/openshift/auth/kubeconfig-kubelet", 0o600, []string{"server: https://api-int.demo.eastus.aroapp.test:6443"}},
		{"/opt/openshift/auth/kubeconfig-loopback", 0o600, []string{"server: https://localhost:6443"}},
		{"/opt/openshift/tls/service-account.key", 0o600, []string{"PRIVATE KEY"}},
		{"/usr/local/bin/bootkube.sh", 0o555, []string{"cluster-bootstrap"}},
		{"/usr/local/bin/release-image.sh", 0o555, []string{"quay.io/openshift-release-dev/ocp-release@sha256:"}},
	}
	for _, test := range tests {
		text, ok := m.files[test.path]
		if !ok {
			t.Errorf("there is no %s", test.path)
			continue
		}
		if m.modes[test.path] != test.mode {
			t.Errorf("%s has mode %o, want %o", test.path, m.modes[test.path], test.mode)
		}
		for _, says := range test.says {
			if !strings.Contains(text, says) {
				t.Errorf("%s does not say %q:\n%s", test.path, says, text)
			}
		}
	}
}

func TestTheBootstrapMachineRunsOurUnits(t *testing.T) {
	m := exampleCluster(t, withSecret)
	units := map[string]string{}
	for _, u := range m.bootstrap.Systemd.Units {
		if u.Contents != nil {
			units[u.Name] = *u.Contents
		}
		if ours := strings.HasPrefix(u.Name, "aro-") || u.Name == "dnsmasq.service"; ours && (u.Enabled == nil || !*u.Enabled) {
			t.Errorf("%s is not enabled", u.Name)
		}
	}
	for name, says := range map[string]string{
		"dnsmasq.service": "Before=bootkube.service", "aro-etchosts-resolver.service": "Before=network-online.target",
		"aro-bootstrap-journal.service": "--unit=bootkube.service", "bootkube.service": "bootkube.sh", "kubelet.service": "kubelet.sh",
		"approve-csr.service": "approve-csr", "release-image.service": "release-image", "var.mount": "/var",
	} {
		if !strings.Contains(units[name], says) {
			t.Errorf("%s does not say %q: %q", name, says, units[name])
		}
	}
}

// The counts are the installer's own with its two kinds of credentials, before
// anything of ours is added.
func TestTheInstallersOwnFilesAreAllThere(t *testing.T) {
	plain := func(r *document.Request) { r.FIPS, r.MTU = false, 1500 }
	for name, want := range map[string]int{withSecret: 123, withIdentity: 119} {
		m := generate(t, request(t, name, plain))
		own := 0
		for _, f := range m.bootstrap.Storage.Files {
			if !addedByUs(f.Path) {
				own++
			}
		}
		if own != want || len(m.Graph) != 91 {
			t.Errorf("%s: %d files and %d assets, want %d and 91", name, own, len(m.Graph), want)
		}
	}
}

func TestTheMetadataSaysWhoseClusterItIs(t *testing.T) {
	var got struct {
		ClusterName, ClusterID, InfraID string
		Azure                           struct{ CloudName, Region, ResourceGroupName string }
	}
	m := exampleCluster(t, withSecret)
	if err := json.Unmarshal(m.Metadata, &got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.ClusterName, want.ClusterID, want.InfraID = "demo", "5f5c0a3e-2f64-4f3c-9a0e-0b6f4d0c9e11", "demo-x7k2p"
	want.Azure.CloudName, want.Azure.Region, want.Azure.ResourceGroupName = "AzurePublicCloud", "eastus", "aro-demo-x7k2p"
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, kept := m.Graph["*cluster.Metadata"]; !kept {
		t.Error("the graph is without it")
	}
}

func addedByUs(path string) bool {
	switch path {
	case "/etc/dnsmasq.conf", manifestDir + "cluster-authentication-02-config.yaml",
		manifestDir + "openshift-cloud-credential-operator-azure-credentials-secret.yaml":
		return true
	}
	return strings.Contains(path, "aro") || strings.Contains(path, "bound-service-account")
}

func TestTheIdentitysSecretIsWhereOperatorsLook(t *testing.T) {
	m := exampleCluster(t, withSecret)
	data := at(m.object(t, extraDir+"99_cloud-creds-secret.yaml"), "data")
	for name, want := range map[string]string{
		"azure_client_id": "11111111-2222-3333-4444-555555555555", "azure_client_secret": "example~client+secret/7",
		"azure_region": "eastus", "azure_resourcegroup": "aro-demo-x7k2p", "azure_resource_prefix": "demo-x7k2p",
		"azure_subscription_id": "00000000-0000-0000-0000-0000000000a1", "azure_tenant_id": "00000000-0000-0000-0000-0000000000f0",
	} {
		text, _ := at(data, name).(string)
		if got, err := base64.StdEncoding.DecodeString(text); err != nil || string(got) != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	if _, ok := m.files[extraDir+"99_azure-cloud-provider-secret.yaml"]; !ok {
		t.Error("the cloud provider has no secret")
	}
}

func TestWorkloadIdentitiesLeaveNoSecretButTheirOwn(t *testing.T) {
	m := exampleCluster(t, withIdentity)
	for path := range m.files {
		if strings.Contains(path, "cloud-creds-secret.yaml") || strings.Contains(path, "99_azure-cloud-provider") {
			t.Errorf("there is %s", path)
		}
	}
	want := map[string]any{
		"azure_client_id": "20000000-0000-0000-0000-000000000008", "azure_subscription_id": "00000000-0000-0000-0000-0000000000a1",
		"azure_tenant_id": "00000000-0000-0000-0000-0000000000f0", "azure_region": "eastus",
		"azure_federated_token_file": "/var/run/secrets/openshift/serviceaccount/token",
	}
	got, _ := at(m.object(t, manifestDir+"aro-identity-openshift-machine-api-azure-cloud-credentials.yaml"), "stringData").(map[string]any)
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if issuer := at(m.object(t, manifestDir+"cluster-authentication-02-config.yaml"), "spec", "serviceAccountIssuer"); issuer == nil || issuer == "" {
		t.Error("the tokens' issuer is not set")
	}
	if tenant := at(m.object(t, manifestDir+"openshift-cloud-credential-operator-azure-credentials-secret.yaml"), "stringData", "azure_tenant_id"); tenant == nil {
		t.Error("the credential operator has no tenant")
	}
	for path, text := range m.files {
		if strings.HasPrefix(path, manifestDir) && strings.Contains(text, "namespace: openshift-azure-operator") {
			t.Errorf("%s is of the operator that the resource provider brings", path)
		}
	}
	if !strings.Contains(m.files[manifestDir+"cluster-config.yaml"], "credentialsMode: Manual") {
		t.Error("the credential operator would make credentials")
	}
}

func TestIdentityManifestsAreNotTheVersionOperators(t *testing.T) {
	m := exampleCluster(t, withIdentity)
	overrides, _ := at(m.object(t, manifestDir+"cvo-overrides.yaml"), "spec", "overrides").([]any)
	for _, want := range []map[string]any{
		{"group": "", "kind": "Secret", "namespace": "openshift-machine-api", "name": "azure-cloud-credentials", "unmanaged": true},
		{"group": "config.openshift.io", "kind": "Authentication", "namespace": "", "name": "cluster", "unmanaged": true},
	} {
		if !slices.ContainsFunc(overrides, func(o any) bool { return maps.Equal(o.(map[string]any), want) }) {
			t.Errorf("there is no override %v", want)
		}
	}
	if version := at(m.object(t, manifestDir+"cvo-overrides.yaml"), "spec", "clusterID"); version != "5f5c0a3e-2f64-4f3c-9a0e-0b6f4d0c9e11" {
		t.Errorf("the cluster is %v", version)
	}
}

func TestOurManifestsSayWhatTheResourceProviderMade(t *testing.T) {
	m := exampleCluster(t, withSecret)
	service := m.object(t, manifestDir+"aro-ingress-service.yaml")
	annotations, _ := at(service, "metadata", "annotations").(map[string]any)
	if ip := annotations["service.beta.kubernetes.io/azure-load-balancer-ipv4"]; ip != "127.96.0.7" || len(annotations) != 1 {
		t.Errorf("the ingress has %v", annotations)
	}
	registry := m.object(t, manifestDir+"aro-imageregistry.yaml")
	storage := at(registry, "spec", "storage")
	if at(storage, "managementState") != "Unmanaged" || at(storage, "azure", "accountName") != "imageregistryx7k2pqw3rt" ||
		at(storage, "azure", "container") != "image-registry" || at(storage, "azure", "cloudName") != "AzurePublicCloud" {
		t.Errorf("the image registry has %v", storage)
	}
	if secret, _ := at(registry, "spec", "httpSecret").(string); len(secret) != 128 {
		t.Errorf("the image registry's key has %d digits", len(secret))
	}
	spec, _ := at(m.object(t, manifestDir+"cluster-dns-02-config.yml"), "spec").(map[string]any)
	if spec["baseDomain"] != "demo.eastus.aroapp.test" || spec["publicZone"] != nil || spec["privateZone"] != nil {
		t.Errorf("DNS has %v", spec)
	}
	azure := at(m.object(t, manifestDir+"cluster-infrastructure-02-config.yml"), "status", "platformStatus", "azure")
	if at(azure, "armEndpoint") != "https://localhost:8443/" || at(azure, "resourceGroupName") != "aro-demo-x7k2p" {
		t.Errorf("the infrastructure is %v", azure)
	}
	if at(m.object(t, manifestDir+"aro-ingress-namespace.yaml"), "metadata", "name") != "openshift-ingress" {
		t.Error("the ingress has no namespace")
	}
}

func TestAPrivateIngressStaysInTheNetwork(t *testing.T) {
	m := generate(t, request(t, withSecret, func(r *document.Request) { r.Publish, r.OutboundType = "Internal", "UserDefinedRouting" }))
	annotations := at(m.object(t, manifestDir+"aro-ingress-service.yaml"), "metadata", "annotations")
	if at(annotations, "service.beta.kubernetes.io/azure-load-balancer-internal") != "true" {
		t.Errorf("the ingress has %v", annotations)
	}
	spec := at(m.object(t, extraDir+"99_openshift-cluster-api_master-machines-0.yaml"), "spec", "providerSpec", "value")
	if lb := at(spec, "publicLoadBalancer"); lb != nil && lb != "" {
		t.Errorf("masters are behind the public load balancer %v", lb)
	}
}

func TestMachinesAreNamedAndPlaced(t *testing.T) {
	m := exampleCluster(t, withSecret)
	for i, path := range []string{"master-machines-0", "master-machines-1", "master-machines-2"} {
		machine := m.object(t, extraDir+"99_openshift-cluster-api_"+path+".yaml")
		if name, want := at(machine, "metadata", "name"), "demo-x7k2p-master-"+string(rune('0'+i)); name != want {
			t.Errorf("a machine is %v, want %s", name, want)
		}
		value := at(machine, "spec", "providerSpec", "value")
		for name, want := range map[string]any{
			"zone": string(rune('1' + i)), "vmSize": "Standard_D8s_v5", "resourceGroup": "aro-demo-x7k2p", "networkResourceGroup": "demo-rg",
			"vnet": "demo-vnet", "subnet": "master", "internalLoadBalancer": "demo-x7k2p-internal", "publicLoadBalancer": "demo-x7k2p",
			"acceleratedNetworking": true, "location": "eastus",
		} {
			if got := at(value, name); got != want {
				t.Errorf("%s: %s is %v, want %v", path, name, got, want)
			}
		}
		if image := at(value, "image"); at(image, "type") != "MarketplaceNoPlan" || at(image, "offer") != "aro4" {
			t.Errorf("%s has the image %v", path, image)
		}
		if disk := at(value, "osDisk"); at(disk, "diskSizeGB") != 1024.0 ||
			!strings.HasSuffix(at(disk, "managedDisk", "diskEncryptionSet", "id").(string), "/diskEncryptionSets/demo-des") {
			t.Errorf("%s has the disk %v", path, disk)
		}
		if at(value, "securityProfile", "encryptionAtHost") != true {
			t.Errorf("%s is not encrypted at its host", path)
		}
	}
	for i := range 3 {
		set := m.object(t, extraDir+"99_openshift-cluster-api_worker-machineset-"+string(rune('0'+i))+".yaml")
		value := at(set, "spec", "template", "spec", "providerSpec", "value")
		if at(set, "metadata", "name") != "demo-x7k2p-worker-eastus"+string(rune('1'+i)) || at(set, "spec", "replicas") != 1.0 ||
			at(value, "subnet") != "worker" || at(value, "osDisk", "diskSizeGB") != 128.0 || at(value, "credentialsSecret", "name") != "azure-cloud-credentials" {
			t.Errorf("a set of workers is %v", set)
		}
	}
}

func TestRegionalMachinesHaveNoZone(t *testing.T) {
	m := generate(t, request(t, withSecret, func(r *document.Request) {
		r.Master.Zones, r.Worker.Zones = nil, nil
		r.Master.Capabilities = map[string]string{"HyperVGenerations": "V2", "AcceleratedNetworkingEnabled": "False"}
	}))
	value := at(m.object(t, extraDir+"99_openshift-cluster-api_master-machines-0.yaml"), "spec", "providerSpec", "value")
	if zone := at(value, "zone"); zone != nil && zone != "" {
		t.Errorf("a master is in zone %v", zone)
	}
	if at(value, "acceleratedNetworking") == true {
		t.Error("a master uses what its size cannot")
	}
	set := m.object(t, extraDir+"99_openshift-cluster-api_worker-machineset-0.yaml")
	if at(set, "spec", "replicas") != 3.0 {
		t.Errorf("the one set of workers is %v", at(set, "spec"))
	}
}

func TestTheSameRequestGivesTheSameNamesAndOtherKeys(t *testing.T) {
	a, b := exampleCluster(t, withSecret), generate(t, request(t, withSecret, nil))
	var paths [2][]string
	for i, m := range []*made{a, b} {
		for _, f := range m.bootstrap.Storage.Files {
			paths[i] = append(paths[i], f.Path)
		}
	}
	if !slices.Equal(paths[0], paths[1]) {
		t.Error("the files differ, or their order")
	}
	same := extraDir + "99_openshift-cluster-api_master-machines-0.yaml"
	if a.files[same] != b.files[same] {
		t.Errorf("%s differs", same)
	}
	if a.KubeadminPassword == b.KubeadminPassword || a.RootCA.Key == b.RootCA.Key || a.AdminKubeconfigSigner.Key == b.AdminKubeconfigSigner.Key {
		t.Error("two clusters share a secret")
	}
}

func TestTheGraphHasWhatIsReadLater(t *testing.T) {
	m := exampleCluster(t, withSecret)
	var root struct{ CertRaw, KeyRaw []byte }
	if err := json.Unmarshal(m.Graph["*tls.RootCA"], &root); err != nil || string(root.CertRaw) != m.RootCA.Cert || string(root.KeyRaw) != m.RootCA.Key {
		t.Errorf("the root's key is another (%v)", err)
	}
	for _, name := range []string{"*installconfig.InstallConfig", "*kubeconfig.AdminInternalClient", "*tls.AdminKubeConfigSignerCertKey",
		"*password.KubeadminPassword", "*machine.Master", "*bootstrap.Bootstrap"} {
		if len(m.Graph[name]) < 100 {
			t.Errorf("%s is %s", name, m.Graph[name])
		}
	}
	if m.NetworkType != "OVNKubernetes" || len(m.KubeadminPassword) != 23 {
		t.Errorf("network %s, password of %d", m.NetworkType, len(m.KubeadminPassword))
	}
}

func TestTelemetryIsLeftToTheOwner(t *testing.T) {
	m := exampleCluster(t, withSecret)
	secret := m.object(t, manifestDir+"openshift-config-secret-pull-secret.yaml")
	text, _ := at(secret, "data", ".dockerconfigjson").(string)
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || strings.Contains(string(decoded), "cloud.openshift.com") || !strings.Contains(string(decoded), "arosvc.azurecr.io") {
		t.Errorf("the pull secret is for other registries (%v)", err)
	}
}

func TestWhatTheInstallerRefusesIsSaidWithoutSecrets(t *testing.T) {
	const canary = `canary+"secret"`
	tests := map[string]struct {
		change func(*document.Request)
		asset  string
		says   string
	}{
		"a pull secret without registries": {func(r *document.Request) { r.PullSecret = `{"x":"` + canary + `"}` }, "*installconfig.InstallConfig", "pullSecret"},
		"a pull secret without passwords":  {func(r *document.Request) { r.PullSecret = `{"auths":{"x.io":{"email":"canary+secret"}}}` }, "*installconfig.InstallConfig", "pullSecret"},
		"overlapping networks":             {func(r *document.Request) { r.ServiceCIDR = r.PodCIDR }, "*installconfig.InstallConfig", "networking"},
		"a broken network":                 {func(r *document.Request) { r.PodCIDR = "10.0.0.0" }, "*installconfig.InstallConfig", "podCidr"},
		"another outbound type":            {func(r *document.Request) { r.OutboundType = "Carrier" }, "*installconfig.InstallConfig", "outboundType"},
		"an unknown cloud":                 {func(r *document.Request) { r.CloudName = "Nimbus" }, "*installconfig.InstallConfig", "cloudName"},
		"a broken disk encryption set":     {func(r *document.Request) { r.Worker.DiskEncryptionSetID = "/subscriptions/x" }, "*installconfig.InstallConfig", "diskEncryptionSetId"},
		"a short key in FIPS mode": {func(r *document.Request) {
			r.SSHPublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7nYQ0p6n2m3W1mXx5bGk0W8bq0c8m2k3oYx5u6u7yZ"
		}, "*installconfig.InstallConfig", "sshKey"},
		"no capabilities": {func(r *document.Request) { r.Master.Capabilities = nil }, "*machines.Master", "HyperVGeneration"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := assets.Generate(t.Context(), request(t, withSecret, test.change))
			var failed *graph.Failure
			if !errors.As(err, &failed) || failed.Asset != test.asset || !strings.Contains(failed.Err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %s saying %q", err, test.asset, test.says)
			}
		})
	}
}

func TestABrokenSigningKeyIsNamed(t *testing.T) {
	req := request(t, withIdentity, func(r *document.Request) { r.WorkloadIdentity.BoundServiceAccountSigningKey = "canary" })
	if _, err := assets.Generate(t.Context(), req); err == nil || !strings.Contains(err.Error(), "boundServiceAccountSigningKey") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestTwoIdentitiesWithOneSecretAreRefused(t *testing.T) {
	req := request(t, withIdentity, func(r *document.Request) {
		r.WorkloadIdentity.Identities = append(r.WorkloadIdentity.Identities, r.WorkloadIdentity.Identities[1])
	})
	if _, err := assets.Generate(t.Context(), req); err == nil || !strings.Contains(err.Error(), "openshift-cloud-controller-manager/azure-cloud-credentials") {
		t.Errorf("got %v", err)
	}
}

func TestAnEndedRunMakesNothing(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := assets.Generate(ctx, request(t, withSecret, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A run may take 10 s on two cores.
func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		generate(b, request(b, withSecret, nil))
	}
}

package work

import (
	cryptorand "crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

func name(n int) string { return fmt.Sprintf("cluster-%06d", n) }

// The kubeconfigs of a real cluster have certificates and private keys of RSA with
// 2048 bits. A signature has as many, which are 256 bytes.
const (
	authorities = 3
	bits        = 2048
	signature   = 256
)

// keys are some, because making one takes long. No cluster gets one twice.
var keys = sync.OnceValue(func() []*rsa.PrivateKey {
	made := make([]*rsa.PrivateKey, 24)
	for i := range made {
		made[i], _ = rsa.GenerateKey(cryptorand.Reader, bits) // does not fail for these bits
	}
	return made
})

// material makes what compresses as certificates and keys do.
type material struct {
	random *rand.ChaCha8
	keys   []*rsa.PrivateKey // that are left
}

func (m *material) bytes(n int) []byte {
	raw := make([]byte, n)
	_, _ = m.random.Read(raw) // never fails
	return raw
}

// pair returns a certificate and its key, in PEM: both contain the modulus.
func (m *material) pair(of string) (certificate, private []byte) {
	key := m.keys[0]
	m.keys = m.keys[1:]
	der := fmt.Appendf(m.bytes(12), "%-100s%-60s%-160s", of, "issued by kube-apiserver-localhost-signer of OpenShift", "validity, usages and constraints")
	der = append(append(der, key.N.Bytes()...), m.bytes(signature)...)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// kubeconfig is one for the cluster with these authorities.
func (m *material) kubeconfig(cluster, who string, authority []byte) model.Secret {
	certificate, private := m.pair(who)
	text := base64.StdEncoding.EncodeToString
	return model.Secret(fmt.Sprintf("apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: %s\n    server: https://api-int.%[2]s.eastus.example.com:6443\n"+
		"  name: %[2]s\ncontexts:\n- context:\n    cluster: %[2]s\n    user: %[3]s\n  name: %[3]s\ncurrent-context: %[3]s\nkind: Config\nusers:\n- name: %[3]s\n  user:\n"+
		"    client-certificate-data: %[4]s\n    client-key-data: %[5]s\n", text(authority), cluster, who, text(certificate), text(private)))
}

// cluster is the document of a cluster that was created and updated, as real ones
// are: about 54 kB as they were kept when secrets stood in them.
func cluster(n int) *store.ClusterDocument {
	at := time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)
	group := "/subscriptions/" + subscription + "/resourceGroups/aro-" + name(n)
	network := "/subscriptions/" + subscription + "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	uid := fmt.Sprintf("11111111-0000-0000-0000-%012d", n)
	doc := &store.ClusterDocument{Meta: store.Meta{Partition: subscription, ID: "group|" + name(n)}}
	c := &doc.Cluster
	*c = model.Cluster{
		ID: clusters + "/" + name(n), Name: name(n), Type: "Microsoft.RedHatOpenShift/OpenShiftClusters", Location: "eastus",
		Tags: map[string]string{"team": "payments", "environment": "production"},
		SystemData: &model.SystemData{CreatedBy: "someone@example.com", CreatedByType: "User", CreatedAt: &at,
			LastModifiedBy: "someone@example.com", LastModifiedByType: "User", LastModifiedAt: &at},
		Properties: model.Properties{
			ProvisioningState: model.Succeeded,
			ClusterProfile:    model.ClusterProfile{Domain: name(n), Version: "4.19.0", ResourceGroupID: group, FIPSValidatedModules: model.Disabled},
			ConsoleProfile:    model.ConsoleProfile{URL: "https://console-openshift-console.apps." + name(n) + ".eastus.example.com/"},
			ServicePrincipalProfile: &model.ServicePrincipalProfile{ClientID: uid, ObjectID: uid,
				ClientSecret: "a-client-secret-of-usual-length-0123456"},
			NetworkProfile: model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16", SoftwareDefinedNetwork: model.OVNKubernetes, OutboundType: model.LoadBalancer,
				PreconfiguredNSG: model.Disabled, LoadBalancerProfile: &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 1},
					EffectiveOutboundIPs: []model.ResourceReference{{ID: group + "/providers/Microsoft.Network/publicIPAddresses/" + name(n) + "-pip-v4"}}}},
			MasterProfile:    model.MasterProfile{VMSize: "Standard_D8s_v5", SubnetID: network + "master", EncryptionAtHost: model.Disabled},
			WorkerProfiles:   []model.WorkerProfile{worker("worker", network, 3)},
			APIServerProfile: model.APIServerProfile{Visibility: model.Public, URL: "https://api." + name(n) + ".eastus.example.com:6443/", IP: "203.0.113.1", InternalIP: "10.0.0.4"},
			IngressProfiles:  []model.IngressProfile{{Name: "default", Visibility: model.Public, IP: "203.0.113.2"}},
		},
		Internal: model.Internal{UID: uid, Revision: 60, CreatedAt: at, CreatedBy: "v1.2.3", ProvisionedBy: "v1.2.3", TenantID: subscription,
			LastProvisioningState: model.Updating, InfraID: name(n) + "-x7k2p", StorageSuffix: "x7k2p", ImageRegistryStorageAccount: "imageregistryx7k2p",
			PrivateEndpointIP: "127.64.0.5", ResourceProviderID: uid, MTU: 1500, Zones: []string{"1", "2", "3"},
			KubeadminPassword: "AAAAA-BBBBB-CCCCC-DDDDD"},
	}
	for zone := 1; zone <= 3; zone++ {
		c.Properties.WorkerProfilesStatus = append(c.Properties.WorkerProfilesStatus, worker(fmt.Sprintf("%s-x7k2p-worker-eastus%d", name(n), zone), network, 1))
	}
	for _, state := range []model.ProvisioningState{model.Creating, model.Succeeded, model.Updating, model.Succeeded} {
		c.Internal.Transitions = append(c.Internal.Transitions, model.Transition{At: at, To: state, OperationID: uid})
	}
	addSecrets(c, n)
	doc.ManagedResourceGroup, doc.ClientIdentity = c.ManagedResourceGroupKey(), c.ClientIdentityKey()
	return doc
}

func worker(name, network string, count int) model.WorkerProfile {
	return model.WorkerProfile{Name: name, VMSize: "Standard_D4s_v5", DiskSizeGB: 128, SubnetID: network + "worker", Count: count, EncryptionAtHost: model.Disabled}
}

func addSecrets(c *model.Cluster, n int) {
	m := &material{random: rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}), keys: slices.Clone(keys())}
	first := n % len(m.keys)
	m.keys = append(m.keys[first:], m.keys[:first]...)
	var authority []byte
	for i := range authorities {
		certificate, _ := m.pair(fmt.Sprint("authority ", i))
		authority = append(authority, certificate...)
	}
	internal := &c.Internal
	internal.AdminKubeconfig = m.kubeconfig(name(n), "admin", authority)
	internal.ServiceKubeconfig = m.kubeconfig(name(n), "system:aro-service", authority)
	internal.SREKubeconfig = m.kubeconfig(name(n), "system:aro-sre", authority)
	internal.UserAdminKubeconfig = m.kubeconfig(name(n), "system:admin", authority)
	_, private := m.pair("core")
	internal.SSHKey = model.Secret(private)
}

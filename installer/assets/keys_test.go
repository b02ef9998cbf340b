package assets_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	igntypes "github.com/coreos/ignition/v2/config/v3_2/types"

	"github.com/aro-rp/aro/installer/document"
)

func TestMachinesBootFromTheAddressOfTheControlPlane(t *testing.T) {
	m := exampleCluster(t, withSecret)
	for role, config := range map[string]igntypes.Config{"master": m.master, "worker": m.worker} {
		merge := config.Ignition.Config.Merge
		if len(merge) != 1 || *merge[0].Source != "https://10.0.0.4:22623/config/"+role {
			t.Errorf("a %s boots from %v", role, merge)
		}
		trusted := config.Ignition.Security.TLS.CertificateAuthorities
		if len(trusted) != 1 || decode(t, *trusted[0].Source) != m.RootCA.Cert {
			t.Errorf("a %s trusts another root", role)
		}
		raw := map[string][]byte{"master": m.MasterIgnition, "worker": m.WorkerIgnition}[role]
		secret := m.object(t, extraDir+"99_openshift-cluster-api_"+role+"-user-data-secret.yaml")
		text, _ := at(secret, "data", "userData").(string)
		if later, err := base64.StdEncoding.DecodeString(text); err != nil || string(later) != string(raw) {
			t.Errorf("a later %s boots from %s (%v)", role, later, err)
		}
	}
	if _, ok := m.files[extraDir+"99_openshift-installer-ignition_worker.yaml"]; ok {
		t.Error("the address counts as a user's change")
	}
}

func TestTheMachineConfigServerIsTrustedByItsAddress(t *testing.T) {
	m := exampleCluster(t, withSecret)
	pair, err := tls.X509KeyPair([]byte(m.files["/opt/openshift/tls/machine-config-server.crt"]), []byte(m.files["/opt/openshift/tls/machine-config-server.key"]))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(m.RootCA.Cert))
	for _, name := range []string{"10.0.0.4", "api-int.demo.eastus.aroapp.test"} {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if err != nil {
			t.Errorf("as %s: %v", name, err)
		}
	}
	if pair.Leaf.VerifyHostname("10.0.0.5") == nil {
		t.Error("any address is trusted")
	}
	if years := time.Until(pair.Leaf.NotAfter).Hours() / 24 / 365; pair.Leaf.Subject.CommonName != "system:machine-config-server" || years < 9.9 {
		t.Errorf("the certificate is of %s for %.1f years", pair.Leaf.Subject.CommonName, years)
	}
	data := at(m.object(t, manifestDir+"machine-config-server-tls-secret.yaml"), "data")
	for name, path := range map[string]string{"tls.crt": "/opt/openshift/tls/machine-config-server.crt", "tls.key": "/opt/openshift/tls/machine-config-server.key"} {
		text, _ := at(data, name).(string)
		if got, err := base64.StdEncoding.DecodeString(text); err != nil || string(got) != m.files[path] {
			t.Errorf("in the cluster it serves with another %s", name)
		}
	}
}

// Escaping, as an HTML template would do it, damages a plus sign in most keys.
func TestKeysAndCertificatesAreUndamaged(t *testing.T) {
	m := exampleCluster(t, withIdentity)
	plus, pairs := 0, 0
	for path, text := range m.files {
		if !strings.HasPrefix(path, "/opt/openshift/tls/") {
			continue
		}
		if strings.Contains(text, "+") {
			plus++
		}
		for rest := []byte(text); len(rest) > 0; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				t.Errorf("%s is no PEM", path)
				break
			}
			if block.Type == "CERTIFICATE" {
				if _, err := x509.ParseCertificate(block.Bytes); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
		base, isCert := strings.CutSuffix(path, ".crt")
		if key, has := m.files[base+".key"]; isCert && has {
			pairs++
			if _, err := tls.X509KeyPair([]byte(text), []byte(key)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if plus == 0 || pairs < 15 {
		t.Errorf("%d files with a plus sign and %d pairs prove nothing", plus, pairs)
	}
}

func TestTokensAreSignedWithTheGivenKey(t *testing.T) {
	m := exampleCluster(t, withIdentity)
	given := request(t, withIdentity, nil).WorkloadIdentity.BoundServiceAccountSigningKey
	if m.files["/opt/openshift/tls/bound-service-account-signing-key.key"] != given {
		t.Error("the key is another")
	}
	private, _ := pem.Decode([]byte(given))
	public, _ := pem.Decode([]byte(m.files["/opt/openshift/tls/bound-service-account-signing-key.pub"]))
	key, err := x509.ParsePKCS1PrivateKey(private.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x509.ParsePKIXPublicKey(public.Bytes); err != nil || !key.PublicKey.Equal(got.(*rsa.PublicKey)) {
		t.Errorf("the public part is another's (%v)", err)
	}
}

func TestASigningKeyMayComeInEitherForm(t *testing.T) {
	req := request(t, withIdentity, nil)
	old, _ := pem.Decode([]byte(req.WorkloadIdentity.BoundServiceAccountSigningKey))
	key, err := x509.ParsePKCS1PrivateKey(old.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	m := generate(t, request(t, withIdentity, func(r *document.Request) { r.WorkloadIdentity.BoundServiceAccountSigningKey = text }))
	if m.files["/opt/openshift/tls/bound-service-account-signing-key.key"] != text {
		t.Error("the key is another")
	}
}

func TestLaterMachinesGetTheSameByMachineConfig(t *testing.T) {
	m := exampleCluster(t, withSecret)
	for _, role := range []string{"master", "worker"} {
		for name, paths := range map[string][]string{
			"99-" + role + "-aro-dns":                       {"/etc/dnsmasq.conf", "/usr/local/bin/aro-dnsmasq-pre.sh"},
			"99-" + role + "-aro-etc-hosts-gateway-domains": {"/etc/hosts.d/aro.conf", "/usr/local/bin/aro-etchosts-resolver.sh"},
			"99-" + role + "-mtu":                           {"/etc/NetworkManager/dispatcher.d/30-eth0-mtu-3900"},
		} {
			path := extraDir + "99_openshift-machineconfig_" + name + ".yaml"
			object := m.object(t, path)
			if at(object, "metadata", "name") != name || at(object, "metadata", "labels", "machineconfiguration.openshift.io/role") != role {
				t.Errorf("%s is %v", name, at(object, "metadata"))
			}
			config := m.machineConfig(t, path)
			for i, f := range config.Storage.Files {
				if i >= len(paths) || f.Path != paths[i] || decode(t, *f.Contents.Source) != m.files[f.Path] || *f.Mode != m.modes[f.Path] {
					t.Errorf("%s has another %s", name, f.Path)
				}
			}
			if len(config.Storage.Files) != len(paths) {
				t.Errorf("%s has %d files", name, len(config.Storage.Files))
			}
		}
	}
	registries := m.machineConfig(t, manifestDir+"aro-worker-registries.yaml")
	text := decode(t, *registries.Storage.Files[0].Contents.Source)
	for _, says := range []string{`location = "quay.io/openshift-release-dev/ocp-v4.0-art-dev"`, `location = "arosvc.azurecr.io/openshift-release-dev/ocp-v4.0-art-dev"`, "mirror-by-digest-only = true"} {
		if !strings.Contains(text, says) {
			t.Errorf("registries.conf does not say %s:\n%s", says, text)
		}
	}
}

func TestAnOrdinaryMTUChangesNothing(t *testing.T) {
	m := generate(t, request(t, withSecret, func(r *document.Request) { r.MTU = 1500 }))
	for path := range m.files {
		if strings.Contains(path, "mtu") {
			t.Errorf("there is %s", path)
		}
	}
}

func TestEveryURLInTheIgnitionIsInlineOrTheClusters(t *testing.T) {
	m := exampleCluster(t, withSecret)
	for _, f := range m.bootstrap.Storage.Files {
		resources := f.Append
		if f.Contents.Source != nil {
			resources = append(resources, f.Contents)
		}
		for _, r := range resources {
			if u, err := url.Parse(*r.Source); err != nil || u.Scheme != "data" {
				t.Errorf("%s comes from elsewhere", f.Path)
			}
		}
	}
}

package region

import (
	"crypto/tls"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/local/region"
)

// serviceVault is the vault of the service's own secrets.
func (w *fixture) serviceVault() (*azsecrets.Client, *azcertificates.Client) {
	w.t.Helper()
	found, err := azure.FindCloud(w.t.Context(), w.azure.Origin, w.azure.Client())
	must(w.t, err)
	o := azcore.ClientOptions{Cloud: found.Configuration, Transport: w.azure.Client()}
	url := w.azure.Origin + "/vaults/aro-eastus-svc"
	secrets, err := azsecrets.NewClient(url, w.deployer(found), &azsecrets.ClientOptions{ClientOptions: o, DisableChallengeResourceVerification: true})
	must(w.t, err)
	certificates, err := azcertificates.NewClient(url, w.deployer(found), &azcertificates.ClientOptions{ClientOptions: o, DisableChallengeResourceVerification: true})
	must(w.t, err)
	return secrets, certificates
}

// serial is the number of the certificate that the service has behind the load balancer.
func (w *fixture) serial() *big.Int {
	w.t.Helper()
	raw, err := w.Dial(w.t.Context(), "tcp", region.Address())
	if err != nil {
		return new(big.Int)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{w.ARM.Certificate}})
	defer func() { _ = conn.Close() }()
	if err := conn.HandshakeContext(w.t.Context()); err != nil {
		return new(big.Int)
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber
}

// keyOf is the key with which the secrets of a cluster are encrypted: the first bytes of
// what is stored.
func (w *fixture) keyOf(name string) string {
	w.t.Helper()
	all, err := w.azure.State.List(w.t.Context(), "cosmosDocument", "")
	must(w.t, err)
	for _, entry := range all {
		if !strings.HasSuffix(entry.Key, "|"+name) || !strings.Contains(entry.Key, "/colls/Clusters|") {
			continue
		}
		var document struct {
			Content struct {
				Sealed []byte `json:"sealed"`
			} `json:"content"`
		}
		must(w.t, json.Unmarshal(entry.Value, &document))
		if len(document.Content.Sealed) > 5 {
			return string(document.Content.Sealed[:5])
		}
	}
	return ""
}

func (w *fixture) credentials(name string) int {
	w.t.Helper()
	r, err := w.ask(w.t.Context(), w.front(), http.MethodPost, clusterID(name).String()+"/listCredentials", nil)
	must(w.t, err)
	return r.status
}

func TestSecretsAreRotatedWithoutAFailedRequest(t *testing.T) {
	takesMinutes(t)
	w, p := newFixture(t), newPlanes(t)
	w.build("v1", simulated)
	settings := environment(p)
	settings["ARO_REFRESH_INTERVAL"] = "2s"
	w.deploy("v1", settings)
	w.ready()
	must(t, w.Offer(t.Context()))
	l := w.begin(traffic{readers: 10, clusters: 60})
	w.await(time.Minute, "a cluster is encrypted", func() bool { return w.keyOf("load|c0") != "" })
	secrets, certificates := w.serviceVault()
	first, err := secrets.GetSecret(t.Context(), "encryption-keys", "", nil)
	must(t, err)
	certificate := w.serial()

	t.Log("the driver puts a further key before the one that there is; instances encrypt with it")
	o := w.options("v1", settings)
	o.Region.RotateKeysAfter = 0
	must(t, deploy.Run(t.Context(), o))
	second, err := secrets.GetSecret(t.Context(), "encryption-keys", "", nil)
	must(t, err)
	if keys := strings.Fields(*second.Value); len(keys) != 2 || keys[1] != strings.TrimSpace(*first.Value) {
		t.Errorf("the secret has %d keys, the last of which is not the one before", len(keys))
	}
	old := w.keyOf("load|c0")
	w.await(time.Minute, "a cluster is encrypted with the new key", func() bool {
		l.mu.Lock()
		name := l.created[len(l.created)-1]
		l.mu.Unlock()
		key := w.keyOf("load|" + name)
		return key != "" && key != old
	})

	t.Log("the vault renews the certificate; instances serve with it")
	policy, err := certificates.GetCertificatePolicy(t.Context(), "rp-server", nil)
	must(t, err)
	_, err = certificates.CreateCertificate(t.Context(), "rp-server", azcertificates.CreateCertificateParameters{CertificatePolicy: &policy.CertificatePolicy}, nil)
	must(t, err)
	w.await(time.Minute, "all instances have the new certificate", func() bool {
		for range 8 {
			if s := w.serial(); s.Sign() == 0 || s.Cmp(certificate) == 0 {
				return false
			}
		}
		return true
	})
	l.stop()
	check(t, l)
	w.settled(l, p)
	for _, name := range []string{l.created[0], l.created[len(l.created)-1]} {
		if status := w.credentials(name); status != http.StatusOK {
			t.Errorf("the credentials of %s: %d", name, status)
		}
	}
	t.Logf("none failed: %s", l.cut())
}

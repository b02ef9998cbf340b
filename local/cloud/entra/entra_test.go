package entra_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	tenant     = "00000000-0000-0000-0000-0000000000f0"
	firstParty = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"
)

// fixture is a local Entra ID at a TLS server, which also plays other issuers below /issuer/.
type fixture struct {
	*entra.Entra
	*httptest.Server
	db      *state.DB
	roots   *x509.CertPool
	issuers *http.ServeMux
	now     time.Time
	trusted federated
}

type federated map[string][]entra.FederatedCredential

func (f federated) FederatedCredentials(_ context.Context, id string) ([]entra.FederatedCredential, error) {
	return f[strings.ToLower(id)], nil
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &fixture{db: db, roots: x509.NewCertPool(), issuers: http.NewServeMux(), trusted: federated{}}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/issuer/") {
			w.issuers.ServeHTTP(rw, r)
			return
		}
		w.Entra.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	w.open(t)
	return w
}

// open makes an Entra ID over what is kept, as a restart does.
func (w *fixture) open(t *testing.T) {
	t.Helper()
	var err error
	w.Entra, err = entra.New(t.Context(), entra.Options{
		State: w.db, Origin: w.URL, Tenant: tenant, FirstParty: firstParty, Roots: w.roots, Federated: w.trusted, Client: w.Client(), Assigned: w.assigned,
		Now: func() time.Time {
			if w.now.IsZero() {
				return time.Now()
			}
			return w.now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// application registers an application with its principal.
func (w *fixture) application(t *testing.T, id, name string) entra.ServicePrincipal {
	t.Helper()
	app, err := w.CreateApplication(t.Context(), id, name)
	if err != nil {
		t.Fatal(err)
	}
	sp, err := w.CreateServicePrincipal(t.Context(), app.AppID)
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

func (w *fixture) options() policy.ClientOptions {
	return policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: w.URL},
		Transport: w.Client(),
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

func (w *fixture) bySecret(t *testing.T, tenant, id, secret string) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential(tenant, id, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// caller asks for a token and reads it as a service does.
func (w *fixture) caller(t *testing.T, credential azcore.TokenCredential, scope string) entra.Caller {
	t.Helper()
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := w.Verify(token.Token)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func mustFail(t *testing.T, credential azcore.TokenCredential, scope, with string) {
	t.Helper()
	_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
	if err == nil || !strings.Contains(err.Error(), with) {
		t.Errorf("got %v, want %s", err, with)
	}
}

// certificate makes a certificate of a common name, signed by an authority or by itself.
func certificate(t *testing.T, name string, authority *x509.Certificate, authorityKey *rsa.PrivateKey) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: authority == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if authority == nil {
		authority, authorityKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, key
}

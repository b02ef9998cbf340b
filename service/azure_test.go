package service

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

func TestTheBackendSaysAtOnceWhatItLacksOfAzure(t *testing.T) {
	base := Config{Database: Database{Store: "sqlite:aro.db"}, Location: "eastus"}
	production := base
	production.Production = true
	working := Needs{Clusters: true}
	for reason, test := range map[string]struct {
		config Config
		cloud  Cloud
		needs  Needs
		want   []string
	}{
		"everything": {base, Cloud{Cloud: "public"}, working, []string{"--tenant", "--subscription", "--resource-group", "--first-party-client-id",
			"--service-vault", "--cluster-vault", "--identity-vault", "--oidc-storage", "--oidc-issuer", "--msi-audience", "--client-id", "--client-secret", "--backend=false does not"}},
		"addresses":            {base, Cloud{Cloud: "public", ServiceVault: "aro-svc"}, working, []string{"--service-vault must be an https URL"}},
		"a server's vault":     {base, Cloud{Cloud: "public"}, Needs{Certificates: []string{"rp-server"}}, []string{"--tenant", "--service-vault is missing", "to read from --service-vault"}},
		"production's secrets": {production, Cloud{Cloud: "public", ClientSecret: "hunter2"}, working, []string{"not for production", "--encryption-keys is missing"}},
		"another cloud":        {base, Cloud{Cloud: "mars"}, Needs{}, []string{"--cloud must be public, usgovernment", `"mars"`}},
	} {
		var f Faults
		test.config.Check(&f)
		test.cloud.Check(&f, &test.config, test.needs)
		err := f.Err()
		if err == nil {
			t.Fatalf("%s: it started", reason)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", reason, err, want)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a secret got out", reason)
		}
	}
	var f Faults
	alone := Cloud{Cloud: "public"}
	if alone.Check(&f, &base, Needs{}); f.Err() != nil || alone.reached(&base, Needs{}) {
		t.Errorf("the server alone needs no Azure: %v", f.Err())
	}
}

func TestKeysAndServerCertificateComeFromTheVaultOfACloudGivenByItsURL(t *testing.T) {
	var cloud *httptest.Server
	var inVault atomic.Value
	inVault.Store(strings.Repeat("A", 43) + "=")
	cloud = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metadata/endpoints":
			_, _ = w.Write([]byte(strings.ReplaceAll(`{"name":"L","resourceManager":"O","microsoftGraphResourceId":"O/graph","checkAccess":"O/checkaccess","authentication":{"loginEndpoint":"O","audiences":["O"]}}`, "O", cloud.URL)))
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			_, _ = w.Write([]byte(strings.ReplaceAll(`{"token_endpoint":"O/t/oauth2/v2.0/token","authorization_endpoint":"O/t/a","issuer":"O/t"}`, "O", cloud.URL)))
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"token_type":"Bearer","expires_in":3600,"access_token":"x"}`))
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Bearer authorization="`+cloud.URL+`/t", resource="https://vault.azure.net"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/vaults/aro-svc/secrets/keys/":
			_, _ = w.Write([]byte(`{"id":"` + cloud.URL + `/vaults/aro-svc/secrets/keys/1","value":"` + inVault.Load().(string) + `"}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer cloud.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cloud.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	setUp := func() (*Config, *Cloud) {
		return &Config{Database: Database{Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db")}, EncryptionKeys: "keyvault:keys"},
			&Cloud{Cloud: cloud.URL, CAFile: authority, Tenant: "t", ServiceVault: cloud.URL + "/vaults/aro-svc", ClientID: "c", ClientSecret: "s", Test: true}
	}
	config, place := setUp()
	s, err := Open(t.Context(), config, place, Needs{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Environment.Mode != environment.Test || s.Environment.MSIAudience != cloud.URL {
		t.Errorf("environment %+v", s.Environment)
	}
	inVault.Store(store.NewKey() + `\n` + inVault.Load().(string))
	if err := s.Keys.Renew(t.Context()); err != nil {
		t.Error(err)
	}
	if both, err := s.Keys.Derive("test"); err != nil || len(both) != 2 {
		t.Errorf("after the vault's secret changed there are %d keys: %v", len(both), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ended); err != nil {
		t.Error(err)
	}
	if place.ActsOnCustomers() {
		t.Error("without the first party application limits cannot be asked for")
	}

	config, place = setUp()
	config.EncryptionKeys, place.FirstPartyClientID = "", "f"
	if _, err := Open(t.Context(), config, place, Needs{}); err == nil || !strings.Contains(err.Error(), "rp-firstparty") {
		t.Errorf("with the application and without its certificate: got %v", err)
	}
	if !place.ActsOnCustomers() {
		t.Error("with the first party application limits are not asked for")
	}
	config, place = setUp()
	place.CAFile = ""
	if _, err := Open(t.Context(), config, place, Needs{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: got %v", err)
	}
	config, place = setUp()
	if _, err := Open(t.Context(), config, place, Needs{Certificates: []string{"rp-server"}}); err == nil || !strings.Contains(err.Error(), "rp-server") {
		t.Errorf("a certificate that the vault lacks: got %v", err)
	}
}

// texts is a vault of secrets.
type texts map[string]model.Secret

func (texts) Load(context.Context) error                                    { return nil }
func (texts) Run(context.Context) error                                     { return nil }
func (t texts) Text(_ context.Context, name string) (model.Secret, error)   { return t[name], nil }
func (texts) Certificate(context.Context, string) (*tls.Certificate, error) { return nil, nil }

func TestThePullSecretIsJSONAFileOrInTheVault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pull")
	if err := os.WriteFile(file, []byte(`{"auths":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[Secret]string{"": "", `{"auths":{}}`: `{"auths":{}}`, Secret(file): `{"auths":{}}`} {
		got, err := (&Cloud{PullSecret: given}).ReadPullSecret(t.Context(), nil)
		if err != nil || string(got) != want {
			t.Errorf("got %v", err)
		}
	}
	kept := &Cloud{PullSecret: "keyvault:pull"}
	if got, err := kept.ReadPullSecret(t.Context(), texts{"pull": `{"auths":{}}`}); err != nil || string(got) != `{"auths":{}}` || !kept.usesVault(&Config{}, Needs{}) {
		t.Errorf("from the vault: got %v", err)
	}
	for _, given := range []Secret{"{hunter2", "hunter2"} {
		if _, err := (&Cloud{PullSecret: given}).ReadPullSecret(t.Context(), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want an error without the secret", err)
		}
	}
}

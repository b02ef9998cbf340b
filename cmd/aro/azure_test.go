//go:build !paper

package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/env"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

func TestTheBackendSaysAtOnceWhatItLacksOfAzure(t *testing.T) {
	for reason, test := range map[string]struct {
		command rpCommand
		want    []string
	}{
		"everything": {rpCommand{Backend: true, cloudFlags: cloudFlags{Cloud: "public"}}, []string{"--tenant", "--subscription", "--resource-group", "--first-party-client-id",
			"--service-vault", "--cluster-vault", "--identity-vault", "--oidc-storage", "--oidc-issuer", "--msi-audience", "--client-id", "--client-secret", "--backend=false does not"}},
		"addresses":            {rpCommand{Backend: true, cloudFlags: cloudFlags{ServiceVault: "aro-svc"}}, []string{"--service-vault must be an https URL"}},
		"a server's vault":     {rpCommand{TLSCert: "keyvault:rp-server"}, []string{"--tenant", "--service-vault is missing", "to read from --service-vault"}},
		"production's secrets": {rpCommand{Production: true, Backend: true, cloudFlags: cloudFlags{ClientSecret: "hunter2"}}, []string{"not for production"}},
	} {
		_, err := test.command.openAzure(t.Context(), prometheus.NewRegistry(), slog.Default())
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
	if _, err := (&rpCommand{}).openAzure(t.Context(), nil, nil); err != nil {
		t.Errorf("the server alone needs no Azure: %v", err)
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
	command := func() *rpCommand {
		return &rpCommand{storeFlags: storeFlags{Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db")}, EncryptionKeys: "keyvault:keys",
			cloudFlags: cloudFlags{Cloud: cloud.URL, CAFile: authority, Tenant: "t", ServiceVault: cloud.URL + "/vaults/aro-svc", ClientID: "c", ClientSecret: "s", Test: true}}
	}
	c := command()
	refresh, err := c.openAzure(t.Context(), prometheus.NewRegistry(), slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	if c.environment.Mode != env.Test || c.environment.MSIAudience != cloud.URL {
		t.Errorf("environment %+v", c.environment)
	}
	documents, keys, err := c.openStore(t.Context())
	if err != nil || keys == nil {
		t.Fatal(err)
	}
	_ = documents.Close()
	inVault.Store(store.NewKey() + `\n` + inVault.Load().(string))
	if err := keys.Renew(t.Context()); err != nil {
		t.Error(err)
	}
	if both, err := keys.Derive("test"); err != nil || len(both) != 2 {
		t.Errorf("after the vault's secret changed there are %d keys: %v", len(both), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, run := range refresh {
		if err := run(ended); err != nil {
			t.Error(err)
		}
	}

	if c.preflight(documents, slog.Default()) != nil {
		t.Error("without the first party application limits cannot be asked for")
	}

	c = command()
	c.EncryptionKeys, c.FirstPartyClientID = "", "f"
	if _, err := c.openAzure(t.Context(), nil, slog.Default()); err == nil || !strings.Contains(err.Error(), "rp-firstparty") {
		t.Errorf("with the application and without its certificate: got %v", err)
	}
	if c.preflight(documents, slog.Default()) == nil {
		t.Error("with the first party application limits are not asked for")
	}
	c = command()
	c.CAFile = ""
	if _, err := c.openAzure(t.Context(), nil, slog.Default()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: got %v", err)
	}
	c = command()
	c.TLSCert = "keyvault:rp-server"
	if _, err := c.openAzure(t.Context(), nil, slog.Default()); err == nil || !strings.Contains(err.Error(), "rp-server") {
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
	for given, want := range map[secret]string{"": "", `{"auths":{}}`: `{"auths":{}}`, secret(file): `{"auths":{}}`} {
		got, err := (&rpCommand{cloudFlags: cloudFlags{PullSecret: given}}).pullSecret(t.Context())
		if err != nil || string(got) != want {
			t.Errorf("got %v", err)
		}
	}
	kept := &rpCommand{cloudFlags: cloudFlags{PullSecret: "keyvault:pull"}, vault: texts{"pull": `{"auths":{}}`}}
	if got, err := kept.pullSecret(t.Context()); err != nil || string(got) != `{"auths":{}}` || !kept.usesVault() {
		t.Errorf("from the vault: got %v", err)
	}
	for _, given := range []secret{"{hunter2", "hunter2"} {
		if _, err := (&rpCommand{cloudFlags: cloudFlags{PullSecret: given}}).pullSecret(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want an error without the secret", err)
		}
	}
}

func TestInstallersAreFoundAtStart(t *testing.T) {
	find := func(f installerFlags) (*install.Installers, error) {
		return f.find(t.Context(), slog.New(slog.DiscardHandler))
	}
	if got, err := find(installerFlags{}); got != nil || err != nil {
		t.Errorf("beside a test there is none, got %v, %v", got, err)
	}
	if err := (&rpCommand{}).plan(t.Context(), &backend.Config{}, nil); err == nil || !strings.Contains(err.Error(), "--installer") {
		t.Errorf("work on clusters begins without one: %v", err)
	}
	for name, says := range map[string]string{filepath.Join(t.TempDir(), "none"): "no such file", "/bin/echo": "no aro-installer"} {
		if _, err := find(installerFlags{Installer: []string{name}}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "--installer") {
			t.Errorf("%s: got %v", name, err)
		}
	}

	// A runtime is found by name, and knows of the machine what it needs.
	bin := t.TempDir()
	program(t, filepath.Join(bin, "podman"), "exit 1")
	t.Setenv("PATH", bin)
	t.Setenv("ARO_CLIENT_SECRET", "hunter2")
	made := program(t, filepath.Join(bin, "aro-installer"), `echo '{"version":"b","openshift":"4.19","installer":"v1.4.19"}'`)
	found, err := find(installerFlags{Installer: []string{"4.19=" + made}})
	if err != nil || found.Programs["4.19"].Path != made || found.Runtime == nil || found.Runtime.Path != filepath.Join(bin, "podman") {
		t.Fatalf("got %+v (%v)", found, err)
	}
	if env := strings.Join(found.Runtime.Env, " "); !strings.Contains(env, "PATH="+bin) || strings.Contains(env, "hunter2") {
		t.Errorf("the runtime gets %s", env)
	}
	if _, err := find(installerFlags{Installer: []string{made}, ContainerRuntime: "cri"}); err == nil || !strings.Contains(err.Error(), "--container-runtime") {
		t.Errorf("a runtime that is not there: %v", err)
	}
	why := installableBy(found).Why
	for _, test := range []struct{ version, image, says string }{
		{"4.19.24", "", ""}, {"4.18.26", "", "no installer of OpenShift 4.18"}, {"4.18.26", "i@x", ""},
		{"4.18.26", "r", "no installer of OpenShift 4.18"}, // the release image is no installer's
	} {
		p := model.OpenShiftVersionProperties{Version: test.version, OpenShiftPullspec: "r", InstallerPullspec: test.image}
		if got := why(&p); (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
			t.Errorf("%+v: got %q, want %q", test, got, test.says)
		}
	}
}

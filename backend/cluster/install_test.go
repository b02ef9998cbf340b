package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/message"
	"github.com/aro-rp/aro/wait"
)

const accountID = groupID + "/providers/Microsoft.Storage/storageAccounts/clusterq3rt5w7z9b"

// storage makes the cluster's storage account, and an OpenShift version.
func (s *fixture) storage() *fakeInstaller {
	s.put(accountID, map[string]any{"properties": map[string]any{"primaryEndpoints": map[string]any{"blob": origin + "/blob/clusterq3rt5w7z9b"}}})
	s.on("POST "+accountID+"/ListAccountSas", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"accountSasToken": "sv=1&sig=canary"}
	})
	version := store.NewVersion("4.19.24")
	version.Version.Properties = model.OpenShiftVersionProperties{Version: "4.19.24", OpenShiftPullspec: "quay.io/release@sha256:1", InstallerPullspec: "quay.io/installer@sha256:2", Enabled: true}
	s.must(s.store.Versions.Create(s.t.Context(), version))
	f := &fakeInstaller{result: &install.Result{BootstrapIgnition: []byte(`{"ignition":1}`), MasterIgnition: []byte(`{}`), WorkerIgnition: []byte(`{}`), KubeadminPassword: "canary", Installer: "build 7"}}
	s.use(func(d *Dependencies) { d.Installer = f })
	return f
}

func installable(c *model.Cluster) {
	key, _ := newSSHKey()
	c.Internal.SSHKey = key
	c.Properties.APIServerProfile.InternalIP, c.Properties.IngressProfiles[0].IP = "10.0.0.4", "127.96.0.7"
}

const (
	storedIgnition = "/blob/clusterq3rt5w7z9b/ignition/bootstrap.ign"
	storedGraph    = "/blob/clusterq3rt5w7z9b/aro/graph"
)

type failingInstaller struct{ err error }

func (f failingInstaller) Run(context.Context, install.Release, install.Request) (*install.Result, error) {
	return nil, f.err
}

func TestAnInstallerThatFailsIsNamedWithoutItsWords(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"saying at what":                    {&install.Error{Asset: "*machines.Master", Message: "canary"}, "(*machines.Master)"},
		"without a word":                    {errors.New("canary"), "start from."},
		"of what the service alone decides": {&install.Error{Message: "canary", Refused: []install.Refusal{{Field: "sshKey", Message: "canary"}}}, "start from."},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.storage()
			s.use(func(d *Dependencies) { d.Installer = failingInstaller{test.err} })
			err := s.do(s.runInstaller, s.work(model.Create, installable))
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code != arm.ComponentNotReady || len(message.Wrong(typed, "canary")) > 0 {
				t.Fatalf("got %v", err)
			}
			var again *wait.Retryable
			if errors.As(err, &again) != (name == "without a word") {
				t.Errorf("tried again: %v", err)
			}
			if !strings.Contains(typed.Message, test.says) || strings.Contains(typed.Message, "canary") || !errors.Is(err, test.err) {
				t.Errorf("clients are told %q, want %q; the log gets %v", typed.Message, test.says, err)
			}
		})
	}
}

func TestARefusalOfTheInstallerIsFinalAndNamesItsProperty(t *testing.T) {
	for field, want := range map[string]string{
		"metadata.name": "properties.clusterProfile.domain", "baseDomain": "properties.clusterProfile.domain", "pullSecret": "properties.clusterProfile.pullSecret",
		"networking.clusterNetwork[0].cidr": "properties.networkProfile.podCidr", "networking.serviceNetwork[0]": "properties.networkProfile.serviceCidr",
		"networking.networkType": "properties.networkProfile.softwareDefinedNetwork", "compute[0].replicas": "properties.workerProfiles[0].count",
		"compute[0].platform.azure.diskSizeGB": "properties.workerProfiles[0].diskSizeGB", "compute[0].platform.azure.osDisk.diskEncryptionSet": "properties.workerProfiles[0].diskEncryptionSetId",
		"controlPlane.platform.azure.zones": "properties.masterProfile", "platform.azure.outboundType": "properties.networkProfile.outboundType",
	} {
		s := setUp(t)
		s.storage()
		s.use(func(d *Dependencies) {
			d.Installer = failingInstaller{&install.Error{Asset: "*installconfig.InstallConfig", Message: "m", Refused: []install.Refusal{{Field: field, Message: "it is too long"}}}}
		})
		err := s.do(s.runInstaller, s.work(model.Create, installable))
		var typed *arm.Error
		var again *wait.Retryable
		if !errors.As(err, &typed) || typed.Code != arm.InvalidParameter || typed.Target != want || !strings.Contains(typed.Message, want+": it is too long") || errors.As(err, &again) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestTheInstallerRunsOnceForACluster(t *testing.T) {
	s := setUp(t)
	f := s.storage()
	w := s.work(model.Create, installable)
	s.must(s.do(s.runInstaller, w))
	s.must(s.do(s.runInstaller, w))
	if f.runs != 1 || f.release != (install.Release{Version: "4.19.24", Image: "quay.io/installer@sha256:2"}) {
		t.Errorf("the installer ran %d times, of %+v", f.runs, f.release)
	}
	if by := w.Resource().Internal.Installer; by != "build 7" {
		t.Errorf("the cluster was made by %q", by)
	}
	if string(s.text[storedIgnition]) != `{"ignition":1}` || bytes.Contains(s.text[storedGraph], []byte("canary")) {
		t.Error("the ignition is not plain, or the graph not sealed")
	}
	calls := s.writes("/blob/")
	if want := []string{"PUT " + storedGraph, "PUT " + storedIgnition, "PUT " + storedIgnition}; fmt.Sprint(calls) != fmt.Sprint(want) {
		t.Errorf("wrote %v, want the ignition to follow the graph each time", calls)
	}
	result, err := s.readGraph(t.Context(), w.Resource())
	s.must(err)
	if result.KubeadminPassword != "canary" {
		t.Error("the graph does not say what the installer made")
	}
	other := *w.Resource()
	other.Internal.UID = "another"
	if _, err := s.readGraph(t.Context(), &other); err == nil {
		t.Error("another cluster's graph can be opened")
	}
	r := f.last
	if r.Domain != "one.eastus.aroapp.test" || r.ReleaseImage != "quay.io/release@sha256:1" || r.Network.WorkerSubnet != "worker" || r.OSImage.SKU != "aro_419" ||
		r.IngressIP != "127.96.0.7" || r.ServicePrincipal == nil || r.CloudName != "AzurePublicCloud" || !strings.HasPrefix(r.ARMEndpoint, origin) {
		t.Errorf("the installer was asked for %+v", r)
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(r.SSHPublicKey)); err != nil {
		t.Errorf("the public key is none: %v", err)
	}
}

// slowInstaller is overtaken by another worker while it runs.
type slowInstaller struct {
	result   *install.Result
	overtake func()
}

func (f slowInstaller) Run(context.Context, install.Release, install.Request) (*install.Result, error) {
	f.overtake()
	return f.result, nil
}

func TestOfTwoInstallersTheFirstToCommitWins(t *testing.T) {
	s := setUp(t)
	first := s.storage()
	w := s.work(model.Create, installable)
	second := &install.Result{BootstrapIgnition: []byte(`{"second":1}`), MasterIgnition: []byte(`{}`), WorkerIgnition: []byte(`{}`), KubeadminPassword: "second"}
	s.use(func(d *Dependencies) {
		d.Installer = slowInstaller{second, func() {
			s.use(func(d *Dependencies) { d.Installer = first })
			s.must(s.do(s.runInstaller, w))
		}}
	})
	s.must(s.do(s.runInstaller, w))
	result, err := s.readGraph(t.Context(), w.Resource())
	s.must(err)
	if result.KubeadminPassword != "canary" || string(s.text[storedIgnition]) != `{"ignition":1}` {
		t.Error("the machines would start from another run than the one that is kept")
	}
}

func TestTheIgnitionOfACommittedRunIsMended(t *testing.T) {
	for name, ignition := range map[string]string{"another run's": `{"second":1}`, "lost with the worker": ""} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.storage()
			w := s.work(model.Create, installable)
			s.must(s.do(s.runInstaller, w))
			delete(s.text, storedIgnition)
			if ignition != "" {
				s.text[storedIgnition] = []byte(ignition)
			}
			s.must(s.do(s.runInstaller, w))
			if got := string(s.text[storedIgnition]); got != `{"ignition":1}` {
				t.Errorf("the bootstrap machine would start from %q", got)
			}
		})
	}
}

func TestIgnitionIsRemovedAndMayBeGone(t *testing.T) {
	s := setUp(t)
	s.storage()
	w := s.work(model.Create, nil)
	s.must(s.do(s.removeIgnition, w))
	s.on("DELETE /blob/clusterq3rt5w7z9b/ignition", func(*http.Request, []byte) (int, any) { return 404, refusal("ContainerNotFound", "m") })
	s.must(s.do(s.removeIgnition, w))
}

func TestTokenSigningKeyIsMadeOnce(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	s.must(s.do(s.chooseIssuer, w))
	key, issuer := w.Resource().Internal.BoundServiceAccountSigningKey, w.Resource().Properties.ClusterProfile.OIDCIssuer
	s.must(s.do(s.publishIssuer, w))
	path := "/blob/aroidc/$web/" + tenant + "/" + w.Resource().Internal.UID
	published := s.text[path+keysDocument]
	s.must(s.do(s.chooseIssuer, w))
	s.must(s.do(s.publishIssuer, w))
	if w.Resource().Internal.BoundServiceAccountSigningKey != key || !bytes.Equal(published, s.text[path+keysDocument]) || len(published) == 0 {
		t.Error("a repetition made another key")
	}
	if bytes.Contains(published, []byte("PRIVATE")) || bytes.Contains(published, []byte(`"d"`)) {
		t.Error("the private half was published")
	}
	var d map[string]any
	s.must(json.Unmarshal(s.text[path+discoveryDocument], &d))
	if want := "https://oidc.test/" + tenant + "/" + w.Resource().Internal.UID; issuer != want || d["issuer"] != issuer || d["jwks_uri"] != issuer+keysDocument {
		t.Errorf("the issuer is %q and describes itself as %v, want %q", issuer, d, want)
	}
	s.must(s.do(s.unpublishIssuer, w))
	if len(s.text) != 0 {
		t.Error("documents of the issuer remain")
	}
}

func TestTheIssuerStaysWhereTokensNameItWhenItsSubscriptionMoves(t *testing.T) {
	c := &model.Cluster{Internal: model.Internal{TenantID: "former", UID: "uid"}}
	if got := issuerPath(c); got != "former/uid" {
		t.Errorf("got %q", got)
	}
	c.Properties.ClusterProfile.OIDCIssuer = "https://oidc.test/former/uid"
	c.FollowTenant("present")
	if got := issuerPath(c); got != "former/uid" {
		t.Errorf("after the move: got %q", got)
	}
}

func TestSealedTextOpensWithAnyKeyAndForItsClusterAlone(t *testing.T) {
	older := store.NewKey()
	ring := func(lines ...string) *store.Keyring {
		k, err := store.ParseKeyring([]byte(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sealed, err := seal(ring(older), "a", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		keys  *store.Keyring
		about string
		text  []byte
		opens bool
	}{
		"rotated":         {ring(store.NewKey(), older), "a", sealed, true},
		"another cluster": {ring(older), "b", sealed, false},
		"lost key":        {ring(store.NewKey()), "a", sealed, false},
		"damaged":         {ring(older), "a", sealed[:len(sealed)-1], false},
		"empty":           {ring(older), "a", nil, false},
	} {
		plain, err := unseal(test.keys, test.about, test.text)
		if (err == nil) != test.opens || test.opens && string(plain) != "text" {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
}

func TestThePullSecretIsTheCustomersOverTheServices(t *testing.T) {
	for name, test := range map[string]struct{ service, customer, want string }{
		"none":     {"", "", `{"auths":{}}`},
		"service":  {`{"auths":{"a":{"auth":"1"}}}`, "", `{"auths":{"a":{"auth":"1"}}}`},
		"customer": {`{"auths":{"a":{"auth":"1"},"b":{"auth":"1"}}}`, `{"auths":{"b":{"auth":"2"}}}`, `{"auths":{"a":{"auth":"1"},"b":{"auth":"2"}}}`},
	} {
		got, err := mergedPullSecret(model.Secret(test.service), model.Secret(test.customer))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v", name, string(got), err)
		}
	}
	if _, err := mergedPullSecret("canary", ""); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want an error that keeps the secret", err)
	}
}

func TestImagesFollowVersionAndGeneration(t *testing.T) {
	both, second := map[string]string{"HyperVGenerations": "V1,V2"}, map[string]string{"HyperVGenerations": "V2"}
	for name, test := range map[string]struct {
		version, sku, image string
		sizes               []map[string]string
	}{
		"tested":            {"4.20.1", "aro_420", "9.6.20251015", []map[string]string{both, both}},
		"others":            {"4.19.24", "aro_419", "latest", []map[string]string{both, both}},
		"second generation": {"4.19.24", "aro_419-v2", "latest", []map[string]string{both, second}},
	} {
		if got := imageOf(test.version, test.sizes...); got.SKU != test.sku || got.Version != test.image {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

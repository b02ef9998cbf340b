package region

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/cosmosdb"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/cloud/scaleset"
	"github.com/aro-rp/aro/local/instance"
	"github.com/aro-rp/aro/store/cosmos/emulator"
)

var long = flag.Bool("long", false, "also run the tests that take minutes, as make soak does")

// takesMinutes leaves a test to make soak.
func takesMinutes(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("takes minutes: run with -long")
	}
}

const (
	location = "eastus"
	group    = "rp-eastus"
	service  = "/subscriptions/" + cloud.ServiceSubscription + "/resourceGroups/" + group
	port     = 8443
)

// world is an empty local Azure with the machines of scale sets.
type world struct {
	t     *testing.T
	azure *cloud.Azure
	wires *network.Network
	host  *instance.Host
	dir   string
	// builds are directories of programs, by the tag of an image.
	builds                 map[string]string
	client, engineer       tls.Certificate
	clientPEM, engineerPEM string
	prefix                 netip.Prefix // of the machines
}

// machines are the host as scale sets know it.
type machines struct{ *instance.Host }

func (m machines) Start(ctx context.Context, one scaleset.Machine) error {
	return m.Host.Start(ctx, instance.Machine(one))
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), builds: map[string]string{}}
	w.client, w.clientPEM = certificate(t)
	w.engineer, w.engineerPEM = certificate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n := byte(128 + mathrand.IntN(60))
	w.prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, n, 1, 0}), 24)
	var work sync.WaitGroup
	w.azure, err = cloud.New(ctx, cloud.Options{
		Dir: filepath.Join(w.dir, "azure"), Origin: fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port), Empty: true, Unlimited: true, Log: log,
		RPAddress: fmt.Sprintf("rp.%s.service.test:%d", location, port), Private: netip.PrefixFrom(netip.AddrFrom4([4]byte{127, n + 1, 0, 0}), 16).String(),
		// Its server is named, not its authority: the vault got it its certificate.
		RPTLS: &tls.Config{Certificates: []tls.Certificate{w.client}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
		RPDial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return w.wires.DialPublic(ctx, network, address)
		},
		Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error { return w.plug(ctx, a, n, &work) }},
	})
	must(t, err)
	work.Go(func() { _ = w.azure.Serve(ctx, listener) })
	t.Cleanup(func() {
		stop()
		w.host.Wait()
		work.Wait()
		w.azure.Close()
	})
	return w
}

func (w *world) plug(ctx context.Context, a *cloud.Azure, n byte, work *sync.WaitGroup) error {
	w.wires = network.New(a.Engine, a.Log)
	w.wires.Public = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, n + 2, 0, 0}), 16)
	w.host = instance.NewHost(ctx, instance.Options{
		Dir: filepath.Join(w.dir, "instances"), Log: a.Log,
		Programs: func(image string) (string, bool) {
			dir, ok := w.builds[image[strings.LastIndex(image, ":")+1:]]
			return dir, ok
		},
		Environment: func(m instance.Machine) []string { return a.Entra.MachineVariables(m.ID, m.Identities) },
	})
	scaleset.New(a.Engine, machines{w.host}, w.wires, a.Log)
	databases := cosmosdb.New(cosmosdb.Options{Engine: a.Engine, Origin: a.Origin, Tokens: a.Entra, Log: a.Log, Open: func(ctx context.Context, _ string) (http.Handler, error) {
		server, err := emulator.Start(ctx, filepath.Join(repository(w.t), ".cache", "cosmos-emulator"))
		if err == nil {
			a.OnClose(server.Close)
		}
		return server, err
	}})
	a.Mount(cosmosdb.Prefix, databases)
	work.Go(func() { _ = w.wires.Run(ctx, w.host) })
	return nil
}

// config is a configuration file of the region.
func (w *world) config(extra string) []byte {
	sp, err := w.azure.Entra.ServicePrincipal(w.t.Context(), cloud.FirstPartyApplication)
	must(w.t, err)
	deployer, err := w.azure.Entra.ServicePrincipal(w.t.Context(), cloud.ServiceApplication)
	must(w.t, err)
	authorities, err := os.ReadFile(w.azure.Authority.File())
	must(w.t, err)
	return []byte(fmt.Sprintf(`
defaults:
  cloud: %s
  tenantId: %s
  subscriptionId: %s
  globalResourceGroup: global
  globalLocation: eastus
  serviceDomain: service.test
  clusterDomain: cluster.test
  registry: arosvc
  versionStorage: aroversions
  firstPartyClientId: %s
  firstPartyPrincipalId: %s
  firstPartySubject: firstparty.aroapp.test
  deployerPrincipalId: %s
  authorities: |
%s
  armClients: |
%s
  adminClients: |
%s
regions:
  eastus:
    resourceGroup: rp-eastus
    vaultPrefix: aro-eastus
    databaseAccount: aro-eastus
    issuerStorage: arooidc
    serviceAddresses: %s
    frontendPort: 8443
    servicePort: 8443
    capacity: 2
%s
`, w.azure.Origin, cloud.TenantID, cloud.ServiceSubscription, cloud.FirstPartyApplication, sp.ObjectID, deployer.ObjectID,
		indent(string(authorities)), indent(w.clientPEM), indent(w.engineerPEM), w.prefix, extra))
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}

// options of a deployment of a build.
func (w *world) options(build, extra string) deploy.Options {
	w.t.Helper()
	region, err := deploy.ReadRegion(w.config(extra), location)
	must(w.t, err)
	found, err := azure.FindCloud(w.t.Context(), w.azure.Origin, w.azure.Client())
	must(w.t, err)
	return deploy.Options{Region: region, Build: build, Cloud: found, Credential: w.deployer(found), Transport: w.azure.Client(), Progress: testWriter{w.t}, Poll: 100 * time.Millisecond}
}

func (w *world) deployer(found azure.Cloud) azcore.TokenCredential {
	w.t.Helper()
	credentials, err := w.azure.Credentials()
	must(w.t, err)
	credential, err := azidentity.NewClientSecretCredential(cloud.TenantID, credentials.Service.ClientID, credentials.Service.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: found.Configuration, Transport: w.azure.Client()}, DisableInstanceDiscovery: true})
	must(w.t, err)
	return credential
}

// deploy deploys a build and wants it to succeed.
func (w *world) deploy(build, extra string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	defer cancel()
	if err := deploy.Run(ctx, w.options(build, extra)); err != nil {
		w.tail()
		w.t.Fatal(err)
	}
}

// tail shows what machines logged, of a test that fails.
func (w *world) tail() {
	files, _ := filepath.Glob(filepath.Join(w.dir, "instances", "*", "*.log"))
	for _, file := range files {
		content, _ := os.ReadFile(file)
		w.t.Logf("%s:\n%s", file, content[max(0, len(content)-2000):])
	}
}

// build makes a build of a program of the root module.
func (w *world) build(version, program string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "builds", version)
	must(w.t, os.MkdirAll(dir, 0o755))
	command := exec.CommandContext(w.t.Context(), "go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", filepath.Join(dir, "aro"), program)
	command.Dir = repository(w.t)
	if out, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", program, err, out)
	}
	w.builds[version] = dir
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	must(t, err)
	return dir
}

func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(t, err)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testWriter shows lines in the log of a test.
type testWriter struct{ t *testing.T }

var _ io.Writer = testWriter{}

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

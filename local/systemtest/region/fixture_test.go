package region

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
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
	"github.com/aro-rp/aro/local/cloud/scaleset"
	"github.com/aro-rp/aro/local/region"
)

var long = flag.Bool("long", false, "also run the tests that take minutes, as make soak does")

// takesMinutes leaves a test to make soak.
func takesMinutes(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("takes minutes: run with -long")
	}
}

// service is the id of the region's resource group.
const service = "/subscriptions/" + cloud.ServiceSubscription + "/resourceGroups/" + region.Group

// fixture is a region that is to be deployed, in a local Azure.
type fixture struct {
	*region.Region
	t     *testing.T
	azure *cloud.Azure
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return open(t, region.Options{Dir: t.TempDir(), Keep: true, Addresses: byte(128 + 2*mathrand.IntN(30))})
}

// open opens a region, and closes it after the test.
func open(t *testing.T, o region.Options) *fixture {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o.Emulator = filepath.Join(repository(t), ".cache", "cosmos-emulator")
	w := &fixture{t: t}
	w.Region, err = region.New(o)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	w.azure, err = cloud.New(ctx, cloud.Options{
		Dir: filepath.Join(o.Dir, "azure"), Origin: fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port), Empty: true, Unlimited: true,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})), Private: w.Endpoints().String(), Portal: region.Portal(),
		ServiceSecret: "deployer", RPAddress: region.Address(), RPTLS: w.TLS(), RPDial: w.Dial,
		Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
			return w.Plug(region.Azure{
				Engine: a.Engine, Entra: a.Entra, State: a.State, Origin: a.Origin, AuthorityFile: a.Authority.File(), TenantID: cloud.TenantID, SubscriptionID: cloud.ServiceSubscription,
				FirstParty: cloud.FirstPartyApplication, FirstPartySubject: cloud.FirstPartySubject, DeployerID: cloud.ServiceApplication, DeployerSecret: "deployer",
				Portal: cloud.PortalApplication, PortalSubject: cloud.PortalSubject, PortalGroup: cloud.PortalGroup, PortalElevated: cloud.PortalElevatedGroup,
				Mount: a.Mount, OnClose: a.OnClose, Log: a.Log,
			})
		}},
	})
	must(t, err)
	must(t, w.Resume(ctx))
	var work sync.WaitGroup
	work.Go(func() { _ = w.azure.Serve(ctx, listener) })
	t.Cleanup(func() {
		w.cutPower()
		w.StopInstances()
		stop()
		work.Wait()
		w.Close()
		w.azure.Close()
	})
	return w
}

// cutPower ends the instances at once. No requests are left that they have to finish.
func (w *fixture) cutPower() {
	all, err := w.azure.Engine.Below(context.Background(), service, scaleset.Instance)
	for _, machine := range all {
		err = errors.Join(err, w.Host.Remove(context.Background(), machine.ID))
	}
	if err != nil {
		w.t.Error(err)
	}
}

// options of a deployment of a build.
func (w *fixture) options(build string, environment map[string]string) deploy.Options {
	w.t.Helper()
	content, err := w.Configuration(w.t.Context(), nil, environment)
	must(w.t, err)
	configuration, err := deploy.ReadRegion(content, region.Location)
	must(w.t, err)
	found, err := azure.FindCloud(w.t.Context(), w.azure.Origin, w.azure.Client())
	must(w.t, err)
	return deploy.Options{Region: configuration, Build: build, Cloud: found, Credential: w.deployer(found), Transport: w.azure.Client(), Progress: testWriter{w.t}, Poll: 100 * time.Millisecond}
}

func (w *fixture) deployer(found azure.Cloud) azcore.TokenCredential {
	w.t.Helper()
	credential, err := azidentity.NewClientSecretCredential(cloud.TenantID, w.Azure.DeployerID, w.Azure.DeployerSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: found.Configuration, Transport: w.azure.Client()}, DisableInstanceDiscovery: true})
	must(w.t, err)
	return credential
}

// deploy deploys a build and wants it to succeed.
func (w *fixture) deploy(build string, environment map[string]string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Minute)
	defer cancel()
	if err := deploy.Run(ctx, w.options(build, environment)); err != nil {
		w.tail()
		w.t.Fatal(err)
	}
}

// tail shows what machines logged, of a test that fails.
func (w *fixture) tail() {
	files, _ := filepath.Glob(filepath.Join(w.Dir, "instances", "*", "*.log"))
	for _, file := range files {
		content, _ := os.ReadFile(file)
		w.t.Logf("%s:\n%s", file, content[max(0, len(content)-2000):])
	}
}

// build makes a build of a program of the root module.
func (w *fixture) build(version, program string, flags ...string) {
	w.t.Helper()
	dir := region.BuildDir(w.Dir, version)
	must(w.t, os.MkdirAll(dir, 0o755))
	arguments := append([]string{"build", "-ldflags", "-s -w -X main.version=" + version, "-o", filepath.Join(dir, "aro")}, flags...)
	command := exec.CommandContext(w.t.Context(), "go", append(arguments, program)...)
	command.Dir = repository(w.t)
	if out, err := command.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	must(t, err)
	return dir
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

package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// settings are the flags of the kit.
type settings struct {
	rp, subscription, other, location, group string
	cert, key, ca, report                    string
	patience                                 time.Duration
}

func (s *settings) register(f *flag.FlagSet) {
	f.StringVar(&s.rp, "rp", "", "URL of the resource provider to check; empty starts one")
	f.StringVar(&s.subscription, "subscription", "", "registered subscription to work in; empty makes up one, and registers it")
	f.StringVar(&s.other, "other-subscription", "", "a registered subscription of another customer; empty makes up one, and registers it")
	f.DurationVar(&s.patience, "patience", time.Minute, "how long to wait for an operation of a provider given by URL")
	f.StringVar(&s.location, "location", "eastus", "location that the provider serves")
	f.StringVar(&s.group, "group", "conformance-"+uuid.NewString()[:8], "resource group to work in")
	f.StringVar(&s.cert, "cert", "", "PEM file of the client certificate")
	f.StringVar(&s.key, "key", "", "PEM file of the client certificate's key")
	f.StringVar(&s.ca, "ca", "", "PEM file of the authorities that the provider's certificate must come from")
	f.StringVar(&s.report, "report", "", "write the report as Markdown to this file")
}

// flags are read by TestMain before any test runs.
var flags settings

const (
	// checksAtOnce run in parallel: they mostly wait for operations. A provider given
	// by URL makes real clusters, which may be heavy.
	checksAtOnce, checksByURL = "12", "3"
	tenant                    = "00000000-0000-0000-0000-0000000000b1"
	otherTenant               = "00000000-0000-0000-0000-0000000000b2"
)

func TestMain(m *testing.M) {
	flags.register(flag.CommandLine)
	flag.Parse()
	atOnce := checksAtOnce
	if flags.rp != "" {
		atOnce = checksByURL
	}
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// kit is one run against one provider.
type kit struct {
	settings
	client *harness.Client
	// process and planes are nil when the provider was given by URL.
	process *harness.Process
	planes  *harness.ControlPlanes
	// can is what clusters of this provider do, learned by trying.
	can abilities
	// own are the subscriptions that the kit registered.
	own sync.Map
	// terminal, if there is one, shows the progress of the run.
	terminal *os.File
	done     atomic.Int32
	// held names clusters that must not get ready.
	held sync.Map
	// pause lies between polls of an operation, which may take patience.
	pause time.Duration

	once   sync.Once
	common *cluster

	seen observations
	trap trap
}

func newKit(t *testing.T) *kit {
	k := &kit{settings: flags, pause: time.Second}
	k.seen.canaries = []string{harness.PullSecretCanary, harness.ClientSecretCanary}
	for _, id := range []*string{&k.subscription, &k.other} {
		if *id == "" {
			*id = uuid.NewString()
			k.own.Store(*id, true)
		}
	}
	if k.rp == "" {
		k.start(t)
	}
	transport, err := k.transport()
	if err != nil {
		t.Fatal(err)
	}
	k.client = harness.NewClient(k.rp, transport)
	return k
}

func (k *kit) start(t *testing.T) {
	dir := t.TempDir()
	binary, err := harness.Build()
	if err != nil {
		t.Fatal(err)
	}
	k.planes = harness.NewControlPlanes(t, harness.Behaviour{Hold: func(s provider.Spec) bool {
		_, held := k.held.Load(s.Name)
		return held
	}})
	k.process = harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + filepath.Join(dir, "aro.db"),
		ControlPlanes: k.planes.Address, Poll: 100 * time.Millisecond, Args: []string{"--location", k.location}})
	k.rp, k.patience, k.pause = k.process.URL, 2*time.Minute, 30*time.Millisecond
}

func (k *kit) transport() (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if k.cert != "" {
		pair, err := tls.LoadX509KeyPair(k.cert, k.key)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if k.ca != "" {
		pem, err := os.ReadFile(k.ca)
		if err != nil {
			return nil, fmt.Errorf("authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("authorities: no certificate in " + k.ca)
		}
	}
	return &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}, nil
}

// T is the test of a check: it sends requests, checks responses, and records its
// first failure for the report.
type T struct {
	*testing.T
	*kit
	result *result
}

// Errorf records a failure.
func (t *T) Errorf(format string, args ...any) {
	t.Helper()
	t.result.fail(format, args...)
	t.T.Errorf(format, args...)
}

// Fatalf records a failure and ends the check.
func (t *T) Fatalf(format string, args ...any) {
	t.Helper()
	t.result.fail(format, args...)
	t.T.Fatalf(format, args...)
}

// versions runs f once for each api-version.
func (t *T) versions(f func(t *T, version string)) {
	for _, version := range harness.Versions() {
		t.each(version, func(t *T) { f(t, version) })
	}
}

// each runs f as a subtest of the check.
func (t *T) each(name string, f func(t *T)) {
	t.Run(name, func(sub *testing.T) { f(&T{T: sub, kit: t.kit, result: t.result}) })
}

// send does one request; every answer is also looked at by the observations.
func (t *T) send(r harness.Request) *harness.Reply {
	t.Helper()
	reply, err := t.client.Do(t.Context(), r)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.seen.note(reply)
	return reply
}

// want fails unless the response has the status, and the code if one is given.
func (t *T) want(reply *harness.Reply, status int, code ...string) *harness.Reply {
	t.Helper()
	if reply.Status != status {
		t.Fatalf("%s; want %d %s", reply, status, strings.Join(code, ""))
	}
	if len(code) > 0 && reply.Code() != code[0] {
		t.Errorf("%s; want code %s", reply, code[0])
	}
	return reply
}

// wantTarget fails unless the error, or one of its details, is about target.
func (t *T) wantTarget(reply *harness.Reply, target string) {
	t.Helper()
	for _, got := range reply.Targets() {
		if got == target {
			return
		}
	}
	t.Errorf("%s; want target %s", reply, target)
}

func (t *T) get(path, version string) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodGet, Path: path, Version: version})
}

func (t *T) put(path, version string, body any) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodPut, Path: path, Version: version, Body: body})
}

func (t *T) patch(path, version string, body any) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodPatch, Path: path, Version: version, Body: body})
}

func (t *T) post(path, version string) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodPost, Path: path, Version: version})
}

func (t *T) remove(path, version string) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodDelete, Path: path, Version: version})
}

// register sends a subscription's state to the provider.
func (t *T) register(subscription, tenant, state string) *harness.Reply {
	t.Helper()
	t.own.Store(subscription, true)
	return t.put("/subscriptions/"+subscription, "2.0", harness.Object{"state": state, "registrationDate": "Fri, 20 Nov 2026 08:00:00 GMT",
		"properties": harness.Object{"tenantId": tenant}})
}

// id names a cluster that no other check uses.
func (t *T) id(prefix string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: t.subscription, ResourceGroup: t.group, Name: prefix + "-" + uuid.NewString()[:8]}
}

// poll follows an operation's status to its end and returns the last answer.
func (t *T) poll(url string) *harness.Reply {
	t.Helper()
	deadline := time.Now().Add(t.patience)
	for {
		reply := t.want(t.get(url, ""), http.StatusOK)
		switch reply.Text("status") {
		case "Succeeded", "Failed", "Canceled":
			return reply
		}
		if time.Now().After(deadline) {
			t.Fatalf("operation did not end within %s: %s", t.patience, reply)
		}
		time.Sleep(t.pause)
	}
}

// succeeds follows the operation that reply began.
func (t *T) succeeds(reply *harness.Reply) *harness.Reply {
	t.Helper()
	if reply.Request.Method == http.MethodDelete {
		t.needs(t.can.goAway)
	} else {
		t.needs(t.can.getReady)
	}
	url := reply.Header.Get("Azure-AsyncOperation")
	if url == "" {
		t.Fatalf("%s; want a header Azure-AsyncOperation", reply)
	}
	last := t.poll(url)
	if got := last.Text("status"); got != "Succeeded" {
		t.Fatalf("operation ended %s: %s", got, last)
	}
	return last
}

package clusters

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend/controlplane"
	"github.com/aro-rp/aro/local/home"
)

const id = "0b9ac0de-0000-4000-8000-000000000001"

func spec() controlplane.Spec {
	return controlplane.Spec{
		ID: id, Name: "one", InfraID: "one-abcde", Domain: "one.example.com", Version: "4.17.27", Location: "eastus",
		PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16",
		Masters: controlplane.Pool{Name: "master", VMSize: "Standard_D8s_v3", Count: 3},
		Workers: []controlplane.Pool{{Name: "worker", VMSize: "Standard_D4s_v3", Count: 3}},
	}
}

// idler stands for a cluster that never gets ready; booting real ones is for the
// tests of the program.
func idler() []string { return []string{"/bin/sh", "-c", "exec sleep 120"} }

// open returns the clusters of dir, and a function that stops them.
func open(t *testing.T, dir string) (*Clusters, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := Open(ctx, dir, idler(), slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	stop := func() { cancel(); c.Wait() }
	t.Cleanup(stop)
	return c, stop
}

func apply(t *testing.T, c *Clusters, spec controlplane.Spec) controlplane.Status {
	t.Helper()
	status, err := c.Apply(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func TestApplyStartsOneProcessHoweverOftenItIsCalled(t *testing.T) {
	c, _ := open(t, t.TempDir())
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.Apply(t.Context(), spec()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	cl := c.known[id]
	eventually(t, "a process", func() bool { return cl.process.PID() != 0 })
	pid := cl.process.PID()
	apply(t, c, spec())
	if got := cl.process.PID(); got != pid || c.known[id] != cl {
		t.Errorf("process %d, want the first one, %d", got, pid)
	}
}

func TestStatusTellsWhatItWaitsFor(t *testing.T) {
	c, _ := open(t, t.TempDir())
	status := apply(t, c, spec())
	if status.NodesWanted != 6 || status.APIServerReady || status.Message == "" {
		t.Errorf("got %d nodes wanted, ready %v, message %q", status.NodesWanted, status.APIServerReady, status.Message)
	}
	if !strings.HasPrefix(status.APIServerURL, "https://127.0.0.1:") || status.IngressIP != "127.0.0.1" ||
		status.ConsoleURL != "https://console-openshift-console.apps.one.example.com/" {
		t.Errorf("got %s, %s, %s", status.APIServerURL, status.IngressIP, status.ConsoleURL)
	}
	if len(status.AdminKubeconfig) == 0 || status.KubeadminPassword == "" {
		t.Error("credentials are missing")
	}
}

func TestClusterIsTheSameAfterAnotherOpen(t *testing.T) {
	dir := t.TempDir()
	c, stop := open(t, dir)
	before := apply(t, c, spec())
	stop()
	c, _ = open(t, dir)
	after, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if after.APIServerURL != before.APIServerURL || after.KubeadminPassword != before.KubeadminPassword ||
		string(after.AdminKubeconfig) != string(before.AdminKubeconfig) {
		t.Error("address or credentials changed")
	}
	eventually(t, "a process", func() bool { return c.known[id].process.PID() != 0 })
}

func TestPortThatAnotherProgramTookIsChosenAgain(t *testing.T) {
	dir := t.TempDir()
	c, stop := open(t, dir)
	before := apply(t, c, spec())
	stop()
	port, err := home.At(filepath.Join(dir, id)).Port()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, _ = open(t, dir)
	after, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if after.APIServerURL == before.APIServerURL || !strings.Contains(string(after.AdminKubeconfig), after.APIServerURL) {
		t.Errorf("address %s, before %s; the kubeconfig must lead to the new one", after.APIServerURL, before.APIServerURL)
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c, _ := open(t, dir)
	apply(t, c, spec())
	eventually(t, "removal", func() bool {
		gone, err := c.Remove(id)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	})
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
	if _, err := c.Get(t.Context(), id); !errors.Is(err, controlplane.ErrNotFound) {
		t.Errorf("Get after removal: %v", err)
	}
}

func TestOpenFinishesWhatACrashInterrupted(t *testing.T) {
	dir := t.TempDir()
	if err := home.At(filepath.Join(dir, removingPrefix+id)).Furnish(spec()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "half-made"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, _ := open(t, dir)
	if entries, _ := os.ReadDir(dir); len(entries) != 0 || len(c.known) != 0 {
		t.Errorf("left: %v", entries)
	}
}

func TestSpecsThatCannotWorkAreRefused(t *testing.T) {
	tests := map[string]struct {
		why    string
		change func(*controlplane.Spec)
		want   string
	}{
		"path as id":        {"it becomes the name of a directory", func(s *controlplane.Spec) { s.ID = "../../etc" }, "id"},
		"no infra id":       {"nodes would have no names", func(s *controlplane.Spec) { s.InfraID = "" }, "infraId"},
		"capital infra id":  {"nodes have DNS names", func(s *controlplane.Spec) { s.InfraID = "One" }, "infraId"},
		"no domain":         {"certificates name it", func(s *controlplane.Spec) { s.Domain = "" }, "domain"},
		"address, not CIDR": {"the API server would not start", func(s *controlplane.Spec) { s.ServiceCIDR = "172.30.0.0" }, "serviceCidr"},
		"no pod network":    {"the controller manager would not start", func(s *controlplane.Spec) { s.PodCIDR = "" }, "podCidr"},
		"negative pool":     {"there is no such number of machines", func(s *controlplane.Spec) { s.Workers[0].Count = -1 }, "counts"},
		"a huge pool":       {"one machine cannot pretend that", func(s *controlplane.Spec) { s.Workers[0].Count = 5000 }, "counts"},
	}
	c, _ := open(t, t.TempDir())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := spec()
			test.change(&s)
			if _, err := c.Apply(t.Context(), s); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want ErrInvalid naming %s", test.why, err, test.want)
			}
		})
	}
}

func TestNetworksOfAClusterStay(t *testing.T) {
	c, _ := open(t, t.TempDir())
	apply(t, c, spec())
	changed := spec()
	changed.ServiceCIDR = "172.31.0.0/16"
	if _, err := c.Apply(t.Context(), changed); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	changed = spec()
	changed.Workers[0].Count = 7
	if status := apply(t, c, changed); status.NodesWanted != 10 {
		t.Errorf("%d nodes wanted, want 10", status.NodesWanted)
	}
}

func TestTheSeamOverItsSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "aro") // short: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, _ := open(t, filepath.Join(dir, "clusters"))
	socket := filepath.Join(dir, "s")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- c.Serve(ctx, socket) }()
	eventually(t, "a private socket", func() bool {
		info, err := os.Stat(socket)
		return err == nil && info.Mode().Perm() == 0o600
	})
	client, err := controlplane.NewClient("unix:" + socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(ctx, id); !errors.Is(err, controlplane.ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
	if status, err := client.Apply(ctx, spec()); err != nil || status.NodesWanted != 6 {
		t.Errorf("Apply: %d nodes wanted, %v", status.NodesWanted, err)
	}
	invalid := spec()
	invalid.PodCIDR = "none"
	if _, err := client.Apply(ctx, invalid); err == nil || !strings.Contains(err.Error(), "400: ") || !strings.Contains(err.Error(), "podCidr") {
		t.Errorf("Apply of an invalid spec: %v", err)
	}
	eventually(t, "removal", func() bool {
		gone, err := client.Remove(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	})
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestBodyMustFitThePath(t *testing.T) {
	c, _ := open(t, t.TempDir())
	for name, body := range map[string]string{"another id": `{"id":"` + id + `"}`, "no JSON": `{`} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "/clusters/other", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var got recorder
		c.handler().ServeHTTP(&got, req)
		if got.code != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", name, got.code)
		}
	}
}

type recorder struct {
	code   int
	header http.Header
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(code int)        { r.code = code }

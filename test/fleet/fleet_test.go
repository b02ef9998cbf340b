package fleet

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/monitoring"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

// asMonitor is the first argument of this program when it is a monitor; the second is its
// configuration as JSON.
const asMonitor = "monitor"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asMonitor {
		if err := runMonitor(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	klog.SetLogger(logr.Discard()) // what the server of WebSockets says of each client that closes
	os.Exit(m.Run())
}

// settings are those of a monitor.
type settings struct {
	Store, Keys, Socket, Name     string
	Interval, Lease, Feed, Budget time.Duration
	// Listen is where metrics are served; a free port if empty.
	Listen string
	// Profile is the beginning of the names of files with profiles, written from one SIGUSR1 to the next; empty for none.
	Profile string
}

func runMonitor(text string) error {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if s.Profile != "" {
		profiled(s.Profile + s.Name)
	}
	return monitoring.Run(ctx, &monitoring.Config{
		Config: service.Config{Database: service.Database{Store: "sqlite:" + s.Store}, EncryptionKeys: s.Keys, Location: "eastus"},
		MDM:    service.MDM{MDMSocket: s.Socket, MDMEnvironment: s.Name, MDMQueue: 16_384},
		Cloud:  service.Cloud{}, Listen: cmp.Or(s.Listen, "127.0.0.1:0"), Interval: s.Interval, NSGInterval: time.Hour, Budget: s.Budget, Lease: s.Lease, Feed: s.Feed, Concurrency: 300, Build: "fleet"})
}

const (
	patience     = 90 * time.Second
	subscription = "00000000-0000-0000-0000-0000000000a1"
	// fillers is how many documents are written at the same time.
	fillers = 64
)

// look is one check of a cluster, as a monitor's metrics tell it.
type look struct {
	by string
	at time.Time
}

// fleet is a database of clusters with monitors on it.
type fleet struct {
	testing.TB
	settings settings
	store    *store.Store
	api      *stub
	monitors map[string]*os.Process
	// stopSink closes the socket that the metrics go to.
	stopSink func()

	mu    sync.Mutex
	looks map[string][]look // by the name of the cluster
}

// newFleet makes the documents of many clusters; every tenth is slow.
func newFleet(t testing.TB, clusters int, s settings) *fleet {
	t.Helper()
	dir, err := os.MkdirTemp("", "fleet") // a short name, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.Store, s.Keys = filepath.Join(dir, "aro.db"), filepath.Join(dir, "keys")
	if s.Socket != "" {
		s.Socket = "unix:" + filepath.Join(dir, s.Socket)
	}
	f := &fleet{TB: t, settings: s, looks: map[string][]look{}, monitors: map[string]*os.Process{}}
	key := store.NewKey()
	if err := os.WriteFile(s.Keys, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	driver, err := sqlite.Open(t.Context(), s.Store)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	f.store = store.New(driver, keys)
	t.Cleanup(func() { _ = f.store.Close() })
	f.api = apiServers(t)
	f.fill(clusters)
	if s.Socket != "" {
		f.stopSink = f.listen(strings.TrimPrefix(s.Socket, "unix:"))
	}
	return f
}

func (f *fleet) fill(clusters int) {
	f.Helper()
	sub := store.NewSubscription(subscription)
	sub.Subscription.State = model.Registered
	if err := f.store.Subscriptions.Create(f.Context(), sub); err != nil {
		f.Fatal(err)
	}
	numbers := make(chan int)
	var writers sync.WaitGroup
	for range fillers {
		writers.Go(func() {
			for i := range numbers {
				kind := "well"
				if i%10 == 0 {
					kind = "slow"
				}
				id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: fmt.Sprintf("%s-%d", kind, i)}
				doc := store.NewCluster(id)
				doc.ManagedResourceGroup, doc.ClientIdentity = fmt.Sprint("group-", i), fmt.Sprint("client-", i)
				c := &doc.Cluster
				c.ID, c.Name, c.Location, c.Properties.ProvisioningState = id.String(), id.Name, "eastus", model.Succeeded
				c.Internal.UID, c.Internal.PrivateEndpointIP, c.Internal.ServiceKubeconfig = "uid-"+id.Name, "127.0.0.1", f.api.kubeconfig(kind, id.Name)
				if err := f.store.Clusters.Create(f.Context(), doc); err != nil {
					f.Error(err)
				}
			}
		})
	}
	for i := range clusters {
		numbers <- i
	}
	close(numbers)
	writers.Wait()
}

// listen takes the metrics of all monitors, and notes their checks, until the returned function is
// called or the test ends.
func (f *fleet) listen(socket string) (stop func()) {
	f.Helper()
	_ = os.Remove(socket) // of one that has stopped
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		f.Fatal(err)
	}
	stop = func() { _ = conn.Close() }
	f.Cleanup(stop)
	go func() {
		text := make([]byte, 64<<10)
		for {
			n, err := conn.Read(text)
			if err != nil {
				return
			}
			if !strings.HasPrefix(string(text[:n]), `{"Metric":"apiserver.healthz.code"`) {
				continue
			}
			line, err := metrics.Parse(text[:n])
			if err != nil {
				continue
			}
			f.mu.Lock()
			name := line.Dims["resourceName"]
			f.looks[name] = append(f.looks[name], look{line.Dims["Environment"], line.Time})
			f.mu.Unlock()
		}
	}()
	return stop
}

// start starts a monitor and returns what kills it.
func (f *fleet) start(name string) (kill func()) {
	f.Helper()
	s := f.settings
	s.Name = name
	text, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], asMonitor, string(text))
	said, err := cmd.StderrPipe()
	if err != nil {
		f.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.Fatal(err)
	}
	f.monitors[name] = cmd.Process
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if line := lines.Text(); strings.Contains(line, `"ERROR"`) || strings.Contains(line, "panic") {
				f.Errorf("%s: %s", name, line)
			}
		}
	}()
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	f.Cleanup(kill)
	return kill
}

// by is which monitor checked each cluster last, of those that answer, since then.
func (f *fleet) by(since time.Time) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := map[string]string{}
	for name, looks := range f.looks {
		if l := looks[len(looks)-1]; strings.HasPrefix(name, "well") && l.at.After(since) {
			last[name] = l.by
		}
	}
	return last
}

// since are the checks of each cluster since then.
func (f *fleet) since(at time.Time) map[string][]look {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string][]look{}
	for name, looks := range f.looks {
		for _, l := range looks {
			if l.at.After(at) {
				all[name] = append(all[name], l)
			}
		}
	}
	return all
}

func (f *fleet) eventually(what string, is func() bool) {
	f.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("never: %s", what)
		}
	}
}

// shared waits until the assignment in the database is even among that many monitors.
func (f *fleet) shared(monitors int) {
	f.Helper()
	f.eventually(fmt.Sprintf("%d monitors share the buckets", monitors), func() bool {
		doc, err := f.store.PoolWorkers.View(f.Context(), store.MonitorPool, store.MonitorPool)
		if err != nil {
			return false
		}
		return len(slices.Compact(slices.Sorted(slices.Values(doc.Buckets)))) == monitors && !slices.Contains(doc.Buckets, "")
	})
}

// checkedBy waits until every cluster that answers was checked n times since then.
func (f *fleet) checked(n, clusters int, since time.Time) {
	f.Helper()
	enough := 0
	defer func() {
		if f.Failed() {
			f.Logf("%d clusters were checked so often", enough)
		}
	}()
	f.eventually(fmt.Sprintf("%d clusters are checked %d times", clusters, n), func() bool {
		enough = 0
		for name, looks := range f.since(since) {
			if strings.HasPrefix(name, "well") && len(looks) >= n {
				enough++
			}
		}
		return enough == clusters
	})
}

// long also runs the test whose leases of seconds need a machine for itself.
var long = flag.Bool("long", false, "run monitors as processes and kill one, as make soak does")

// TestMonitorsShareTheFleet runs three monitors on clusters of which a tenth is slow, and
// kills one.
func TestMonitorsShareTheFleet(t *testing.T) {
	if !*long {
		t.Skip("needs a machine for itself: -args -long")
	}
	const clusters, well = 30, 27
	f := newFleet(t, clusters, settings{Interval: 2 * time.Second, Lease: 4 * time.Second, Feed: 100 * time.Millisecond, Budget: 50 * time.Second, Socket: "mdm"})
	kills := map[string]func(){}
	for _, name := range []string{"a", "b", "c"} {
		kills[name] = f.start(name)
	}
	f.shared(3)
	began := time.Now().Add(f.settings.Lease / 2) // when every monitor has read its share
	f.checked(2, well, began)
	before := f.by(began)
	// No cluster is checked by two monitors, nor again before its time.
	for name, looks := range f.since(began) {
		for i, l := range looks {
			if l.by != before[name] && strings.HasPrefix(name, "well") {
				t.Errorf("%s is checked by %s and by %s", name, l.by, before[name])
			}
			if i > 0 && l.at.Sub(looks[i-1].at) < f.settings.Interval/4 {
				t.Errorf("%s is checked again after %s", name, l.at.Sub(looks[i-1].at))
			}
		}
	}
	loads := map[string]int{}
	for _, by := range before {
		loads[by]++
	}
	if len(loads) != 3 {
		t.Fatalf("the clusters of the monitors are %v", loads)
	}
	killed := time.Now()
	kills["b"]()
	f.checked(1, well, killed.Add(f.settings.Interval))
	t.Logf("shares %v; after the kill of one each cluster was checked again within %s", loads, time.Since(killed).Round(10*time.Millisecond))
	f.shared(2)
	settled := time.Now()
	f.checked(1, well, settled)
	for name, by := range f.by(settled) {
		switch {
		case by == "b":
			t.Errorf("%s is checked by the monitor that was killed", name)
		case before[name] != "b" && by != before[name]:
			t.Errorf("%s moved from %s to %s, which nothing required", name, before[name], by)
		}
	}
}

// TestMonitorsAndTheSinkOfTheirMetricsDieAgainAndAgain kills one of three monitors after the other, and
// with every second one the sink. The others take over each time, and their metrics arrive.
func TestMonitorsAndTheSinkOfTheirMetricsDieAgainAndAgain(t *testing.T) {
	if !*long {
		t.Skip("needs a machine for itself: -args -long")
	}
	const clusters, well, rounds = 30, 27, 9
	f := newFleet(t, clusters, settings{Interval: 2 * time.Second, Lease: 4 * time.Second, Feed: 100 * time.Millisecond, Budget: 50 * time.Second, Socket: "mdm"})
	names, kills := []string{"a", "b", "c"}, map[string]func(){}
	for _, name := range names {
		kills[name] = f.start(name)
	}
	f.shared(len(names))
	var slowest time.Duration
	for round := range rounds {
		name, killed := names[round%len(names)], time.Now()
		kills[name]()
		if round%2 == 0 {
			f.stopSink()
			f.stopSink = f.listen(strings.TrimPrefix(f.settings.Socket, "unix:"))
		}
		f.checked(1, well, killed.Add(f.settings.Interval))
		slowest = max(slowest, time.Since(killed))
		kills[name] = f.start(name)
		f.shared(len(names))
	}
	settled := time.Now()
	f.checked(2, well, settled)
	t.Logf("%d kills, each cluster was checked again within %s", rounds, slowest.Round(10*time.Millisecond))
}

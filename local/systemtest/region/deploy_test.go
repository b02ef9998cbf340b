package region

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurearm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/region"
)

// simulated is the resource provider whose clusters' machines are records.
const simulated = "./test/simulated/aro"

// environment of machines that find the records, and hand over soon.
func environment(p *planes) map[string]string {
	return map[string]string{"ARO_CONTROL_PLANES": p.Address, "ARO_DRAIN": "15s"}
}

// serveOnly is the environment of machines that do no work on clusters.
func serveOnly() map[string]string { return map[string]string{"ARO_BACKEND": "false"} }

// withBuilds is a region that runs v1.
func withBuilds(t *testing.T, builds ...string) (*fixture, *planes) {
	w, p := newFixture(t), newPlanes(t)
	for _, build := range builds {
		w.build(build, simulated)
	}
	w.deploy("v1", environment(p))
	w.ready()
	must(t, w.Offer(t.Context()))
	return w, p
}

func TestARegionIsDeployedAndAnotherBuildTakesOver(t *testing.T) {
	w, p := newFixture(t), newPlanes(t)
	w.build("v1", simulated)
	w.build("v2", simulated)
	for _, calls := range []int64{1, 3, 5, 8} { // make soak: after each
		if _, err := w.interrupted("v1", environment(p), calls); !errors.Is(err, context.Canceled) {
			w.tail()
			t.Fatalf("killed after %d calls, it ended with %v", calls, err)
		}
	}
	w.deploy("v1", environment(p))
	w.unchanged("v1", environment(p))
	w.ready()
	must(t, w.Offer(t.Context()))
	w.unitsRun("aro-rp.service", "aro-monitor.service", "aro-portal.service")
	w.portalAnswers()
	w.sshAnswers()
	w.metricsCome("rp")
	w.follow(w.create("customer"))
	l := w.begin(traffic{readers: 5, clusters: 8})
	w.deploy("v2", environment(p))
	l.stop()
	check(t, l)
	w.settled(l, p)
}

func TestARepeatedDeploymentChangesNothing(t *testing.T) {
	takesMinutes(t)
	w := newFixture(t)
	w.build("v1", "./cmd/aro")
	w.deploy("v1", serveOnly())
	w.ready()
	w.portalAnswers()
	w.metricsCome("rp", "monitor")
	before := w.inventory()
	w.deploy("v1", serveOnly())
	w.unchanged("v1", serveOnly())
	if after := w.inventory(); !slices.Equal(before, after) {
		t.Errorf("it had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	t.Log("a scale set whose machines were all removed gets them again")
	w.scale(0)
	if i := slices.IndexFunc(w.inventory(), func(id string) bool { return strings.Contains(id, "/virtualmachines/") }); i >= 0 {
		t.Errorf("of no machines there is %s", w.inventory()[i])
	}
	w.deploy("v1", serveOnly())
	if after := w.inventory(); !slices.Equal(before, after) {
		t.Errorf("it had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	w.ready()
}

// scale changes the capacity of the one scale set as az vmss scale does.
func (w *fixture) scale(capacity int64) {
	w.t.Helper()
	found, err := azure.FindCloud(w.t.Context(), w.azure.Origin, w.azure.Client())
	must(w.t, err)
	sets, err := armcompute.NewVirtualMachineScaleSetsClient(cloud.ServiceSubscription, w.deployer(found), &azurearm.ClientOptions{ClientOptions: azcore.ClientOptions{Cloud: found.Configuration, Transport: w.azure.Client()}})
	must(w.t, err)
	page, err := sets.NewListPager(region.Group, nil).NextPage(w.t.Context())
	must(w.t, err)
	set := page.Value[0]
	set.SKU.Capacity = &capacity
	poller, err := sets.BeginCreateOrUpdate(w.t.Context(), region.Group, *set.Name, armcompute.VirtualMachineScaleSet{Location: set.Location, SKU: set.SKU}, nil)
	must(w.t, err)
	_, err = poller.PollUntilDone(w.t.Context(), &runtime.PollUntilDoneOptions{Frequency: 100 * time.Millisecond})
	must(w.t, err)
}

// unchanged checks that a dry run finds nothing to do.
func (w *fixture) unchanged(build string, environment map[string]string) {
	w.t.Helper()
	o := w.options(build, environment)
	o.DryRun = true
	var said strings.Builder
	o.Progress = &said
	must(w.t, deploy.Run(w.t.Context(), o))
	for _, change := range []string{"Create ", "Modify ", "Delete ", "to be made", "hands over"} {
		if strings.Contains(said.String(), change) {
			w.t.Errorf("the dry run says\n%s", said.String())
			break
		}
	}
}

func TestANewerBuildTakesOverUnderLoadAndBack(t *testing.T) {
	takesMinutes(t)
	w, p := newFixture(t), newPlanes(t)
	w.build("v1", simulated)
	w.newer("v2")
	w.deploy("v1", environment(p))
	w.ready()
	must(t, w.Offer(t.Context()))
	// Fifty clients with a request every half second each, and clusters that are created all the time. Lists get
	// longer with them, so that the time before has as many as those after.
	l := w.begin(traffic{readers: 50, pause: 500 * time.Millisecond, clusters: 200, every: 1500 * time.Millisecond})
	w.await(2*time.Minute, "load", func() bool { return l.accepted() > 12 })
	var marked int
	var said string
	// What other programs take of the processors in one of the times is not the product's. A build that takes
	// over slowly does so every time.
	for attempt := 1; attempt <= 3; attempt++ {
		l.cut() // what starts is slower
		begun := l.accepted()
		w.await(2*time.Minute, "load before", func() bool { return l.accepted() > begun+12 })
		calm, before := l.cut(), l.accepted()
		w.deploy("v2", environment(p))
		there, between := l.cut(), l.accepted()
		marked = w.marked()
		w.deploy("v1", environment(p))
		back, after := l.cut(), l.accepted()
		t.Logf("before: %s", calm)
		t.Logf("v1 to v2: %s; %d clusters begun", there, between-before)
		t.Logf("v2 to v1: %s; %d clusters begun", back, after-between)
		if between == before || after == between {
			t.Errorf("%d clusters were begun before, %d until v2 served, and %d until the end, which proves little", before, between, after)
		}
		if there.p99 <= 3*calm.p99 && back.p99 <= 3*calm.p99 {
			said = ""
			break
		}
		said = fmt.Sprintf("the 99th percentile was %s before, and %s and %s while a build took over", calm.p99, there.p99, back.p99)
		t.Log(said)
	}
	if said != "" {
		t.Errorf("in each of three attempts, the last of them: %s", said)
	}
	l.stop()
	check(t, l)
	w.settled(l, p)
	t.Log("the older build writes what the newer one wrote, and keeps what it does not know")
	for _, name := range l.created {
		r, err := w.ask(t.Context(), w.front(), http.MethodPatch, clusterID(name).String(), object{"tags": object{"writtenBy": "v1"}})
		must(t, err)
		if r.status != http.StatusOK && r.status != http.StatusAccepted {
			t.Errorf("PATCH: %v", *r)
		}
	}
	w.settled(l, p)
	if left := w.marked(); marked == 0 || left < marked {
		t.Errorf("%d clusters had a member that only v2 knows, and %d have it still", marked, left)
	}
}

func TestMachinesThatDoNotBecomeHealthyAreRemovedAndTheOldOnesGoOn(t *testing.T) {
	takesMinutes(t)
	w, p := withBuilds(t, "v1")
	must(t, os.MkdirAll(region.BuildDir(w.Dir, "broken"), 0o755)) // its image has no program
	w.unhealthy("broken", "v1", environment(p), nil)
}

func TestABuildThatCannotReadTheDatabaseIsRemovedAndNamesTheOneThatCan(t *testing.T) {
	takesMinutes(t)
	w, p := newFixture(t), newPlanes(t)
	w.build("v1", simulated)
	w.changed("v9", map[string][2]string{"store/format.go": {"const Format = 1\n", "const Format = 2\n"}})
	w.deploy("v9", environment(p))
	w.ready()
	w.unhealthy("v1", "v9", environment(p), func() {
		w.await(time.Minute, "each instance of v1 names v9", func() bool {
			logs, _ := filepath.Glob(filepath.Join(w.Dir, "instances", "rp-vmss-v1-*", "aro-rp.service.log"))
			named := 0
			for _, log := range logs {
				content, _ := os.ReadFile(log) // it may be removed just now
				if strings.Contains(string(content), "start build v9 or a later one") {
					named++
				}
			}
			return named == 2
		})
	})
}

// unhealthy deploys a build whose machines do not become healthy, beside one that serves and goes on. What is to be
// seen meanwhile may be nil.
func (w *fixture) unhealthy(build, serves string, environment map[string]string, meanwhile func()) {
	w.t.Helper()
	before := w.inventory()
	l := w.begin(traffic{readers: 4})
	o := w.options(build, environment)
	o.Region.HealthPatience = 1
	o.Poll = 2 * time.Second
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- deploy.Run(ctx, o) }()
	if meanwhile != nil {
		meanwhile()
	}
	err := <-ended
	l.stop()
	if err == nil || !strings.Contains(err.Error(), "they were removed, and the region goes on with rp-vmss-"+serves) {
		w.t.Errorf("the deployment ended with %v", err)
	}
	check(w.t, l)
	if after := w.inventory(); !slices.Equal(before, after) {
		w.t.Errorf("it had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// kills and between are those of the test below: ten minutes.
var (
	kills   = flag.Int("kills", 20, "machines to kill, of those that are killed one after another")
	between = flag.Duration("between", 30*time.Second, "time from one kill to the next")
)

func TestOneOfThreeMachinesDiesAgainAndAgainAndNoRequestFailsThatIsRepeatedOnce(t *testing.T) {
	takesMinutes(t)
	w, p := newFixture(t), newPlanes(t)
	w.build("v1", simulated)
	o := w.options("v1", environment(p))
	o.Region.Capacity = 3
	must(t, deploy.Run(t.Context(), o))
	w.ready()
	must(t, w.Offer(t.Context()))
	var machines []string
	for _, id := range w.inventory() {
		if strings.Contains(id, "/virtualmachines/") {
			machines = append(machines, id)
		}
	}
	if len(machines) != o.Region.Capacity {
		t.Fatalf("there are the machines %v", machines)
	}
	l := w.begin(traffic{readers: 6, clusters: 10 * *kills, every: *between / 10, once: true})
	for n := range *kills {
		pause(t.Context(), *between)
		must(t, w.Host.Kill(machines[n%len(machines)]))
		w.await(time.Minute, "health", func() bool {
			const probe = service + "/providers/Microsoft.Network/loadBalancers/rp-lb/probes/rp-probe"
			return !slices.ContainsFunc(machines, func(id string) bool { return !w.Wires.Healthy(id, probe) })
		})
	}
	l.stop()
	check(t, l)
	w.settled(l, p)
	t.Logf("%d kills, %d clusters created, %s", *kills, l.accepted(), l.cut())
}

// killed ends a deployment after a number of calls that change something.
type killed struct {
	next  policy.Transporter
	left  atomic.Int64
	calls atomic.Int64
	kill  context.CancelFunc
}

func (k *killed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := k.next.Do(r)
	if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/oauth2/") {
		return resp, err
	}
	k.calls.Add(1)
	if k.left.Add(-1) == 0 {
		k.kill()
	}
	return resp, err
}

// interrupted deploys a build, and kills the deployment after a number of calls that change
// something. It returns how many there were.
func (w *fixture) interrupted(build string, environment map[string]string, after int64) (calls int64, err error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Minute)
	defer cancel()
	k := &killed{next: w.azure.Client(), kill: cancel}
	k.left.Store(after)
	o := w.options(build, environment)
	o.Transport = &http.Client{Transport: k}
	err = deploy.Run(ctx, o)
	return k.calls.Load(), err
}

func TestADeploymentThatIsKilledAfterAnyCallEndsTheSameWhenRepeated(t *testing.T) {
	takesMinutes(t)
	w := newFixture(t)
	w.build("v1", "./cmd/aro")
	w.build("v2", "./cmd/aro")
	w.killedAfterEachCall("v1")
	got := w.inventory()
	fresh := newFixture(t)
	must(t, os.CopyFS(region.BuildDir(fresh.Dir, "v1"), os.DirFS(region.BuildDir(w.Dir, "v1"))))
	fresh.deploy("v1", serveOnly())
	if want := fresh.inventory(); !slices.Equal(comparable(want), comparable(got)) {
		t.Errorf("it has\n%s\nwithout kills there is\n%s", strings.Join(comparable(got), "\n"), strings.Join(comparable(want), "\n"))
	}
	t.Log("so does another build that takes over")
	w.killedAfterEachCall("v2")
	upgraded := w.inventory()
	for i, id := range upgraded {
		upgraded[i] = strings.ReplaceAll(id, "/rp-vmss-v2-", "/rp-vmss-v1-")
	}
	if !slices.Equal(comparable(got), comparable(upgraded)) {
		t.Errorf("v1 had\n%s\nv2 has\n%s", strings.Join(comparable(got), "\n"), strings.Join(comparable(upgraded), "\n"))
	}
}

// killedAfterEachCall deploys a build again and again, and kills the deployment after one call
// that changes something, after two, and so on, until one ends.
func (w *fixture) killedAfterEachCall(build string) {
	w.t.Helper()
	for after := int64(1); ; after++ {
		calls, err := w.interrupted(build, serveOnly(), after)
		if err == nil {
			w.t.Logf("the last of the deployments made %d calls that change something", calls)
			return
		}
		if !errors.Is(err, context.Canceled) {
			w.tail()
			w.t.Fatalf("killed after %d calls, it ended with %v", after, err)
		}
		if after > 40 {
			w.t.Fatal("it never ends")
		}
	}
}

// comparable is an inventory without names that are made of random ids: role assignments
// are counted, and scale sets told by their build.
func comparable(all []string) []string {
	names := make([]string, 0, len(all))
	for _, id := range all {
		if at := strings.Index(id, "/roleassignments/"); at >= 0 {
			id = id[:at] + "/roleassignments"
		}
		if at := strings.Index(id, "/sqlroleassignments/"); at >= 0 {
			id = id[:at] + "/sqlroleassignments"
		}
		if before, rest, ok := strings.Cut(id, "/rp-vmss-v1-"); ok {
			_, below, _ := strings.Cut(rest, "/")
			id = before + "/rp-vmss-v1/" + below
		}
		names = append(names, id)
	}
	slices.Sort(names)
	return names
}

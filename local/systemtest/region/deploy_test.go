package region

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/deploy"
)

// simulated is the resource provider whose clusters' machines are records.
const simulated = "./test/simulated/aro"

// environment of machines that find the records, and hand over soon.
func environment(p *planes) string {
	return "    environment: {ARO_CONTROL_PLANES: '" + p.Address + "', ARO_DRAIN: 12s}"
}

// withBuilds is a region that runs v1.
func withBuilds(t *testing.T, builds ...string) (*world, *planes) {
	w, p := newWorld(t), newPlanes(t)
	for _, build := range builds {
		w.build(build, simulated)
	}
	w.deploy("v1", environment(p))
	w.ready()
	w.offer("4.19.24")
	return w, p
}

func TestARegionIsDeployedIntoAnEmptyAzure(t *testing.T) {
	w := newWorld(t)
	w.build("v1", "./cmd/aro")
	const serveOnly = `    environment: {ARO_BACKEND: "false"}`
	w.deploy("v1", serveOnly)
	w.ready()
	before := w.inventory()

	t.Log("a second run, and a dry run, change nothing")
	w.deploy("v1", serveOnly)
	dry := w.options("v1", serveOnly)
	dry.DryRun = true
	var said strings.Builder
	dry.Progress = &said
	must(t, deploy.Run(t.Context(), dry))
	if after := w.inventory(); !slices.Equal(before, after) {
		t.Errorf("it had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if strings.Contains(said.String(), "Create ") {
		t.Errorf("the dry run says\n%s", said.String())
	}
}

func TestAnotherBuildTakesOverUnderLoadAndBack(t *testing.T) {
	w, p := withBuilds(t, "v1", "v2")
	l := w.begin(10, 20)
	w.await(20*time.Second, "load", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.created) > 2 })
	requests, calm := l.cut()
	t.Logf("before: %d requests, p99 %s", requests, calm)
	w.deploy("v2", environment(p))
	requests, there := l.cut()
	t.Logf("v1 to v2: %d requests, p99 %s", requests, there)
	w.deploy("v1", environment(p))
	requests, back := l.cut()
	t.Logf("v2 to v1: %d requests, p99 %s", requests, back)
	l.stop()
	check(t, l)
	if len(l.created) < 10 {
		t.Errorf("only %d clusters were created", len(l.created))
	}
	w.settled(l, p)
}

func TestMachinesThatDoNotBecomeHealthyAreRemovedAndTheOldOnesGoOn(t *testing.T) {
	takesMinutes(t)
	w, p := withBuilds(t, "v1")
	w.builds["broken"] = t.TempDir() // its image has no program
	before := w.inventory()
	l := w.begin(4, 0)
	o := w.options("broken", environment(p))
	o.Region.HealthPatience = 1
	o.Poll = 2 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := deploy.Run(ctx, o)
	l.stop()
	if err == nil || !strings.Contains(err.Error(), "they were removed, and the region goes on with rp-vmss-v1") {
		t.Errorf("the deployment ended with %v", err)
	}
	check(t, l)
	if after := w.inventory(); !slices.Equal(before, after) {
		t.Errorf("it had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestAMachineThatDiesFailsNoRequestThatIsRepeatedOnce(t *testing.T) {
	takesMinutes(t)
	w, p := withBuilds(t, "v1")
	set := ""
	for _, id := range w.inventory() {
		if strings.HasSuffix(id, "/virtualmachines/0") {
			set = strings.TrimSuffix(id, "/virtualmachines/0")
		}
	}
	l := w.begin(6, 12, true)
	for n := range 3 {
		w.await(20*time.Second, "load", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.created) > 2*n })
		must(t, w.host.Kill(set+"/virtualmachines/"+[]string{"0", "1"}[n%2]))
		w.await(20*time.Second, "health", func() bool {
			probe := service + "/providers/Microsoft.Network/loadBalancers/rp-lb/probes/rp-probe"
			return w.wires.Healthy(set+"/virtualmachines/0", probe) && w.wires.Healthy(set+"/virtualmachines/1", probe)
		})
	}
	l.stop()
	check(t, l)
	w.settled(l, p)
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

func TestADeploymentThatIsKilledAfterAnyCallEndsTheSameWhenRepeated(t *testing.T) {
	takesMinutes(t)
	w := newWorld(t)
	w.build("v1", "./cmd/aro")
	const serveOnly = `    environment: {ARO_BACKEND: "false"}`
	calls := 0
	for after := int64(1); ; after++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		k := &killed{next: w.azure.Client(), kill: cancel}
		k.left.Store(after)
		o := w.options("v1", serveOnly)
		o.Transport = &http.Client{Transport: k}
		err := deploy.Run(ctx, o)
		cancel()
		if err == nil {
			calls = int(k.calls.Load())
			break
		}
		if !errors.Is(err, context.Canceled) {
			w.tail()
			t.Fatalf("killed after %d calls, it ended with %v", after, err)
		}
		if after > 40 {
			t.Fatal("it never ends")
		}
	}
	t.Logf("the last of the deployments made %d calls that change something", calls)
	got := w.inventory()
	fresh := newWorld(t)
	fresh.builds = w.builds
	fresh.deploy("v1", serveOnly)
	if want := fresh.inventory(); !slices.Equal(comparable(want), comparable(got)) {
		t.Errorf("it has\n%s\nwithout kills there is\n%s", strings.Join(comparable(got), "\n"), strings.Join(comparable(want), "\n"))
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

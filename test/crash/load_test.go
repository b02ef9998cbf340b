package crash

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the random moments; 0 takes the clock's")
	killsFlag = flag.Int("kills", 200, "random moments at which a process is killed")
)

const (
	processes = 3
	customers = 12
	// budget bounds the killing. A machine too slow for it gets fewer kills, but at
	// least a quarter.
	budget = 150 * time.Second
)

// story records what one customer did with one cluster and the responses.
type story struct {
	id arm.ClusterID
	// tag is the last acknowledged value of the tag "patched".
	tag string
	// deleted is true if the cluster must not exist at the end.
	deleted bool
	// operations are the statuses that were promised, and the end each must have;
	// empty allows Canceled too, because a delete followed.
	operations map[string]string
}

func TestKillsAtRandomMomentsUnderLoadHarmNothing(t *testing.T) {
	f := newFleet(t, processes, harness.Behaviour{Boot: 200 * time.Millisecond, Removal: 100 * time.Millisecond}, 1500*time.Millisecond)
	f.sufferUnderLoad(*killsFlag, customers)
}

// The emulator answers one request at a time, so it gets fewer customers, longer
// leases and fewer kills.
func TestKillsAtRandomMomentsHarmNothingInCosmosDB(t *testing.T) {
	f := newFleetOn(t, inCosmos(t), processes, harness.Behaviour{Boot: 200 * time.Millisecond, Removal: 100 * time.Millisecond}, 4*time.Second)
	f.sufferUnderLoad(*killsFlag/4, customers/3)
}

// sufferUnderLoad kills processes at random moments while customers use clusters,
// and checks everything at the end.
func (f *fleet) sufferUnderLoad(wanted, customers int) {
	t := f.t
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -seed %d)", seed, seed)
	var stop atomic.Bool
	var group sync.WaitGroup
	told := make([][]*story, customers)
	for i := range customers {
		group.Add(1)
		go func() {
			defer group.Done()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := 0; !stop.Load() && !t.Failed(); n++ {
				s := &story{id: clusterID(fmt.Sprintf("load-%02d-%03d", i, n)), operations: map[string]string{}}
				told[i] = append(told[i], s)
				if err := f.live(s, random, &stop); err != nil {
					t.Errorf("%s: %v; %s", s.id.Name, err, f.explain(s.id.String()))
				}
			}
		}()
	}
	kills := f.shootAround(rand.New(rand.NewPCG(seed, math.MaxUint64)), wanted, customers)
	stop.Store(true)
	group.Wait()
	clusters := 0
	for _, stories := range told {
		clusters += len(stories)
		for _, s := range stories {
			f.promisesKept(s)
		}
	}
	t.Logf("%d of %d kills, %d clusters, %d finished steps", kills, wanted, clusters, len(f.finished()))
	f.noStepTwice()
	f.retire()
	f.documentsWhole(told)
}

// shootAround kills a random process at random moments and returns how often. Some
// steps finish between two kills: a service that never gets enough time fails an
// operation, as it should. If none finish any more, a customer notices.
func (f *fleet) shootAround(random *rand.Rand, wanted, progress int) (kills int) {
	for deadline := time.Now().Add(budget); kills < wanted && (kills < wanted/4 || time.Now().Before(deadline)); {
		before := f.steps()
		time.Sleep(time.Duration(50+random.IntN(500)) * time.Millisecond)
		for f.steps() < before+progress && !f.t.Failed() {
			time.Sleep(5 * time.Millisecond)
		}
		if f.t.Failed() {
			return kills
		}
		if p := f.any(); p != nil {
			p.Shoot()
			<-p.Exited()
			kills++
		}
	}
	return kills
}

// live is one cluster's life: create, perhaps update, perhaps delete, at moments
// that the workers do not choose.
func (f *fleet) live(s *story, random *rand.Rand, stop *atomic.Bool) error {
	if err := f.create(s); err != nil {
		return err
	}
	if random.IntN(4) == 0 { // delete while creating
		return f.delete(s)
	}
	if err := f.settles(s); err != nil {
		return err
	}
	for n := range random.IntN(3) {
		if err := f.update(s, fmt.Sprint(n)); err != nil {
			return err
		}
		if random.IntN(4) == 0 { // delete while updating
			return f.delete(s)
		}
		if err := f.settles(s); err != nil {
			return err
		}
	}
	if random.IntN(3) == 0 || stop.Load() {
		return nil // stays to the end
	}
	return f.delete(s)
}

func (f *fleet) create(s *story) error {
	reply, err := f.do(harness.Request{Method: http.MethodPut, Path: s.id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, s.id, location)})
	if err != nil {
		return err
	}
	switch {
	case reply.Status == http.StatusCreated, reply.Status == http.StatusOK, reply.Status == http.StatusConflict && reply.Code() == "OperationInProgress":
		// 200 and 409 follow a first answer that was lost with its process.
		s.promised(reply, "Succeeded")
		return nil
	}
	return fmt.Errorf("create: %s", reply)
}

func (f *fleet) update(s *story, salt string) error {
	for deadline := time.Now().Add(operationTimeout); ; time.Sleep(50 * time.Millisecond) {
		reply, err := f.do(harness.Request{Method: http.MethodPatch, Path: s.id.String(), Version: harness.Newest, Body: secret(salt)})
		if err != nil {
			return err
		}
		if reply.Status == http.StatusOK {
			s.tag = salt
			s.promised(reply, "Succeeded")
			return nil
		}
		// Conflict with an earlier try of this same PATCH, whose response was
		// lost.
		if reply.Status != http.StatusConflict || time.Now().After(deadline) {
			return fmt.Errorf("update: %s", reply)
		}
	}
}

func (f *fleet) delete(s *story) error {
	reply, err := f.do(harness.Request{Method: http.MethodDelete, Path: s.id.String(), Version: harness.Newest})
	if err != nil {
		return err
	}
	if reply.Status != http.StatusAccepted && reply.Status != http.StatusNoContent {
		return fmt.Errorf("delete: %s", reply)
	}
	s.deleted = true
	for address := range s.operations {
		s.operations[address] = "" // may have been cut short
	}
	s.promised(reply, "Succeeded")
	for deadline := time.Now().Add(operationTimeout); ; time.Sleep(50 * time.Millisecond) {
		reply, err := f.do(harness.Request{Method: http.MethodGet, Path: s.id.String(), Version: harness.Newest})
		switch {
		case err != nil:
			return err
		case reply.Status == http.StatusNotFound:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("not gone: %s", reply)
		}
	}
}

// settles waits until the cluster is Succeeded and has every acknowledged value.
func (f *fleet) settles(s *story) error {
	for deadline := time.Now().Add(operationTimeout); ; time.Sleep(50 * time.Millisecond) {
		reply, err := f.do(harness.Request{Method: http.MethodGet, Path: s.id.String(), Version: harness.Newest})
		if err != nil {
			return err
		}
		if reply.Status != http.StatusOK {
			return fmt.Errorf("an acknowledged cluster is lost: %s", reply)
		}
		if got := reply.Text("tags.patched"); got != s.tag {
			return fmt.Errorf("tag is %q, acknowledged was %q", got, s.tag)
		}
		switch state := reply.Text("properties.provisioningState"); {
		case state == "Succeeded":
			return nil
		case state == "Failed":
			return fmt.Errorf("failed: %s", reply)
		case time.Now().After(deadline):
			return fmt.Errorf("still %s", state)
		}
	}
}

func (s *story) promised(reply *harness.Reply, end string) {
	if address, err := url.Parse(reply.Header.Get("Azure-AsyncOperation")); err == nil && address.Path != "" {
		s.operations[address.RequestURI()] = end
	}
}

// promisesKept checks every operation whose status a customer got.
func (f *fleet) promisesKept(s *story) {
	f.t.Helper()
	for address, want := range s.operations {
		status := f.must(harness.Request{Method: http.MethodGet, Path: address})
		got := status.Text("status")
		if got != want && !(want == "" && (got == "Succeeded" || got == "Canceled")) {
			f.t.Errorf("%s: %s; want %s", s.id.Name, status, want)
		}
	}
}

package cosmos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// TestKilledBackendsLeaveNothingUndoneOrDoneTwice kills a backend with SIGKILL
// after a finished step, three times during creates and once during deletes: it
// holds leases then, and is within the next step of some cluster.
func TestKilledBackendsLeaveNothingUndoneOrDoneTwice(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{Boot: 300 * time.Millisecond, Removal: 300 * time.Millisecond, Latency: 50 * time.Millisecond})
	site := d.servers(1)[0]
	site.register()
	d.backend()
	d.backend()

	var ids []arm.ClusterID
	var creates []*harness.Reply
	for round := range 3 {
		shot := d.shootAfterAStep()
		for i := range 3 {
			ids = append(ids, clusterID("kills", fmt.Sprintf("c-%d-%d", round, i)))
			creates = append(creates, site.create(ids[len(ids)-1]))
		}
		d.replace(shot)
	}
	for i, id := range ids {
		site.settles(id)
		site.ended(creates[i])
	}
	shot := d.shootAfterAStep()
	var deletes []*harness.Reply
	for _, id := range ids[3:] {
		deletes = append(deletes, site.want(http.StatusAccepted, http.MethodDelete, id.String(), nil))
	}
	d.replace(shot)
	for i, id := range ids[3:] {
		site.gone(id)
		site.ended(deletes[i])
	}
	for _, id := range ids[:3] {
		site.settles(id)
	}
	d.doneOnce(len(ids))
	d.exist(ids[:3]...)
}

// shootAfterAStep kills the next backend that finishes a step, and returns it.
func (d *deployment) shootAfterAStep() <-chan *harness.Process {
	shot := make(chan *harness.Process, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onDone = func(p *harness.Process) {
		select {
		case shot <- p:
			p.Shoot()
		default: // one is enough
		}
	}
	return shot
}

// replace waits until the backend is dead and starts another.
func (d *deployment) replace(shot <-chan *harness.Process) {
	d.Helper()
	select {
	case p := <-shot:
		d.mu.Lock()
		d.onDone = nil
		d.mu.Unlock()
		<-p.Exited()
		d.backend()
	case <-d.ctx.Done():
		d.Fatal("no step was finished: nothing was killed")
	}
}

package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/model"
)

const often = 50 * time.Millisecond

func TestClustersAreLookedAtAgainAndAgain(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Registered)
	api := newStub(t, 0)
	for i := range 10 {
		create(t, s, fmt.Sprint("c", i), api.URL)
	}
	var clusters, own recorder
	start(t, Config{Store: s, Interval: often, Clusters: &clusters, Own: &own})
	eventually(t, "each is looked at thrice", func() bool {
		for i := range 10 {
			if clusters.count(fmt.Sprint("apiserver.healthz.code c", i)) < 3 {
				return false
			}
		}
		return true
	})
	create(t, s, "new", api.URL)
	eventually(t, "a new one is looked at", func() bool { return clusters.count("apiserver.healthz.code new") > 0 })
}

func TestASlowClusterDelaysNoOther(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Registered)
	slow, well := newStub(t, time.Hour), newStub(t, 0)
	for i := range 5 {
		create(t, s, fmt.Sprint("slow", i), slow.URL)
	}
	create(t, s, "well", well.URL)
	var own recorder
	start(t, Config{Store: s, Interval: often, Budget: 500 * time.Millisecond, Grace: time.Hour, Own: &own})
	eventually(t, "the slow ones hang", func() bool { return slow.count() >= 5 })
	before := well.count()
	eventually(t, "the time of a slow one is over", func() bool { return own.count("monitor.main.timedout slow0") > 0 })
	if n := well.count() - before; n < 3 {
		t.Errorf("meanwhile the other was looked at %d times", n)
	}
}

func TestAClusterThatDoesNotAnswerIsAskedLessOften(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Registered)
	create(t, s, "dead", "http://127.0.0.1:1")
	well := newStub(t, 0)
	create(t, s, "well", well.URL)
	var clusters recorder
	start(t, Config{Store: s, Interval: often, Clusters: &clusters})
	eventually(t, "the other is looked at 40 times", func() bool { return well.count() >= 40 })
	if n := clusters.count("apiserver.healthz.code dead"); n < 2 || n > 12 {
		t.Errorf("the dead one is asked %d times", n)
	}
}

func TestWhatIsNotLookedAt(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Suspended)
	api := newStub(t, 0)
	doc := create(t, s, "a", api.URL)
	var clusters recorder
	m, _ := start(t, Config{Store: s, Interval: often, Clusters: &clusters})
	eventually(t, "it is known", func() bool { n, _, _ := m.fleet.size(); return n == 1 })
	eventually(t, "the subscription was told", func() bool {
		m.fleet.mu.Lock()
		defer m.fleet.mu.Unlock()
		return len(m.fleet.skipped) == 1
	})
	if api.count() != 0 {
		t.Error("the cluster of a suspended subscription is looked at")
	}
	register(t, s, model.Registered)
	eventually(t, "it is looked at", func() bool { return api.count() > 0 })
	// An engineer removes the document without an operation.
	check(t, s.Clusters.Delete(t.Context(), must(t, s.Clusters.Get, doc.Partition, doc.ID)))
	api.Close()
	eventually(t, "it is forgotten", func() bool { n, _, _ := m.fleet.size(); return n == 0 })
}

func TestTwoProcessesShareClusters(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Registered)
	api := newStub(t, 0)
	for i := range 40 {
		create(t, s, fmt.Sprint("c", i), api.URL)
	}
	var first, second recorder
	a, _ := start(t, Config{Store: s, Interval: often, Clusters: &first, Lease: time.Second})
	b, stop := start(t, Config{Store: s, Interval: often, Clusters: &second, Lease: time.Second})
	share := func(m *Monitor) int { _, mine, _ := m.fleet.size(); return mine }
	eventually(t, "they share", func() bool { return share(a)+share(b) == 40 && share(a) > 8 && share(b) > 8 })
	eventually(t, "the second looks", func() bool {
		return second.count("apiserver.healthz.code c0")+first.count("apiserver.healthz.code c0") > 0
	})
	stop()
	eventually(t, "the first has all", func() bool { return share(a) == 40 })
	eventually(t, "it looks at all", func() bool {
		for i := range 40 {
			if first.count(fmt.Sprint("apiserver.healthz.code c", i)) == 0 {
				return false
			}
		}
		return true
	})
}

func TestAClusterThatCannotBeReachedIsCounted(t *testing.T) {
	s := newStore(t)
	register(t, s, model.Registered)
	create(t, s, "broken", "http://127.0.0.1:1", func(c *model.Cluster) { c.Internal.ServiceKubeconfig = "nonsense" })
	var own recorder
	registry := prometheus.NewRegistry()
	start(t, Config{Store: s, Interval: often, Own: &own, Metrics: registry})
	eventually(t, "a cluster that cannot be reached is told", func() bool { return own.count("monitor.cluster.failedworker broken") > 0 })
	families, err := registry.Gather()
	check(t, err)
	if len(families) != 4 {
		t.Errorf("%d metrics are counted", len(families))
	}
}

func TestHourly(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.TimeOnly, text)
		check(t, err)
		return v.AddDate(2026, 1, 1)
	}
	for _, c := range []struct {
		last, now time.Time
		want      bool
	}{
		{time.Time{}, at("10:00:00"), false}, {at("09:59:59"), at("10:00:00"), true}, {at("10:00:00"), at("10:59:59"), false}, {at("10:00:00"), at("11:00:00"), true},
	} {
		if got := hourly(c.last, c.now); got != c.want {
			t.Errorf("from %s to %s: %v", c.last, c.now, got)
		}
	}
}

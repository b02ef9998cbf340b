package collectors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const versionPath = "/apis/config.openshift.io/v1/clusterversions/version"

// well are the answers of a cluster with nothing to tell.
func well() answers {
	a := answers{
		"/healthz": `ok`, versionPath: `{"status":{"desired":{"version":"4.19.24"},"history":[{"state":"Completed","version":"4.19.24"}],"conditions":[` + conditionsJSON("Available=True", "Progressing=False") + `]}}`,
		operatorsPath: items(conditioned("dns", "Available=True")), poolsPath: items(`{"metadata":{"name":"master"},"status":{"machineCount":1}}`),
		machinesPath: items(masterMachine), nodesPath: items(`{"metadata":{"name":"m1","labels":{"node-role.kubernetes.io/master":""}}}`),
		programsPath: items(runs, asWorker(runs)), proxyPath: `{}`, "/apis/config.openshift.io/v1/networks/cluster": `{"status":{"clusterNetworkMTU":1400}}`,
	}
	for _, namespace := range watchedNamespaces {
		a["/api/v1/namespaces/"+namespace+"/pods"] = items()
	}
	return a
}

// unmanaged leaves out what is not in these answers: alerts are forwarded, and the cluster has a
// domain of its own.
func unmanaged(l *Look) { l.Cluster.Domain = "example.org" }

func TestAWholeLook(t *testing.T) {
	l, r, requests := look(t, well(), unmanaged)
	err := l.Run(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "emitPrometheusAlerts: ") || strings.Contains(err.Error(), "\nemit") {
		t.Errorf("it ends as %v", err)
	}
	want := []string{"apiserver.healthz.code 1 code=200", "arooperator.heartbeat 1 name=aro-operator-master", "arooperator.heartbeat 1 name=aro-operator-worker",
		"cluster.AuthenticationType 1 type=servicePrincipal", "cluster.maintenance.pucm 1 state=none",
		"cluster.versions 1 actualMinorVersion=4.19 actualVersion=4.19.24 availableRP=new desiredVersion=4.19.24 operatorVersion=v9 provisionedByResourceProviderVersion=old resourceProviderVersion=new",
		"clusterWideProxy.status 1 Message=Cluster Wide Proxy is not enabled status=false", "clusteroperator.count 1", "machine.count 1", "machineconfigpool.count 1",
		"monitor.cluster.collector.error 1 collector=emitPrometheusAlerts", "network.mtu 1 mtu=1400 network_type=",
		"node.count 0 role=infra", "node.count 0 role=worker", "node.count 1 role=master", "node.kubelet.version 1 kubeletVersion= nodeName=m1 role=master"}
	slices.Sort(want)
	if got := r.sorted("monitor.cluster.collector.duration"); !slices.Equal(got, want) {
		t.Errorf("emitted\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	seen := map[string]int{}
	for _, u := range requests() {
		seen[u.Path]++
		cached := u.Query().Get("resourceVersion") == "0"
		if !cached && u.Path != "/healthz" && !strings.HasSuffix(u.Path, "/portforward") {
			t.Errorf("%s is not asked of the cache", u)
		}
	}
	for path, n := range seen {
		if n > 1 {
			t.Errorf("%s is read %d times", path, n)
		}
	}
	if len(requests()) > 32 {
		t.Errorf("a look takes %d requests", len(requests()))
	}
}

func TestTheDimensionsOfAClusterAreAddedAndWin(t *testing.T) {
	l, _, _ := look(t, well())
	got := l.Cluster.dimensions()
	if got["resourceId"] != clusterID || got["subscriptionId"] != "00000000-0000-0000-0000-000000000001" || got["resourceGroup"] != "g" || got["resourceName"] != "c" || len(got) != 4 {
		t.Errorf("they are %v", got)
	}
}

func TestALookStopsWhereTheAPIServerIsNotWell(t *testing.T) {
	for name, c := range map[string]struct {
		answers     answers
		want        []string
		unreachable bool
	}{
		"it is not healthy": {answers{"/healthz": "500", "/healthz/ping": "ok"}, []string{"apiserver.healthz.code 1 code=500", "apiserver.healthz.ping.code 1 code=200", "monitor.cluster.collector.error 1 collector=emitAPIServerHealthzCode"}, false},
		"it is dead":        {nil, []string{"apiserver.healthz.code 1 code=0", "apiserver.healthz.ping.code 1 code=0", "monitor.cluster.collector.error 1 collector=emitAPIServerHealthzCode", "monitor.cluster.collector.error 1 collector=emitAPIServerPingCode"}, true},
		"it has no version": {answers{"/healthz": "ok"}, []string{"apiserver.healthz.code 1 code=200", "monitor.cluster.collector.error 1 collector=prefetchClusterVersion"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, r, _ := look(t, c.answers)
			if c.answers == nil {
				l.API.URL = "http://127.0.0.1:1"
			}
			err := l.Run(t.Context())
			if err == nil || errors.Is(err, ErrUnreachable) != c.unreachable {
				t.Errorf("it ends as %v", err)
			}
			if got := r.sorted("monitor.cluster.collector.duration"); !slices.Equal(got, c.want) {
				t.Errorf("emitted %q, want %q", got, c.want)
			}
		})
	}
}

func TestACollectorThatPanicsStopsNoOther(t *testing.T) {
	l, r, _ := look(t, nil)
	err := l.together(t.Context(), []Collector{
		{"panics", func(context.Context, *Look) error { panic("oh") }},
		{"fails", func(context.Context, *Look) error { return errors.New("failed") }},
		{"works", func(_ context.Context, l *Look) error { l.gauge("nsg.reconciliations", nil); return nil }},
	})
	if err == nil || !strings.Contains(err.Error(), "panics: panic: oh") || !strings.Contains(err.Error(), "fails: failed") {
		t.Errorf("it ends as %v", err)
	}
	want := []string{"monitor.cluster.collector.duration float collector=works", "monitor.cluster.collector.error 1 collector=fails", "monitor.cluster.collector.error 1 collector=panics", "nsg.reconciliations 1"}
	if got := r.sorted(); !slices.Equal(got, want) {
		t.Errorf("emitted %q, want %q", got, want)
	}
}

func TestCollectorsAreSkippedWhenTheTimeIsOver(t *testing.T) {
	l, r, _ := look(t, well())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := l.together(ctx, All()[:2])
	want := []string{"monitor.cluster.collector.skipped 1 collector=emitAroOperatorConditions", "monitor.cluster.collector.skipped 1 collector=emitAroOperatorHeartbeat"}
	if got := r.sorted(); !errors.Is(err, context.Canceled) || !slices.Equal(got, want) {
		t.Errorf("emitted %q, %v", got, err)
	}
}

func TestOnceAnHourMoreIsTold(t *testing.T) {
	l, r, _ := look(t, well(), unmanaged)
	l.Hourly = true
	_ = l.Run(t.Context())
	for _, want := range []string{"cluster.provisioning 1 failedProvisioningState= provisioningState=Succeeded",
		"cluster.summary 1 actualMinorVersion=4.19 actualVersion=4.19.24 createdAt=2026-11-29T12:00:00Z desiredVersion=4.19.24 masterCount=1 provisioningState=Succeeded workerCount=0"} {
		if !slices.Contains(r.sorted(), want) {
			t.Errorf("%s is not told", want)
		}
	}
}

func TestListsAreReadPageByPage(t *testing.T) {
	page := func(next, name string) string {
		return `{"metadata":{"continue":"` + next + `"},"items":[` + conditioned(name, "Ready=False") + `]}`
	}
	l, _, requests := look(t, answers{
		nodesPath + "?limit=50&resourceVersion=0": page("second", "a"),
		nodesPath + "?continue=second&limit=50":   page("third", "b"),
		nodesPath + "?continue=third&limit=50":    page("", "c"),
	})
	all, err := l.nodes()
	if err != nil || len(all) != 3 || all[2].Metadata.Name != "c" {
		t.Errorf("read %+v, %v", all, err)
	}
	if len(requests()) != 3 {
		t.Errorf("%d requests", len(requests()))
	}
	l, _, _ = look(t, answers{nodesPath: page("x", "a")})
	if _, err := l.nodes(); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("a list without an end ends as %v", err)
	}
}

func TestALookKeepsToItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	l, _, _ := look(t, well())
	<-ctx.Done()
	if err := l.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ends as %v", err)
	}
}

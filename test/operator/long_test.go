package operator

import (
	"bufio"
	flagpkg "flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator/flags"
)

// long makes the tests take their time, as make soak does.
var long = flagpkg.Bool("long", false, "watch a settled cluster for ten minutes, kill the operator after every single write, and run it in a cluster of 1,000 nodes")

const (
	manyNodes, manyPods = 1000, 20000
	manyMark            = "test.many"
	// changes are the nodes that begin to drain, one after the other.
	changes = 100
)

// TestLargeCluster runs the program in a cluster of 1,000 nodes and 20,000 pods, which are objects
// only.
func TestLargeCluster(t *testing.T) {
	if !*long {
		t.Skip("the long form, -args -long, makes 21,000 objects")
	}
	w := newFixture(t)
	m, _ := newResourceManager(t)
	w.furnished(m)
	w.many()
	s := settings(nil)
	for _, name := range []flags.Name{flags.AzureSubnets, flags.StorageAccounts, flags.Checker} { // there is no Azure
		s.Cluster.OperatorFlags[string(name)] = "false"
	}
	w.deployed(s)
	master := w.start(w.build(), "master")
	w.healthy("Node")
	w.says(configv1.OperatorAvailable, configv1.ConditionTrue, "AsExpected")
	before := reconciles(w, master.metrics)
	for i := range changes {
		w.drains(fmt.Sprintf("many-%04d", i*manyNodes/changes))
	}
	after := reconciles(w, master.metrics)
	count, quick := after["+Inf"]-before["+Inf"], after["0.05"]-before["0.05"]
	if count < changes || quick*100 < count*99 {
		t.Errorf("%d of %d reconciles of the nodes took less than 50 ms, want 99 of 100", quick, count)
	}
	size := resident(t, master.pid)
	if size > 250 {
		t.Errorf("it is resident with %d MiB, want 250", size)
	}
	t.Logf("%d of %d reconciles of the nodes took less than 50 ms, %d less than 25 ms, %d less than 10 ms; resident: %d MiB", quick, count,
		after["0.025"]-before["0.025"], after["0.01"]-before["0.01"], size)
}

// many makes the nodes and pods.
func (w *fixture) many() {
	w.Helper()
	w.namespace("many")
	began := time.Now()
	w.inParallel(manyNodes, func(i int) error {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("many-%04d", i), Labels: map[string]string{manyMark: "", "node-role.kubernetes.io/worker": ""}}}
		if err := w.Create(w.Context(), n.DeepCopy()); client.IgnoreAlreadyExists(err) != nil {
			return err
		}
		if err := w.Get(w.Context(), key(n), n); err != nil {
			return err
		}
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		return w.Status().Update(w.Context(), n)
	})
	w.inParallel(manyPods, func(i int) error {
		return w.Create(w.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "many", Name: fmt.Sprintf("many-%05d", i)},
			Spec: corev1.PodSpec{NodeName: fmt.Sprintf("many-%04d", i%manyNodes), Containers: []corev1.Container{{Name: "x", Image: "x"}}}})
	})
	w.Logf("%d nodes and %d pods were made in %s", manyNodes, manyPods, time.Since(began).Round(time.Second))
	w.Cleanup(func() {
		if err := w.DeleteAllOf(w.Context(), &corev1.Node{}, client.HasLabels{manyMark}); err != nil {
			w.Logf("delete the nodes: %v", err)
		}
	})
}

// inParallel does something n times.
func (w *fixture) inParallel(n int, do func(int) error) {
	w.Helper()
	var wg sync.WaitGroup
	const workers = 16
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < n; i += workers {
				// A server that is busy times out, perhaps after it has created the object.
				began, err := time.Now(), do(i)
				for client.IgnoreAlreadyExists(err) != nil && time.Since(began) < patience {
					err = do(i)
				}
				if client.IgnoreAlreadyExists(err) != nil {
					w.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if w.Failed() {
		w.FailNow()
	}
}

// drains begins to drain a node, and ends it once the operator has seen that.
func (w *fixture) drains(name string) {
	w.Helper()
	const mco, noted = "machineconfiguration.openshift.io/", "aro.openshift.io/drainStartTime"
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	annotate := func(desired string, unschedulable bool) {
		edit(w, n, func(n *corev1.Node) {
			for key, value := range map[string]string{"currentConfig": "a", "desiredConfig": desired, "state": "Working"} {
				metav1.SetMetaDataAnnotation(&n.ObjectMeta, mco+key, value)
			}
			n.Spec.Unschedulable = unschedulable
		})
	}
	annotate("b", true)
	becomes(w, n, "the drain is noted", func(n *corev1.Node) bool { return n.Annotations[noted] != "" })
	annotate("a", false)
	becomes(w, n, "the note is removed", func(n *corev1.Node) bool { return n.Annotations[noted] == "" })
}

// reconciles are the numbers of reconciles of the controller Node, by the most seconds that they took.
func reconciles(w *fixture, metrics string) map[string]int {
	w.Helper()
	answer, err := http.Get(metrics + "/metrics") //nolint:noctx // of a test, in this process
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	found := map[string]int{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		rest, is := strings.CutPrefix(lines.Text(), `controller_runtime_reconcile_time_seconds_bucket{controller="Node",le="`)
		if !is {
			continue
		}
		limit, number, _ := strings.Cut(rest, `"} `)
		if found[limit], err = strconv.Atoi(number); err != nil {
			w.Fatal(err)
		}
	}
	if len(found) == 0 {
		w.Fatal("there are no metrics of the controller Node")
	}
	return found
}

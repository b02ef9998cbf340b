package operator

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// killedAgainAndAgain starts the program with objects missing, and kills it each time after a longer
// time, without a chance to end well.
func (w *fixture) killedAgainAndAgain(binary string) {
	w.Helper()
	lives, longer := 6, 150*time.Millisecond
	if *long {
		lives, longer = 60, 20*time.Millisecond
	}
	for life := range lives {
		w.broken()
		_, command := w.launch(binary, "master")
		time.Sleep(time.Duration(life+1) * longer)
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

// ownedByController selects what the operator's controllers made.
var ownedByController = client.HasLabels{"aro.openshift.io/controller"}

// broken deletes objects that controllers made.
func (w *fixture) broken() {
	w.Helper()
	for kind, namespace := range map[client.Object]string{
		&rbacv1.ClusterRole{}: "", &rbacv1.ClusterRoleBinding{}: "", &appsv1.Deployment{}: "openshift-managed-upgrade-operator",
		&corev1.ConfigMap{}: "openshift-azure-logging", &corev1.ServiceAccount{}: "openshift-managed-upgrade-operator",
	} {
		if err := w.DeleteAllOf(w.Context(), kind, ownedByController, client.InNamespace(namespace)); err != nil {
			w.Fatal(err)
		}
	}
	w.gone(dockerConfig("openshift-config", "pull-secret", ""))
}

// mended waits until those objects are there.
func (w *fixture) mended() {
	w.Helper()
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name}
	}
	for _, o := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: meta("", "system:aro-sre")}, &rbacv1.ClusterRoleBinding{ObjectMeta: meta("", "system:aro-diagnostics")},
		&appsv1.Deployment{ObjectMeta: meta("openshift-managed-upgrade-operator", "managed-upgrade-operator")},
		&corev1.ConfigMap{ObjectMeta: meta("openshift-azure-logging", "otel-config")},
		&corev1.ServiceAccount{ObjectMeta: meta("openshift-managed-upgrade-operator", "managed-upgrade-operator")},
	} {
		becomes(w, o, o.GetName()+" is made again", func(o client.Object) bool { return o.GetDeletionTimestamp() == nil })
	}
}

// atRest holds a program that has nothing to do to its budgets for ten minutes.
func (w *fixture) atRest(p running) {
	w.Helper()
	const minutes = 10
	for last, began := -1, time.Now(); time.Since(began) < time.Minute; time.Sleep(5 * time.Second) { // a retry may be ahead
		_, now := sent(w, p.metrics)
		if now == last {
			break
		}
		last = now
	}
	readsBefore, writesBefore := sent(w, p.metrics)
	cpuBefore, most := processorTime(w.T, p.pid), 0
	for began := time.Now(); time.Since(began) < minutes*time.Minute; {
		time.Sleep(10 * time.Second)
		most = max(most, resident(w.T, p.pid))
	}
	reads, writes := sent(w, p.metrics)
	reads, writes = reads-readsBefore, writes-writesBefore
	cpu := processorTime(w.T, p.pid) - cpuBefore
	size := resident(w.T, p.pid)
	w.Logf("at rest for %d minutes: %d reads, %d writes, %s of processor time, resident: %d MiB, %d at most", minutes, reads, writes, cpu, size, most)
	if writes > 0 || cpu > minutes*time.Minute/100 || size >= 60 {
		w.Errorf("want no writes, less than 1 %% of a processor, less than 60 MiB")
	}
}

// sent are the requests that a program sent to the API server, by its own account. The answers to
// watches, which last for minutes, do not count.
func sent(w *fixture, metrics string) (reads, writes int) {
	w.Helper()
	answer, err := http.Get(metrics + "/metrics") //nolint:noctx // of a test, in this process
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		labels, is := strings.CutPrefix(lines.Text(), "rest_client_requests_total{")
		if !is {
			continue
		}
		labels, number, _ := strings.Cut(labels, "} ")
		n, err := strconv.Atoi(number)
		if err != nil {
			w.Fatal(err)
		}
		if strings.Contains(labels, `method="GET"`) {
			reads += n
		} else {
			writes += n
		}
	}
	return reads, writes
}

// processorTime returns what a process has used, 0 where the system does not report it.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	var ticks time.Duration
	for _, field := range fields[11:13] { // of the user and of the system
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	const perSecond = 100 // on Linux
	return ticks * time.Second / perSecond
}

package actions

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const patience = 30 * time.Second

// The namespaces of the tests, one of which is a customer's.
const (
	etcd, jobs, shop = "openshift-etcd", "openshift-azure-operator", "shop"
)

// cluster is the API server of all tests.
var cluster struct {
	kubeconfig []byte
	client.Client
}

// asPortal makes the test's program a process of the portal; see startPortal.
var asPortal = flag.Bool("serve-portal", false, "serve the portal that standard input configures, for the tests")

func TestMain(m *testing.M) {
	flag.Parse()
	if *asPortal {
		if err := servePortal(os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code, err := inCluster(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func inCluster(run func() int) (int, error) {
	kubeconfig, stop, err := harness.APIServer(filepath.Join("..", ".."))
	if err != nil {
		return 0, err
	}
	defer stop()
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return 0, err
	}
	cluster.kubeconfig = kubeconfig
	if cluster.Client, err = client.New(config, client.Options{}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, name := range []string{etcd, jobs, shop} {
		if err := cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return 0, err
		}
	}
	return run(), nil
}

// fixture is an admin API for one cluster.
type fixture struct {
	*edge.Fixture
	*testing.T
	path string
}

func newFixture(t *testing.T) *fixture {
	w := &fixture{edge.NewFixture(t), t, ""}
	id := edge.ClusterID("shop")
	w.path = "/admin" + id.String()
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Name = id.String(), id.Name
	doc.Cluster.Internal.PrivateEndpointIP, doc.Cluster.Internal.ServiceKubeconfig = "127.0.0.1", model.Secret(cluster.kubeconfig)
	if err := w.Store.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	return w
}

// create creates objects, and their status.
func (w *fixture) create(objects ...client.Object) {
	w.Helper()
	for _, object := range objects {
		with := object.DeepCopyObject().(client.Object)
		if err := cluster.Create(w.Context(), object); err != nil {
			w.Fatal(err)
		}
		w.Cleanup(func() { _ = cluster.Delete(context.Background(), object, client.GracePeriodSeconds(0)) })
		with.SetResourceVersion(object.GetResourceVersion())
		with.SetUID(object.GetUID())
		if err := cluster.Status().Update(w.Context(), with); err != nil {
			w.Fatal(err)
		}
	}
}

// node is one whose kubelet listens on a port.
func node(name string, port int) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}, {Type: corev1.NodeHostName, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(port)}}}}
}

// pod is one that runs on a node, or waits for one if that is empty.
func pod(namespace, name, node string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{NodeName: node, TerminationGracePeriodSeconds: new(int64), AutomountServiceAccountToken: new(bool),
			Containers: []corev1.Container{{Name: "etcdctl", Image: "registry.example.com/etcd"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning}}
}

// answer is a response, with its events if it is a stream.
type answer struct {
	status int
	text   string
	events []api.Event
}

// ask sends a request to the cluster's part of the admin API.
func (w *fixture) ask(method, path, body string) answer {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.HTTP.URL+w.path+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.HTTP.Client().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode}
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		w.Fatal(err)
	}
	a.text = text.String()
	if res.Header.Get("Content-Type") != "application/x-ndjson" {
		return a
	}
	for lines := bufio.NewScanner(&text); lines.Scan(); {
		var event api.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			w.Fatalf("%s: %v", lines.Text(), err)
		}
		a.events = append(a.events, event)
	}
	if len(a.events) == 0 || a.last().Outcome == nil {
		w.Fatalf("the stream has no end: %s", a.text)
	}
	return a
}

func (a answer) last() api.Event { return a.events[len(a.events)-1] }

// output is what a command wrote.
func (a answer) output() (stdout, stderr string) {
	for _, e := range a.events {
		if e.Stdout != nil {
			stdout += *e.Stdout
		}
		if e.Stderr != nil {
			stderr += *e.Stderr
		}
	}
	return stdout, stderr
}

// want fails unless the answer has the status, and its text these words.
func (a answer) want(t testing.TB, status int, words ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%d, want %d: %.1000s", a.status, status, a.text)
	}
	for _, word := range words {
		if !strings.Contains(a.text, word) {
			t.Errorf("%q is not in %.1000s", word, a.text)
		}
	}
}

// ended fails unless the stream ended with the outcome, and has these words.
func (a answer) ended(t testing.TB, outcome api.Outcome, words ...string) {
	t.Helper()
	a.want(t, http.StatusOK, words...)
	if len(a.events) == 0 || *a.last().Outcome != outcome {
		t.Errorf("it did not end as %s: %.1000s", outcome, a.text)
	}
}

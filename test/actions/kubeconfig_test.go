package actions

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/watch"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	exitcode "k8s.io/client-go/util/exec"

	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// clientOf is client-go with a kubeconfig, on connections of its own.
func clientOf(t *testing.T, kubeconfig []byte) (*kubernetes.Clientset, *rest.Config) {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	config.Dial = (&net.Dialer{}).DialContext // a transport of its own
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := kubernetes.NewForConfigAndClient(config, transport)
	if err != nil {
		t.Fatal(err)
	}
	return client, config
}

// kubectl runs the one of Kubernetes with a kubeconfig.
func kubectl(t *testing.T, kubeconfig []byte) func(stdin string, environment []string, args ...string) (stdout, stderr string) {
	t.Helper()
	binary, err := harness.Local(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(stdin string, environment []string, args ...string) (string, string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		command := exec.CommandContext(ctx, binary, append([]string{"kubectl", "--kubeconfig", file}, args...)...)
		command.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, environment...)
		var stdout, stderr bytes.Buffer
		command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &stdout, &stderr
		_ = command.Run() // what it says decides
		return stdout.String(), stderr.String()
	}
}

func TestKubectlWorksThroughThePortal(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	k := &kubelet{run: shell, logs: "a line\n"}
	w.create(node("portal-kubectl", k.serve(t)), pod(etcd, "kubectl-talks", "portal-kubectl", nil))
	p := startPortal(t)
	run := kubectl(t, p.login("ctl@example.com").kubeconfig("shop"))
	t.Cleanup(func() {
		_ = cluster.Delete(context.Background(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: etcd, Name: "applied"}})
	})
	for _, test := range []struct {
		stdin       string
		environment []string
		args        string
		want        string // of standard output, or of standard error after "!"
	}{
		{"", nil, "get pods -n openshift-etcd kubectl-talks -o name", "pod/kubectl-talks"},
		{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"openshift-etcd","name":"applied"},"data":{"key":"a"}}`, nil,
			"apply --server-side --field-manager ctl -f -", "configmap/applied serverside-applied"},
		{"", nil, "logs -n openshift-etcd kubectl-talks", "a line"},
		{"in\n", nil, "exec -i -n openshift-etcd kubectl-talks -- cat", "in"},
		{"in\n", []string{"KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false"}, "exec -i -n openshift-etcd kubectl-talks -- cat", "in"},
		{"", nil, "exec -n openshift-etcd kubectl-talks -- three", "!exit code 3"},
		{"", nil, "get pods --server " + p.origin + edge.ClusterID("other").String() + "/kubeconfig/proxy", "!(BadRequest)"},
	} {
		stdout, stderr := run(test.stdin, test.environment, strings.Fields(test.args)...)
		said, word := stdout, test.want
		if after, ok := strings.CutPrefix(word, "!"); ok {
			said, word = stderr, after
		}
		if !strings.Contains(said, word) {
			t.Errorf("kubectl %s: %q is not in it:\n%s%s", test.args, word, stdout, stderr)
		}
	}
	for _, subject := range []string{"get pods openshift-etcd/kubectl-talks", "patch configmaps openshift-etcd/applied", "get pods/log openshift-etcd/kubectl-talks",
		"get pods/exec openshift-etcd/kubectl-talks", "create pods/exec openshift-etcd/kubectl-talks"} {
		p.audited(subject, http.StatusOK, http.StatusCreated, http.StatusSwitchingProtocols)
	}
}

// audited fails unless a request is recorded with one of the statuses. That of a connection is
// recorded when it has ended.
func (p *portalProcess) audited(subject string, statuses ...int) {
	p.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, status := range statuses {
			if strings.Contains(p.logged(), fmt.Sprintf(`"subject":"%s","status":%d,`, subject, status)) {
				return
			}
		}
	}
	p.Errorf("the audit lacks %q with %v", subject, statuses)
}

func TestClientGoWorksThroughThePortal(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	k := &kubelet{run: shell, logs: "a line\n"}
	w.create(node("portal-client", k.serve(t)), pod(etcd, "client-talks", "portal-client", nil))
	p := startPortal(t)
	client, config := clientOf(t, p.login("go@example.com").kubeconfig("shop"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	notes := client.CoreV1().ConfigMaps(etcd)
	seen, err := notes.Watch(ctx, metav1.ListOptions{LabelSelector: "of=client-go"})
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Stop()
	for _, value := range []string{"a", "b"} {
		note := applycorev1.ConfigMap("client-go", etcd).WithLabels(map[string]string{"of": "client-go"}).WithData(map[string]string{"key": value})
		if _, err := notes.Apply(ctx, note, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := notes.List(ctx, metav1.ListOptions{LabelSelector: "of=client-go", Limit: 1})
	if err != nil || len(list.Items) != 1 || list.Items[0].Data["key"] != "b" {
		t.Errorf("the list is %v, %v", list, err)
	}
	if err := notes.Delete(ctx, "client-go", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		if event := <-seen.ResultChan(); event.Type != want {
			t.Errorf("the watch shows %s, want %s", event.Type, want)
		}
	}
	if text, err := client.CoreV1().Pods(etcd).GetLogs("client-talks", &corev1.PodLogOptions{}).DoRaw(ctx); string(text) != "a line\n" || err != nil {
		t.Errorf("the log is %q, %v", text, err)
	}
	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(etcd).Name("client-talks")
	executes(ctx, t, config, request.SubResource("exec").VersionedParams(&corev1.PodExecOptions{Command: []string{"cat"}, Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL())
	request = client.CoreV1().RESTClient().Post().Resource("pods").Namespace(etcd).Name("client-talks")
	forwards(t, config, request.SubResource("portforward").URL())
	seen.Stop()
	for _, subject := range []string{"patch configmaps openshift-etcd/client-go", "list configmaps openshift-etcd", "delete configmaps openshift-etcd/client-go",
		"get pods/log openshift-etcd/client-talks", "get pods/exec openshift-etcd/client-talks", "create pods/exec openshift-etcd/client-talks", "get pods/portforward openshift-etcd/client-talks",
		"create pods/portforward openshift-etcd/client-talks"} {
		p.audited(subject, http.StatusOK, http.StatusCreated, http.StatusSwitchingProtocols)
	}
	if !strings.Contains(p.logged(), `"principal":"go@example.com"`) {
		t.Error("the audit does not say who it was")
	}
}

// executes sends a line to a command by each protocol of exec and gets it back.
func executes(ctx context.Context, t *testing.T, config *rest.Config, to *url.URL) {
	t.Helper()
	overWebSocket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, to.String())
	if err != nil {
		t.Fatal(err)
	}
	overSPDY, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, to)
	if err != nil {
		t.Fatal(err)
	}
	for protocol, executor := range map[string]remotecommand.Executor{"WebSocket": overWebSocket, "SPDY": overSPDY} {
		var out, problems bytes.Buffer
		err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader("in\n"), Stdout: &out, Stderr: &problems})
		if err != nil || out.String() != "in\n" {
			t.Errorf("exec by %s: %v, %q, %q", protocol, err, out.String(), problems.String())
		}
	}
}

// forwards connects to a port of a pod by each protocol of port-forward.
func forwards(t *testing.T, config *rest.Config, to *url.URL) {
	t.Helper()
	overWebSocket, err := portforward.NewSPDYOverWebsocketDialer(to, config)
	if err != nil {
		t.Fatal(err)
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	overSPDY := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, to)
	for protocol, dialer := range map[string]httpstream.Dialer{"WebSocket": overWebSocket, "SPDY": overSPDY} {
		stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:4321"}, stop, ready, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- forwarder.ForwardPorts() }()
		select {
		case <-ready:
		case err := <-ended:
			t.Fatalf("port-forward by %s: %v", protocol, err)
		}
		ports, err := forwarder.GetPorts()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, "ping\n")
		lines := bufio.NewReader(conn)
		for _, want := range []string{"port 4321\n", "ping\n"} {
			if line, err := lines.ReadString('\n'); line != want || err != nil {
				t.Errorf("port-forward by %s: %q, %v, want %q", protocol, line, err, want)
			}
		}
		_ = conn.Close()
		close(stop)
		if err := <-ended; err != nil {
			t.Errorf("port-forward by %s ended: %v", protocol, err)
		}
	}
}

func TestARevokedKubeconfigWorksNoMore(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	k := &kubelet{run: shell, logs: "a line\n", endless: true}
	w.create(node("portal-revoked", k.serve(t)), pod(etcd, "revoked-talks", "portal-revoked", nil))
	p := startPortal(t)
	browser := p.login("revoked@example.com")
	client, config := clientOf(t, browser.kubeconfig("shop"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen, err := client.CoreV1().Pods(etcd).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log, err := client.CoreV1().Pods(etcd).GetLogs("revoked-talks", &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(etcd).Name("revoked-talks").SubResource("exec")
	shell, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, request.VersionedParams(&corev1.PodExecOptions{Command: []string{"cat"}, Stdin: true, Stdout: true}, scheme.ParameterCodec).URL().String())
	if err != nil {
		t.Fatal(err)
	}
	typed, keys := io.Pipe()
	shown, screen := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- shell.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: typed, Stdout: screen})
	}()
	_, _ = io.WriteString(keys, "typed\n")
	if line, err := bufio.NewReader(shown).ReadString('\n'); line != "typed\n" || err != nil {
		t.Fatalf("the shell shows %q, %v", line, err)
	}
	began := time.Now()
	browser.revoke("shop")
	for range seen.ResultChan() { // until it ends
	}
	// Both have to end as what broke off, and not as if they were complete.
	n, err := io.Copy(io.Discard, log)
	if err == nil {
		t.Errorf("the log of %d bytes ended as if it were complete", n)
	}
	if err := <-ended; err == nil || errors.As(err, new(exitcode.CodeExitError)) {
		t.Errorf("the shell ended by itself: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second { // far less on an idle machine
		t.Errorf("what was open ended after %s", took)
	}
	_, err = client.CoreV1().Pods(etcd).List(ctx, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a request afterwards: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("it took too long")
	}
	p.audited("watch pods openshift-etcd", http.StatusOK)
	p.audited("list pods openshift-etcd", http.StatusForbidden)
}

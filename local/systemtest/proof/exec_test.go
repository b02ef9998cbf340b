package proof

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
)

// executes does what kubectl exec, attach and oc rsh do, by WebSocket as they do now
// and by SPDY as they did before.
func (s *shop) executes(ctx context.Context, t *testing.T, pod string) {
	t.Helper()
	script := []string{"sh", "-c", `cat; echo "$WORD"; echo problem >&2; exit 7`}
	for name, connect := range map[string]func(*url.URL) (remotecommand.Executor, error){
		"WebSocket": func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(s.config, http.MethodGet, u.String())
		},
		"SPDY": func(u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(s.config, http.MethodPost, u)
		},
	} {
		session, err := connect(s.session(pod, "exec", &corev1.PodExecOptions{Command: script, Stdin: true, Stdout: true, Stderr: true}))
		if err != nil {
			t.Fatal(err)
		}
		var out, problems bytes.Buffer
		err = session.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader("from outside\n"), Stdout: &out, Stderr: &problems})
		var ended exec.CodeExitError
		if !errors.As(err, &ended) || ended.Code != 7 || out.String() != "from outside\na secret\n" || problems.String() != "problem\n" {
			t.Errorf("%s: %v, %q, %q", name, err, out.String(), problems.String())
		}
		session, err = connect(s.session(pod, "exec", &corev1.PodExecOptions{Command: []string{"sh", "-c", `test -t 0 && test -t 1 && until [ "$(stty size)" = "30 90" ]; do sleep 0.1; done && echo sized`}, Stdout: true, TTY: true}))
		if err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if err := session.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Tty: true, TerminalSizeQueue: &size{}}); err != nil || strings.TrimSpace(out.String()) != "sized" {
			t.Errorf("%s with a terminal: %v, %q", name, err, out.String())
		}
		refused, err := connect(s.session("db-0", "exec", &corev1.PodExecOptions{Command: script, Stdout: true}))
		if err != nil {
			t.Fatal(err)
		}
		if err := refused.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out}); err == nil || !strings.Contains(err.Error(), "is simulated") {
			t.Errorf("%s: a command in a simulated container: %v", name, err)
		}
	}
}

func (s *shop) session(pod, kind string, options *corev1.PodExecOptions) *url.URL {
	return s.CoreV1().RESTClient().Post().Resource("pods").Namespace(shopNamespace).Name(pod).SubResource(kind).VersionedParams(options, scheme.ParameterCodec).URL()
}

// size is that of a terminal, once.
type size struct{ told bool }

// Next implements remotecommand.TerminalSizeQueue.
func (s *size) Next() *remotecommand.TerminalSize {
	if s.told {
		return nil
	}
	s.told = true
	return &remotecommand.TerminalSize{Width: 90, Height: 30}
}

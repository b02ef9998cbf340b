package pods

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/kubernetes/pkg/probe"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

const asContainer = "as-container"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asContainer {
		fmt.Fprintln(os.Stderr, container.Main(os.Stdin))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runningNode has a pod with a container that is a process, and one that is simulated.
func runningNode(t *testing.T) (*Node, *workload) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if shell, err = filepath.EvalSymlinks(shell); err != nil {
		t.Fatal(err)
	}
	w := &workload{dir: t.TempDir(), statuses: map[string]*corev1.ContainerStatus{}, pod: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "program", Image: "sample"}, {Name: "other", Image: "other"}}},
	}}
	log, err := openLog(filepath.Join(w.dir, "logs", "program"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := container.Command([]string{os.Args[0], asContainer}, container.Spec{
		Root: t.TempDir(), Program: shell, Args: []string{"-c", "while :; do echo tick; sleep 0.1; done"}, Env: []string{"PATH=/usr/bin:/bin", "WORD=secret"}, Hostname: "web",
	})
	if err != nil {
		t.Fatal(err)
	}
	program.Stdout = log.stream("stdout")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	w.statuses["program"] = &corev1.ContainerStatus{
		ContainerID: fmt.Sprintf("%s%d", processScheme, program.Process.Pid), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}
	store := cache.NewStore(cache.MetaNamespaceKeyFunc)
	if err := store.Add(w.pod); err != nil {
		t.Fatal(err)
	}
	n := &Node{Name: "node", Programs: Programs{"sample": shell}, pods: store, workloads: map[types.UID]*workload{"1": w}}
	w.node = n
	path := filepath.Join(w.dir, "logs", "program", logName)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) { // it is in its container once it writes
		if content, err := os.ReadFile(path); err == nil && bytes.Contains(content, []byte("tick")) {
			return n, w
		}
		if time.Now().After(deadline) {
			t.Fatal("the program does not begin")
		}
	}
}

func TestPeopleRunCommandsInPrograms(t *testing.T) {
	t.Parallel()
	n, w := runningNode(t)
	server := httptest.NewServer(n.Handler())
	t.Cleanup(server.Close)
	session := func(ctx context.Context, path string, options remotecommand.StreamOptions, arguments ...string) error {
		query := url.Values{"command": arguments}
		for name, asked := range map[string]bool{"input": options.Stdin != nil, "output": options.Stdout != nil, "error": options.Stderr != nil, "tty": options.Tty} {
			if asked {
				query.Set(name, "1")
			}
		}
		u, err := url.Parse(server.URL + path + "?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		executor, err := remotecommand.NewSPDYExecutor(&rest.Config{Host: server.URL}, "POST", u)
		if err != nil {
			t.Fatal(err)
		}
		return executor.StreamWithContext(ctx, options)
	}

	var out, problems bytes.Buffer
	err := session(t.Context(), "/exec/shop/web/program", remotecommand.StreamOptions{Stdin: strings.NewReader("given\n"), Stdout: &out, Stderr: &problems},
		"sh", "-c", `cat; echo $WORD; hostname; echo problem >&2; exit 7`)
	var ended utilexec.CodeExitError
	if !errors.As(err, &ended) || ended.Code != 7 || out.String() != "given\nsecret\nweb\n" || problems.String() != "problem\n" {
		t.Errorf("exec: %v, %q, %q", err, out.String(), problems.String())
	}
	out.Reset()
	if err := session(t.Context(), "/exec/shop/web/program", remotecommand.StreamOptions{Stdout: &out, Tty: true}, "sh", "-c", "test -t 1 && echo terminal"); err != nil || out.String() != "terminal\r\n" {
		t.Errorf("a terminal: %v, %q", err, out.String())
	}
	if err := session(t.Context(), "/exec/shop/web/program", remotecommand.StreamOptions{Stdout: &out}, "no-such-program"); !errors.As(err, &ended) || ended.Code != 127 {
		t.Errorf("a program that is missing: %v", err)
	}
	for path, want := range map[string]string{"/exec/shop/web/other": "is simulated", "/attach/shop/web/other": "is simulated", "/exec/shop/none/program": "is not on node"} {
		if err := session(t.Context(), path, remotecommand.StreamOptions{Stdout: &out}, "true"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	attached := &until{word: "tick", found: cancel}
	_ = session(ctx, "/attach/shop/web/program", remotecommand.StreamOptions{Stdout: attached})
	if !attached.done {
		t.Error("attach shows nothing of what the program writes")
	}

	for _, p := range []struct {
		script string
		want   probe.Result
		within time.Duration
	}{{"exit 0", probe.Success, time.Minute}, {"exit 1", probe.Failure, time.Minute}, {"sleep 60", probe.Failure, 100 * time.Millisecond}} {
		if result, output, err := w.byCommand(&w.pod.Spec.Containers[0], []string{"sh", "-c", p.script}, p.within); err != nil || result != p.want {
			t.Errorf("a probe by %q: %s, %q, %v", p.script, result, output, err)
		}
	}
}

// until is written to until a word comes.
type until struct {
	word  string
	found func()
	done  bool
}

// Write implements io.Writer.
func (u *until) Write(content []byte) (int, error) {
	if strings.Contains(string(content), u.word) {
		u.done = true
		u.found()
	}
	return len(content), nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend/controlplane"
)

// These tests are about processes that die, so they run the program for real: the
// test binary is aro-local when this variable says so, and stands for `aro` too.
const asProgram = "ARO_LOCAL_TEST_PROGRAM"

const id = "0b9ac0de-0000-4000-8000-000000000001"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asProgram) == "":
		os.Exit(m.Run())
	case len(os.Args) > 1 && os.Args[1] == "rp":
		provide(os.Args[1:])
	default:
		main()
	}
}

// provide stands for the resource provider: it is ready, and keeps what was
// registered in a file beside its database.
func provide(args []string) {
	flags := map[string]string{}
	for i := 1; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	database := strings.TrimPrefix(flags["--store"], "sqlite:")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /admin/clusters", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"value":[]}`)) })
	mux.HandleFunc("PUT /subscriptions/{id}", func(w http.ResponseWriter, r *http.Request) {
		file, err := os.OpenFile(database, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		defer file.Close()
		file.WriteString(r.PathValue("id") + "\n")
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: flags["--listen"], Handler: mux, ReadHeaderTimeout: time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		panic(err)
	}
}

// machine is a laptop on which aro-local runs, or not.
type machine struct {
	t      *testing.T
	data   string
	listen string
	seam   *controlplane.Client
	cmd    *exec.Cmd
	ended  chan struct{}
	output *bytes.Buffer // to be read after the end only
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	data, err := os.MkdirTemp("", "aro") // short: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	seam, err := controlplane.NewClient("unix:" + filepath.Join(data, "control-planes.sock"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, data: data, listen: listener.Addr().String(), seam: seam}
	t.Cleanup(func() {
		m.signal(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("output:\n%s", m.output)
			m.logTail(filepath.Join(data, "clusters", id, "log"))
		}
		os.RemoveAll(data)
	})
	return m
}

func (m *machine) logTail(path string) {
	content, _ := os.ReadFile(path)
	m.t.Logf("end of %s:\n%s", path, content[max(0, len(content)-4000):])
}

// command is the program with arguments.
func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "ARO_DATA="+m.data, "ARO_LISTEN="+m.listen, "ARO_RP="+os.Args[0])
	return cmd
}

// start starts aro-local and waits until it serves the seam.
func (m *machine) start() {
	m.t.Helper()
	m.cmd, m.output, m.ended = m.command(), new(bytes.Buffer), make(chan struct{})
	m.cmd.Stdout, m.cmd.Stderr = m.output, m.output
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		cmd.Wait()
	}(m.cmd, m.ended)
	m.within(20*time.Second, "the seam answers", func() bool {
		_, err := m.seam.Get(m.t.Context(), id)
		return err == nil || errors.Is(err, controlplane.ErrNotFound)
	})
}

// signal sends the signal to aro-local and waits for its end.
func (m *machine) signal(s syscall.Signal) {
	if m.cmd == nil {
		return
	}
	m.cmd.Process.Signal(s)
	select {
	case <-m.ended:
	case <-time.After(30 * time.Second):
		m.t.Errorf("aro-local does not end by %v", s)
		m.cmd.Process.Kill()
		<-m.ended
	}
	m.cmd = nil
}

func (m *machine) within(patience time.Duration, what string, condition func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// apply applies the spec with so many workers, and waits until that is so.
func (m *machine) apply(workers int) controlplane.Status {
	m.t.Helper()
	spec := controlplane.Spec{
		ID: id, Name: "one", InfraID: "one-abcde", Domain: "one.example.com", Version: "4.17.27", Location: "eastus",
		PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16",
		Masters: controlplane.Pool{Name: "master", VMSize: "Standard_D8s_v3", Count: 3},
		Workers: []controlplane.Pool{{Name: "worker", VMSize: "Standard_D4s_v3", Count: workers}},
	}
	if _, err := m.seam.Apply(m.t.Context(), spec); err != nil {
		m.t.Fatal(err)
	}
	return m.ready(3 + workers)
}

// ready waits until so many nodes are ready and nothing is waited for.
func (m *machine) ready(nodes int) controlplane.Status {
	m.t.Helper()
	var status controlplane.Status
	m.within(90*time.Second, strconv.Itoa(nodes)+" nodes are ready", func() bool {
		var err error
		status, err = m.seam.Get(m.t.Context(), id)
		return err == nil && status.APIServerReady && status.NodesReady == nodes && status.NodesWanted == nodes && status.Message == ""
	})
	return status
}

// kubectl runs our kubectl with a kubeconfig as a user would have got it.
func (m *machine) kubectl(kubeconfig []byte, args ...string) string {
	m.t.Helper()
	file := filepath.Join(m.data, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		m.t.Fatal(err)
	}
	out, err := m.command(append([]string{"kubectl", "--kubeconfig", file, "--request-timeout", "20s"}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// processes are the pids of all that aro-local started and wrote down.
func (m *machine) processes() map[string]int {
	m.t.Helper()
	pids := map[string]int{}
	files, _ := filepath.Glob(filepath.Join(m.data, "clusters", "*", "pid"))
	for _, file := range append(files, filepath.Join(m.data, "rp.pid")) {
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		number, _, _ := strings.Cut(string(content), " ")
		if pid, err := strconv.Atoi(number); err == nil {
			pids[file] = pid
		}
	}
	return pids
}

// runs tells whether there is such a process, other than one nobody waited for.
func runs(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func nodesOf(t *testing.T, output string) (roles map[string]int) {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct{ PodCIDR string }
		}
	}
	if err := json.Unmarshal([]byte(output), &list); err != nil {
		t.Fatal(err)
	}
	roles = map[string]int{}
	for _, node := range list.Items {
		for label := range node.Metadata.Labels {
			if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok {
				roles[role]++
			}
		}
		if strings.HasPrefix(node.Spec.PodCIDR, "10.12") {
			roles["with a network"]++
		}
	}
	return roles
}

func anyRuns(pids map[string]int) bool {
	for _, pid := range pids {
		if runs(pid) {
			return true
		}
	}
	return false
}

func listening(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

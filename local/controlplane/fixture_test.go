package controlplane_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ignition "github.com/coreos/ignition/v2/config/v3_2"
	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	operatorv1 "github.com/openshift/api/operator/v1"
	"github.com/vincent-petithory/dataurl"
	"k8s.io/apimachinery/pkg/runtime"
	kubernetesscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/local/controlplane"
)

// asCluster as first argument makes the test program a control plane: Kubernetes
// has process-wide state, so a cluster needs a process.
const asCluster = "as-cluster"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asCluster {
		os.Exit(runCluster(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func runCluster(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := controlplane.Cluster{Dir: args[0], Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if len(args) > 1 {
		c.Azure, c.AzureCAFile = args[1], args[2]
	}
	if err := c.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		return 1
	}
	return 0
}

// installed is what the installer made for one cluster.
type installed struct {
	BootstrapIgnition     json.RawMessage `json:"bootstrapIgnition"`
	AdminKubeconfig       string          `json:"adminKubeconfig"`
	KubeadminPassword     string          `json:"kubeadminPassword"`
	AdminKubeconfigSigner struct{ Cert, Key string }
	Error                 struct{ Message, Asset string }
}

// install runs the real installer on one of the contract's requests.
func install(t *testing.T, request string) installed {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "test", "contract", request))
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	document["fips"] = false // needs an installer on a host of that kind
	document["releaseImage"] = "quay.io/openshift-release-dev/ocp-release:4.19.24-x86_64"
	input, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "aro-installer"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the installer is not built; run installer/build.sh: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, program)
	command.Stdin = bytes.NewReader(input)
	answer, err := command.Output()
	var result installed
	if jsonErr := json.Unmarshal(answer, &result); err != nil || jsonErr != nil {
		t.Fatalf("installer: %v, %v: %s %s", err, jsonErr, result.Error.Asset, result.Error.Message)
	}
	return result
}

// boot writes the machine's disk as Ignition would.
func boot(t *testing.T, cluster installed) string {
	t.Helper()
	config, report, err := ignition.Parse(cluster.BootstrapIgnition)
	if err != nil || report.IsFatal() {
		t.Fatalf("the installer's Ignition: %v, %s", err, report.String())
	}
	dir := t.TempDir()
	for _, file := range config.Storage.Files {
		resources := file.Append
		if file.Contents.Source != nil {
			resources = append(resources, file.Contents)
		}
		var content []byte
		for _, resource := range resources {
			data, err := dataurl.DecodeString(*resource.Source)
			if err != nil {
				t.Fatalf("%s: %v", file.Path, err)
			}
			content = append(content, data.Data...)
		}
		write(t, filepath.Join(dir, "root", file.Path), content)
	}
	ports := map[string]int{"apiServer": freePort(t), "machineConfig": freePort(t)}
	content, err := json.Marshal(ports)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ports.json"), content)
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Ports of these clusters are below those that systems give to programs that ask for
// any, and below those of the control planes of aro-local.
const firstPort, portCount, portTries = 10000, 10000, 100

// freePort is one that stays free until the cluster listens: others who run these
// tests find the UDP port of the same number taken.
func freePort(t *testing.T) int {
	t.Helper()
	for range portTries {
		port := firstPort + rand.IntN(portCount)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		claim, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = claim.Close() })
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// process is a control plane that runs.
type process struct {
	dir     string
	command *exec.Cmd
	exited  chan error
	log     *bytes.Buffer
}

func start(t *testing.T, dir string, azure ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{dir: dir, exited: make(chan error, 1), log: &bytes.Buffer{}}
	p.command = exec.Command(self, append([]string{asCluster, dir}, azure...)...)
	p.command.Stderr, p.command.Stdout = p.log, p.log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.command.Wait() }()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		select {
		case <-p.exited:
		case <-time.After(patience):
		}
		if t.Failed() {
			t.Logf("the control plane's last words:\n%s", tail(p.log.String(), 40))
		}
	})
	return p
}

// stop demands that the process ends well, by itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		p.exited <- err
		if err != nil {
			t.Errorf("ended with %v", err)
		}
		t.Logf("ended after %.1f s", time.Since(began).Seconds())
	case <-time.After(patience):
		t.Fatal("does not stop")
	}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exited <- <-p.exited
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (p *process) port(t *testing.T, name string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, "ports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ports map[string]int
	if err := json.Unmarshal(content, &ports); err != nil {
		t.Fatal(err)
	}
	return ports[name]
}

// reach is a kubeconfig's way in, led to this machine: the name that the server
// must prove stays.
func (p *process) reach(t *testing.T, kubeconfig []byte) *rest.Config {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", p.port(t, "apiServer"))
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	config.QPS, config.Burst = 100, 200
	config.Timeout = time.Minute
	return config
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kubernetesscheme.AddToScheme, configv1.Install, operatorv1.Install, machinev1beta1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	// The first requests find out what the server knows: it must be up.
	var c client.Client
	eventually(t, patience, "the API server answers", func() error {
		var err error
		c, err = client.New(config, client.Options{Scheme: scheme})
		if err != nil {
			return err
		}
		return c.List(t.Context(), &configv1.ClusterVersionList{})
	})
	return c
}

// eventually fails the test if what should come true does not in time.
func eventually(t *testing.T, patience time.Duration, what string, check func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			t.Logf("%s after %.1f s", what, time.Since(began).Seconds())
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

package operator

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/aro-rp/aro/operator/controllers/dnsmasq"
	"github.com/aro-rp/aro/operator/nodefiles"
)

// TestTemplatesAreTheInstallers holds one set of templates in two modules.
func TestTemplatesAreTheInstallers(t *testing.T) {
	installers := filepath.Join("..", "..", "installer", "custom", "templates")
	for _, name := range []string{"dnsmasq.conf", "dnsmasq.service", "aro-dnsmasq-pre.sh", "aro.conf", "aro-etchosts-resolver.sh", "aro-etchosts-resolver.service"} {
		ours, err := os.ReadFile(filepath.Join("..", "..", "operator", "nodefiles", "templates", name))
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err := os.ReadFile(filepath.Join(installers, name)); err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s differs from the installer's: a cluster's first upgrade would change its nodes (%v)", name, err)
		}
	}
}

// TestNodesResolveTheNames extracts the file of a pool's MachineConfig, runs a real
// dnsmasq with it, and queries names of every kind.
func TestNodesResolveTheNames(t *testing.T) {
	server, upstream := nameServer(t, poolFile(t))
	for name, want := range map[string]string{
		"api.c.example.com.": "10.0.0.1", "api-int.c.example.com.": "10.0.0.1", "console.apps.c.example.com.": "10.0.0.2",
		"arosvc.azurecr.io.": "10.0.0.3", "management.azure.com.": "10.0.0.3",
	} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.Type(65)} {
			answer := ask(t, server, name, kind)
			if answer == nil {
				t.Errorf("%s %v is not answered", name, kind)
				continue
			}
			if kind == dnsmessage.TypeA {
				a, _ := firstAnswer(answer).(*dnsmessage.AResource)
				if a == nil || net.IP(a.A[:]).String() != want {
					t.Errorf("%s is %v, want %s", name, answer.Answers, want)
				}
			} else if len(answer.Answers) != 0 || answer.RCode != dnsmessage.RCodeSuccess {
				t.Errorf("%s %v is answered %v %v, want that there is none", name, kind, answer.RCode, answer.Answers)
			}
		}
	}
	if asked := upstream(); len(asked) > 0 {
		t.Errorf("the network's name server is asked for names of the cluster: %v", asked)
	}
}

// poolFile is the file of dnsmasq in the MachineConfig of a pool, whose cluster has a gateway.
func poolFile(t *testing.T) string {
	t.Helper()
	config, err := dnsmasq.Build("worker", nodefiles.Values{Domain: "c.example.com", APIServerInternalIP: "10.0.0.1", IngressIP: "10.0.0.2",
		GatewayDomains: []string{"arosvc.azurecr.io", "management.azure.com"}, GatewayPrivateEndpointIP: "10.0.0.3"}, true)
	if err != nil {
		t.Fatal(err)
	}
	return ignitionFiles(t, config.Spec.Config.Raw)["/etc/dnsmasq.conf"]
}

func firstAnswer(m *dnsmessage.Message) dnsmessage.ResourceBody {
	if len(m.Answers) == 0 {
		return nil
	}
	return m.Answers[0].Body
}

// nameServer runs dnsmasq with a node's file in front of a name server that never
// responds, and returns the names of its queries.
func nameServer(t *testing.T, config string) (address string, asked func() []string) {
	t.Helper()
	upstream, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var names []string
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, _, err := upstream.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) == nil && len(m.Questions) == 1 {
				mu.Lock()
				names = append(names, m.Questions[0].Name.String())
				mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() { _ = upstream.Close() })
	_, port, _ := net.SplitHostPort(upstream.LocalAddr().String())
	return runDnsmasq(t, config, port), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return names
	}
}

// runDnsmasq runs it with a node's file in front of the name servers at some ports.
func runDnsmasq(t *testing.T, config string, upstreams ...string) (address string) {
	t.Helper()
	program := dnsmasqProgram(t)
	address = freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	var lines strings.Builder
	for line := range strings.Lines(config) {
		switch setting, _, _ := strings.Cut(strings.TrimSpace(line), "="); setting {
		case "resolv-file":
			lines.WriteString("no-resolv\n")
			for _, upstream := range upstreams {
				lines.WriteString("server=127.0.0.1#" + upstream + "\n")
			}
		case "user", "group": // of nodes
		default:
			lines.WriteString(line)
		}
	}
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &lockedBuffer{}
	command := exec.Command(program, "--keep-in-foreground", "--conf-file="+file, "--port="+port, "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=", "--log-facility=-", "--user=", "--group=")
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for began := time.Now(); ask(t, address, "api.c.example.com.", dnsmessage.TypeA) == nil; {
		if time.Since(began) > patience {
			t.Fatalf("dnsmasq does not answer: %s", said.tail(1000))
		}
	}
	return address
}

// ask sends a query once; nil is no response.
func ask(t *testing.T, server, name string, kind dnsmessage.Type) *dnsmessage.Message {
	t.Helper()
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	text, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	connection, err := new(net.Dialer).DialContext(t.Context(), "udp4", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := connection.Write(text); err != nil {
		return nil
	}
	buffer := make([]byte, 4096)
	n, err := connection.Read(buffer)
	var answer dnsmessage.Message
	if err != nil || answer.Unpack(buffer[:n]) != nil {
		return nil
	}
	return &answer
}

// dnsmasqProgram finds the program, or installs it where Debian has it.
func dnsmasqProgram(t *testing.T) string {
	t.Helper()
	for attempt := range 2 {
		for _, path := range []string{"dnsmasq", "/usr/sbin/dnsmasq"} {
			if exec.Command(path, "--version").Run() == nil {
				return path
			}
		}
		if attempt == 0 && os.Getuid() == 0 {
			_ = exec.Command("apt-get", "-qq", "update").Run()
			_ = exec.Command("apt-get", "-qq", "install", "-y", "--no-install-recommends", "dnsmasq-base").Run()
		}
	}
	t.Fatal("there is no dnsmasq: install it, such as by 'sudo apt-get install dnsmasq-base'")
	return ""
}

package custom_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts run unchanged, but in a directory instead of the root, and with
// programs of the machines replaced by ones that record their calls.

// machine is that directory.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir()}
	for _, dir := range []string{"etc/hosts.d", "etc/NetworkManager/conf.d", "bin"} {
		if err := os.MkdirAll(filepath.Join(m.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.program("restorecon", "exit 0")
	m.program("nmcli", `echo "$*" >>`+m.root+`/reloads`)
	m.program("ip", `echo "$4 via 10.0.1.1 dev eth0 src 10.0.1.7 uid 0"; echo "    cache"`)
	return m
}

func (m *machine) program(name, does string) {
	m.write("bin/"+name, "#!/bin/bash\n"+does+"\n", 0o755)
}

func (m *machine) write(path, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, path), []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(path string) string {
	text, _ := os.ReadFile(filepath.Join(m.root, path))
	return string(text)
}

func (m *machine) run(script string, args ...string) (string, error) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join("templates", script))
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("script", strings.ReplaceAll(string(text), "/etc/", m.root+"/etc/"), 0o755)
	cmd := exec.CommandContext(m.t.Context(), "bash", append([]string{filepath.Join(m.root, "script")}, args...)...)
	cmd.Env = []string{"PATH=" + filepath.Join(m.root, "bin") + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestHostsGetOurEntriesOnce(t *testing.T) {
	m := newMachine(t)
	m.write("etc/hosts", "127.0.0.1 localhost\n10.9.9.9 old.example # openshift-aro-etchosts-resolver\n", 0o644)
	m.write("etc/hosts.d/aro.conf", "10.0.0.4\tapi.demo.x api-int.demo.x\n\n", 0o644)
	want := "127.0.0.1 localhost\n10.0.0.4\tapi.demo.x api-int.demo.x # openshift-aro-etchosts-resolver\n"
	for range 2 {
		if out, err := m.run("aro-etchosts-resolver.sh"); err != nil {
			t.Fatal(err, out)
		}
		if got := m.read("etc/hosts"); got != want {
			t.Fatalf("got %q", got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(m.root, "etc/hosts.*")); len(left) != 1 { // hosts.d
		t.Errorf("it left %v", left)
	}
}

func TestTheNameServerTakesOverAndGivesBack(t *testing.T) {
	m := newMachine(t)
	const before = "search int.example.net corp.example.net\nnameserver 168.63.129.16\n"
	m.write("etc/resolv.conf", before, 0o644)
	if out, err := m.run("aro-dnsmasq-pre.sh", "start"); err != nil {
		t.Fatal(err, out)
	}
	if got := m.read("etc/resolv.conf.dnsmasq"); got != before {
		t.Errorf("it asks %q", got)
	}
	want := "[global-dns]\nsearches=int.example.net,corp.example.net\n\n[global-dns-domain-*]\nservers=10.0.1.7\n"
	if got := m.read("etc/NetworkManager/conf.d/aro-dns.conf"); got != want {
		t.Errorf("NetworkManager got %q", got)
	}

	// Started again, the machine names itself: those before must not be forgotten.
	m.write("etc/resolv.conf", "nameserver 10.0.1.7\n", 0o644)
	if out, err := m.run("aro-dnsmasq-pre.sh", "start"); err != nil {
		t.Fatal(err, out)
	}
	if got := m.read("etc/resolv.conf.dnsmasq"); got != before {
		t.Errorf("after a restart it asks %q", got)
	}

	if out, err := m.run("aro-dnsmasq-pre.sh", "stop"); err != nil {
		t.Fatal(err, out)
	}
	if got := m.read("etc/NetworkManager/conf.d/aro-dns.conf"); got != "" {
		t.Errorf("stopped, it leaves %q", got)
	}
	if got := m.read("reloads"); got != strings.Repeat("general reload conf dns-rc\n", 3) {
		t.Errorf("NetworkManager was told %q", got)
	}
}

func TestTheNameServerNeedsARoute(t *testing.T) {
	m := newMachine(t)
	m.program("ip", "echo unreachable >&2; exit 2")
	m.write("etc/resolv.conf", "nameserver 168.63.129.16\n", 0o644)
	if out, err := m.run("aro-dnsmasq-pre.sh", "start"); err == nil {
		t.Errorf("it started: %s", out)
	}
	if m.read("etc/NetworkManager/conf.d/aro-dns.conf") != "" {
		t.Error("it took over")
	}
}

func TestTheNameServersScriptKnowsTwoWords(t *testing.T) {
	if out, err := newMachine(t).run("aro-dnsmasq-pre.sh", "reload"); err == nil || !strings.Contains(out, "usage") {
		t.Errorf("got %v, %s", err, out)
	}
}

func TestTheMTUIsForTheMachinesOwnInterface(t *testing.T) {
	m := newMachine(t)
	m.program("ip", `echo "$*" >>`+m.root+`/calls`)
	for _, args := range [][]string{{"eth0", "up"}, {"eth0", "down"}, {"eth1", "up"}, nil} {
		if out, err := m.run("30-eth0-mtu-3900", args...); err != nil {
			t.Fatal(err, out)
		}
	}
	if got := m.read("calls"); got != "link set dev eth0 mtu 3900\n" {
		t.Errorf("got %q", got)
	}
}

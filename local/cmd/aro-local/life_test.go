package main

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// TestLifeOfACluster is one story, because booting is what takes time: each part
// goes on with the cluster of the part before.
func TestLifeOfACluster(t *testing.T) {
	m := newMachine(t)
	m.start()
	status := m.apply(3)

	t.Run("kubectl sees ready nodes with roles and networks", func(t *testing.T) {
		table := m.kubectl(status.AdminKubeconfig, "get", "nodes", "--no-headers")
		if strings.Count(table, " Ready ") != 6 || strings.Contains(table, "NotReady") {
			t.Errorf("got\n%s", table)
		}
		m.within(20*time.Second, "every node has a pod network", func() bool {
			roles := nodesOf(t, m.kubectl(status.AdminKubeconfig, "get", "nodes", "-o", "json"))
			return roles["master"] == 3 && roles["control-plane"] == 3 && roles["worker"] == 3 && roles["with a network"] == 6
		})
	})
	t.Run("controllers work", func(t *testing.T) {
		m.kubectl(status.AdminKubeconfig, "create", "deployment", "web", "--image", "example.com/web")
		m.within(20*time.Second, "a replica set with a pod", func() bool {
			return strings.Contains(m.kubectl(status.AdminKubeconfig, "get", "pods", "-l", "app=web", "-o", "name"), "pod/web-")
		})
	})
	t.Run("workers follow the spec up and down", func(t *testing.T) {
		m.apply(5)
		m.apply(1)
	})
	t.Run("a second supervisor is told why it cannot start", func(t *testing.T) {
		out, err := m.command().CombinedOutput()
		if err == nil || !strings.Contains(string(out), "is held by process") {
			t.Errorf("got %v: %s", err, out)
		}
	})
	m.kubectl(status.AdminKubeconfig, "create", "configmap", "kept", "--from-literal=key=value")
	kept := func(t *testing.T) {
		t.Helper()
		after := m.ready(4)
		if string(after.AdminKubeconfig) != string(status.AdminKubeconfig) || after.KubeadminPassword != status.KubeadminPassword {
			t.Error("the credentials changed")
		}
		if got := m.kubectl(status.AdminKubeconfig, "get", "configmap", "kept", "-o", "jsonpath={.data.key}"); got != "value" {
			t.Errorf("the configmap holds %q", got)
		}
	}
	t.Run("a killed cluster comes back as it was", func(t *testing.T) {
		pid := m.processes()[filepath.Join(m.data, "clusters", id, "pid")]
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		m.within(10*time.Second, "another process", func() bool {
			now := m.processes()[filepath.Join(m.data, "clusters", id, "pid")]
			return now != 0 && now != pid
		})
		kept(t)
	})
	t.Run("a killed supervisor leaves no process, and the next goes on", func(t *testing.T) {
		before := m.processes()
		if len(before) != 2 {
			t.Fatalf("processes %v, want the provider's and the cluster's", before)
		}
		m.signal(syscall.SIGKILL)
		if runtime.GOOS == "linux" { // elsewhere the next start ends them
			m.within(10*time.Second, "the end of what it started", func() bool { return !anyRuns(before) })
		}
		m.start()
		kept(t)
		if anyRuns(before) {
			t.Errorf("of %v some still run", before)
		}
	})
	t.Run("a stopped supervisor has stopped everything", func(t *testing.T) {
		before := m.processes()
		m.signal(syscall.SIGTERM)
		if anyRuns(before) {
			t.Errorf("of %v some still run", before)
		}
		m.start()
		kept(t)
	})
	t.Run("the subscription was registered once", func(t *testing.T) {
		m.within(10*time.Second, "the registration", func() bool {
			content, _ := os.ReadFile(filepath.Join(m.data, "aro.db"))
			return string(content) == subscription+"\n"
		})
	})
	t.Run("a removed cluster leaves nothing", func(t *testing.T) {
		server, err := url.Parse(status.APIServerURL)
		if err != nil {
			t.Fatal(err)
		}
		pid := m.processes()[filepath.Join(m.data, "clusters", id, "pid")]
		m.within(30*time.Second, "removal", func() bool {
			gone, err := m.seam.Remove(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return gone
		})
		if entries, _ := os.ReadDir(filepath.Join(m.data, "clusters")); len(entries) != 0 {
			t.Errorf("files are left: %v", entries)
		}
		if runs(pid) {
			t.Errorf("process %d is left", pid)
		}
		if listening(server.Host) {
			t.Errorf("%s still answers", server.Host)
		}
	})
}

func TestMissingProviderIsNamed(t *testing.T) {
	m := newMachine(t)
	out, err := m.command("--rp", filepath.Join(m.data, "none")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "make build") {
		t.Errorf("got %v: %s", err, out)
	}
}

func TestEveryFlagHasAVariableThatEnvExampleDocuments(t *testing.T) {
	documented, err := os.ReadFile("../../../env.example")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&commands{}, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			if command.Hidden {
				continue
			}
			checked++
			if len(flag.Envs) != 1 || !strings.Contains(string(documented), "\n"+flag.Envs[0]+"=") {
				t.Errorf("--%s has the variables %v, want one that env.example documents", flag.Name, flag.Envs)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no flag was checked")
	}
}

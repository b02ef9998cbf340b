package hypervisor

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cluster boots a bootstrap machine, a master and a worker.
func cluster(t *testing.T) (s *site, bootstrap, master, worker VM) {
	t.Helper()
	s = newSite(t)
	bootstrap = s.bootstrapVM(t, "")
	master, worker = s.nodeVM(t, "demo-x-master-0", "master"), s.nodeVM(t, "demo-x-worker-a", "worker")
	worker.Zone = ""
	// The nodes come first: they must wait for their machine config server.
	s.start(t, worker, false)
	s.start(t, master, true)
	s.consoleSays(t, worker, "attempt #1")
	s.start(t, bootstrap, true)
	if !happens(func() bool { return s.ready(t) == 2 }) {
		t.Fatalf("no two ready nodes:\n%s\n%s\n%s", s.console(bootstrap), s.console(master), s.console(worker))
	}
	return s, bootstrap, master, worker
}

func controlPlanes(t *testing.T, s *site) int {
	t.Helper()
	return len(must(os.ReadDir(s.host.controlPlanesDir()))(t))
}

func TestMachinesBecomeAClusterAndItsNodes(t *testing.T) {
	s, bootstrap, master, worker := cluster(t)
	node := must(s.admin(t).CoreV1().Nodes().Get(t.Context(), master.Name, metav1.GetOptions{}))(t)
	for label, want := range map[string]string{
		"node-role.kubernetes.io/master": "", "topology.kubernetes.io/zone": "eastus-1", "node.kubernetes.io/instance-type": "Standard_D8s_v5",
	} {
		if got, ok := node.Labels[label]; !ok || got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	if want := "azure:///subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/aro-demo/providers/Microsoft.Compute/virtualMachines/demo-x-master-0"; node.Spec.ProviderID != want {
		t.Errorf("provider id %s, want %s", node.Spec.ProviderID, want)
	}
	if cores := node.Status.Capacity.Cpu().Value(); cores != 8 || node.Status.NodeInfo.KubeletVersion != "v1.32.1" {
		t.Errorf("%d cores, kubelet %s", cores, node.Status.NodeInfo.KubeletVersion)
	}
	node = must(s.admin(t).CoreV1().Nodes().Get(t.Context(), worker.Name, metav1.GetOptions{}))(t)
	if _, ok := node.Labels["node-role.kubernetes.io/worker"]; !ok || node.Labels["topology.kubernetes.io/zone"] != "0" || len(node.Spec.Taints) != 0 {
		t.Errorf("worker has labels %v and taints %v", node.Labels, node.Spec.Taints)
	}
	must(s.admin(t).CoordinationV1().Leases("kube-node-lease").Get(t.Context(), worker.Name, metav1.GetOptions{}))(t)
	s.consoleSays(t, bootstrap, "API server listens")
	s.consoleSays(t, bootstrap, "machine config server listens")
	if console := s.console(bootstrap); strings.Contains(console, "sig=") {
		t.Errorf("the console shows the signature:\n%s", console)
	}
}

func TestControlPlaneLivesAsLongAsItsMembers(t *testing.T) {
	s, bootstrap, master, _ := cluster(t)
	remove := func(vm VM) {
		if err := s.host.Remove(t.Context(), vm.ID); err != nil {
			t.Fatal(err)
		}
	}
	remove(bootstrap)
	if got := s.ready(t); got != 2 {
		t.Fatalf("%d nodes ready after the bootstrap machine went, want 2", got)
	}
	if err := s.host.Stop(t.Context(), master.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no API server", func() bool { return s.ready(t) == -1 })
	if power, _ := s.host.State(master.ID); power != Stopped {
		t.Errorf("power is %q", power)
	}
	s.start(t, master, false)
	eventually(t, "the nodes again", func() bool { return s.ready(t) == 2 })
	if strings.Count(s.console(master), "machine is a master") != 1 {
		t.Errorf("the second boot was not from disk:\n%s", s.console(master))
	}
	if controlPlanes(t, s) != 1 {
		t.Errorf("%d homes, want 1", controlPlanes(t, s))
	}
	remove(master)
	eventually(t, "no home", func() bool { return controlPlanes(t, s) == 0 })
	if power, log := s.host.State(master.ID); power != "" || log != nil {
		t.Errorf("a removed machine has power %q", power)
	}
}

func TestMachineCanBeRemovedWhileTheHostStops(t *testing.T) {
	s, bootstrap, master, worker := cluster(t)
	s.close()
	for _, vm := range []VM{bootstrap, master, worker} {
		if err := s.host.Remove(t.Context(), vm.ID); err != nil {
			t.Error(err)
		}
	}
	if err := s.host.Start(t.Context(), worker); err == nil {
		t.Error("a host that stopped starts a machine")
	}
	s.open(t)
	for _, dir := range []string{s.host.machinesDir(), s.host.controlPlanesDir()} {
		if entries := must(os.ReadDir(dir))(t); len(entries) != 0 {
			t.Errorf("left in %s: %v", dir, entries)
		}
	}
}

func TestStoppedNodeIsNotReady(t *testing.T) {
	s, _, _, worker := cluster(t)
	if err := s.host.Stop(t.Context(), worker.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one node less", func() bool { return s.ready(t) == 1 })
	boot := func() string {
		return must(s.admin(t).CoreV1().Nodes().Get(t.Context(), worker.Name, metav1.GetOptions{}))(t).Status.NodeInfo.BootID
	}
	before := boot()
	s.start(t, worker, false)
	eventually(t, "both nodes", func() bool { return s.ready(t) == 2 })
	if before == "" || boot() == before {
		t.Errorf("the boot %q is the same after a restart", before)
	}
}

func TestHostResumesWhatRan(t *testing.T) {
	s, _, master, worker := cluster(t)
	if err := s.host.Stop(t.Context(), worker.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one node less", func() bool { return s.ready(t) == 1 })
	s.close()
	s.open(t)
	eventually(t, "the nodes that ran", func() bool { return s.ready(t) == 1 })
	if power, _ := s.host.State(worker.ID); power != Stopped {
		t.Errorf("the stopped machine has power %q", power)
	}
	if power, _ := s.host.State(master.ID); power != Running {
		t.Errorf("the running machine has power %q", power)
	}
}

func TestControlPlaneThatIsKilledComesBack(t *testing.T) {
	s, bootstrap, _, _ := cluster(t)
	s.host.mu.Lock()
	process := s.host.controlPlanes[controlPlaneName(bootstrap)].process
	s.host.mu.Unlock()
	process.Kill()
	eventually(t, "the end", func() bool { return process.Exit() != nil })
	eventually(t, "the nodes again", func() bool { return s.ready(t) == 2 })
	s.consoleSays(t, bootstrap, "control plane: ended with signal: killed")
}

func TestKilledHostLeavesNothingBehind(t *testing.T) {
	s, bootstrap, _, _ := cluster(t)
	controlPlane := filepath.Join(s.host.controlPlanesDir(), controlPlaneName(bootstrap))
	s.close()
	child := exec.Command(os.Args[0], asHost, s.dir)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pidFile := filepath.Join(controlPlane, "pid")
	eventually(t, "the child's control plane", func() bool { _, err := os.Stat(pidFile); return err == nil })
	var p ports
	if err := readJSON(filepath.Join(controlPlane, portsFile), &p); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its API server", func() bool { return !free(p.APIServer) })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	s.open(t)
	eventually(t, "the nodes again", func() bool { return s.ready(t) == 2 })
	s.close()
	if _, err := os.Stat(pidFile); err == nil {
		t.Error("a process is left")
	}
}

func TestNodeThatWasDeletedComesBackOnlyWithARestart(t *testing.T) {
	s, _, _, worker := cluster(t)
	s.host.mu.Lock()
	m := s.host.machines[key(worker.ID)]
	k := newKubelet(s.host, m, worker, m.disk)
	s.host.mu.Unlock()
	defer func() { k.close() }()
	if err := k.identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin := s.admin(t)
	for _, err := range []error{
		admin.CoreV1().Nodes().Delete(t.Context(), worker.Name, metav1.DeleteOptions{}),
		admin.CoordinationV1().Leases("kube-node-lease").Delete(t.Context(), worker.Name, metav1.DeleteOptions{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := k.beat(t.Context()); err == nil || !strings.Contains(err.Error(), "was deleted") || s.ready(t) != 1 {
		t.Errorf("%v, and %d nodes are ready, want 1", err, s.ready(t))
	}
	if err := s.host.Stop(t.Context(), worker.ID); err != nil {
		t.Fatal(err)
	}
	s.start(t, worker, false)
	eventually(t, "both nodes", func() bool { return s.ready(t) == 2 })
}

func TestNodeRenewsItsCertificateInTime(t *testing.T) {
	s, _, _, worker := cluster(t)
	if err := s.host.Stop(t.Context(), worker.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one node less", func() bool { return s.ready(t) == 1 })
	s.host.mu.Lock()
	file := s.host.machines[key(worker.ID)].identityFile()
	s.host.mu.Unlock()
	var was, is identity
	if err := readJSON(file, &was); err != nil {
		t.Fatal(err)
	}
	was.NotBefore = time.Now().Add(-9 * time.Hour)
	was.NotAfter = time.Now().Add(time.Hour)
	if err := writeJSON(file, was); err != nil {
		t.Fatal(err)
	}
	s.start(t, worker, false)
	eventually(t, "both nodes", func() bool { return s.ready(t) == 2 })
	if err := readJSON(file, &is); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(was.Certificate, is.Certificate) || is.old(time.Now()) || strings.Count(s.console(worker), "got a certificate") != 2 {
		t.Errorf("the certificate was not renewed:\n%s", s.console(worker))
	}
}

func TestMachineThatCannotBootSaysWhy(t *testing.T) {
	s := newSite(t)
	other := newAuthority(t, "another")
	tests := map[string]struct {
		vm   VM
		want string
	}{
		"no custom data":       {vm("a", nil), "no custom data"},
		"no JSON":              {vm("b", []byte("#!/bin/sh")), "ignition: parse"},
		"another version":      {vm("c", []byte(`{"ignition":{"version":"9.0.0"}}`)), "ignition: parse"},
		"nothing to do":        {vm("d", ignition(t, nil, nil)), "neither a bootstrap machine's nor a node's"},
		"a refused signature":  {s.bootstrapVMFrom(t, s.blobs.URL+"/?sig=expired"), "403 Forbidden"},
		"an endless chain":     {vm("e", endless(t)), "without end"},
		"a scheme of no use":   {vm("f", ignition(t, nil, map[string]any{"config": map[string]any{"replace": map[string]any{"source": "s3://bucket/key"}}})), "s3"},
		"closed port":          {s.nodeVM(t, "g", "master"), "connection refused"},
		"a damaged authority":  {vm("h", damaged(t)), "no certificate in it"},
		"an untrusted blob":    {vm("i", ignition(t, nil, map[string]any{"config": map[string]any{"replace": map[string]any{"source": untrusted(t, other)}}})), "unknown authority"},
		"what no hash matches": {vm("j", ignition(t, nil, map[string]any{"config": map[string]any{"replace": map[string]any{"source": "data:,nonsense", "verification": map[string]any{"hash": "sha256-" + strings.Repeat("0", 64)}}}})), "not what its hash says"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.start(t, test.vm, false)
			s.consoleSays(t, test.vm, test.want)
			if power, _ := s.host.State(test.vm.ID); power != Running {
				t.Errorf("power is %q, want %q", power, Running)
			}
			if strings.Contains(s.console(test.vm), "sig=") {
				t.Error("the console shows a signature")
			}
			if _, err := s.host.Dial(t.Context(), test.vm.ID, apiServerPort); err == nil {
				t.Error("a machine that did not boot answers")
			}
		})
	}
}

func TestControlPlaneWithoutACertificateDoesNotComeUp(t *testing.T) {
	s := newSite(t)
	bootstrap := s.bootstrapVM(t, "server.crt")
	s.start(t, bootstrap, true)
	s.consoleSays(t, bootstrap, "control plane: ended with exit status 1")
	s.consoleSays(t, bootstrap, "server.crt: no such file")
	if s.ready(t) != -1 {
		t.Error("an API server answers")
	}
}

func TestNodeTrustsOnlyItsClustersMachineConfigServer(t *testing.T) {
	s := newSite(t)
	s.start(t, s.bootstrapVM(t, ""), true)
	impostor := newAuthority(t, "impostor")
	node := vm("demo-x-master-0", s.pointer(t, "master", impostor))
	s.start(t, node, true)
	s.consoleSays(t, node, "unknown authority")
	// A machine that was created again with the right custom data boots.
	if err := s.host.Remove(t.Context(), node.ID); err != nil {
		t.Fatal(err)
	}
	s.start(t, s.nodeVM(t, "demo-x-master-0", "master"), true)
	eventually(t, "a node", func() bool { return s.ready(t) == 1 })
}

func TestFilesStayInTheHome(t *testing.T) {
	s := newSite(t)
	escape := vm("demo-x-bootstrap", ignition(t, map[string]any{
		"storage": map[string]any{"files": []file{newFile("/opt/openshift/../../../../escaped", []byte("x"))}},
		"systemd": map[string]any{"units": []any{map[string]any{"name": "bootkube.service", "contents": "x"}}},
	}, nil))
	s.start(t, escape, false)
	eventually(t, "a boot", func() bool { return strings.Count(s.console(escape), "\n") > 2 })
	for dir := s.dir; len(dir) > 1; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "escaped")); err == nil {
			t.Errorf("a file escaped to %s", dir)
		}
	}
}

func TestControlPlaneThatLostItsPortsGetsOthers(t *testing.T) {
	s, bootstrap, _, _ := cluster(t)
	s.close()
	if err := os.Remove(filepath.Join(s.host.controlPlanesDir(), controlPlaneName(bootstrap), portsFile)); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	eventually(t, "the nodes again", func() bool { return s.ready(t) == 2 })
}

func TestMemberOfALostControlPlaneSaysSo(t *testing.T) {
	s, bootstrap, master, _ := cluster(t)
	s.close()
	if err := os.RemoveAll(filepath.Join(s.host.controlPlanesDir(), controlPlaneName(bootstrap))); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	s.consoleSays(t, master, "does not exist any more")
}

func TestPortThatAnotherProgramTookIsChosenAgain(t *testing.T) {
	s, bootstrap, _, _ := cluster(t)
	s.close()
	var was, is ports
	file := filepath.Join(s.host.controlPlanesDir(), controlPlaneName(bootstrap), portsFile)
	if err := readJSON(file, &was); err != nil {
		t.Fatal(err)
	}
	taken := must(net.Listen("tcp", at(was.APIServer)))(t)
	defer func() { _ = taken.Close() }()
	go func() { // it has nothing to say
		for conn, err := taken.Accept(); err == nil; conn, err = taken.Accept() {
			_ = conn.Close()
		}
	}()
	s.open(t)
	eventually(t, "the nodes again", func() bool { return s.ready(t) == 2 })
	if err := readJSON(file, &is); err != nil || is.APIServer == was.APIServer {
		t.Errorf("port %d again (%v)", is.APIServer, err)
	}
}

func TestOpenDeletesWhatACrashLeft(t *testing.T) {
	s := newSite(t)
	s.close()
	for _, dir := range []string{
		filepath.Join(s.host.machinesDir(), "half-made"), filepath.Join(s.host.machinesDir(), removingPrefix+"x"),
		filepath.Join(s.host.controlPlanesDir(), "nobodys"), filepath.Join(s.host.controlPlanesDir(), removingPrefix+"y"),
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.open(t)
	for _, dir := range []string{s.host.machinesDir(), s.host.controlPlanesDir()} {
		if entries := must(os.ReadDir(dir))(t); len(entries) != 0 {
			t.Errorf("left in %s: %v", dir, entries)
		}
	}
}

// TestNothingIsLeftOfAMachineThatWritesUntilItIsOff has pods in mind, whose volumes are made
// and refreshed until the machine's run is over.
func TestNothingIsLeftOfAMachineThatWritesUntilItIsOff(t *testing.T) {
	s := newSite(t)
	late := vm("late", endless(t))
	s.start(t, late, false)
	s.host.mu.Lock()
	m := s.host.machines[key(late.ID)]
	off, last, done := m.powerOff, m.done, make(chan struct{})
	m.done = done
	m.powerOff = func() {
		off()
		go func() {
			defer close(done)
			<-last
			if err := os.MkdirAll(filepath.Join(m.dir, "pods", "one", "volumes"), 0o700); err != nil {
				t.Error(err)
			}
		}()
	}
	s.host.mu.Unlock()
	if err := s.host.Remove(t.Context(), late.ID); err != nil {
		t.Fatal(err)
	}
	<-done
	eventually(t, "no directory", func() bool { return len(must(os.ReadDir(s.host.machinesDir()))(t)) == 0 })
}

func TestConsoleForgetsTheOldest(t *testing.T) {
	log := &bootLog{path: filepath.Join(t.TempDir(), "boot.log")}
	for i := range 2000 {
		log.printf("%04d %s", i, strings.Repeat("x", 60))
	}
	content := string(log.read())
	if len(content) > maxBootLog || !strings.Contains(content, "1999 ") || strings.Contains(content, "0000 ") || content[0] != '2' {
		t.Errorf("%d bytes, begins with %q", len(content), content[:20])
	}
}

// endless is a configuration that nests itself deeper than a machine follows.
func endless(t *testing.T) []byte {
	t.Helper()
	config := ignition(t, nil, nil)
	for range maxDepth + 2 {
		config = ignition(t, nil, map[string]any{"config": map[string]any{"replace": newFile("", config).Contents}})
	}
	return config
}

func damaged(t *testing.T) []byte {
	t.Helper()
	return ignition(t, nil, map[string]any{"security": map[string]any{"tls": map[string]any{
		"certificateAuthorities": []any{map[string]any{"source": "data:,nonsense"}},
	}}})
}

package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// whole has every unit that a machine may have.
func whole() *Config {
	return &Config{
		Image: "registry.test/aro:v1", ClientID: "id", Port: 8443, AdminReaders: "readers\n", Portal: &Portal{Origin: "https://portal.test:444", ClientID: "application", Access: []string{"a", "b"}},
		Logs: Logs{Image: "registry.test/collector:1", Endpoint: "https://logs.test"}, Agent: Agent{Image: "registry.test/mdm:1", Arguments: []string{"-Input", "a b"}},
	}
}

// written are the files of a machine, by path, with an address in place of its own.
func written(t *testing.T) map[string]string {
	t.Helper()
	return writtenBy(t, whole())
}

func writtenBy(t *testing.T, c *Config) map[string]string {
	t.Helper()
	text, err := c.CloudInit()
	if err != nil {
		t.Fatal(err)
	}
	var document cloudConfig
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(string(text), address, "10.0.0.4")), &document); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range document.WriteFiles {
		files[f.Path] = f.Content
	}
	for _, args := range document.RunCmd { // what is started must be there
		unit := args[len(args)-1]
		if args[0] == "systemctl" && strings.HasPrefix(unit, "aro-") && files[units+"/"+unit] == "" {
			t.Errorf("%s is started and not written", unit)
		}
	}
	return files
}

func TestSystemdTakesEveryUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze on this machine")
	}
	root := t.TempDir()
	put := func(path, content string, mode os.FileMode) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for path, content := range written(t) {
		if name, ok := strings.CutPrefix(path, units+"/"); ok {
			put(path, content, 0o644)
			names = append(names, name)
		}
	}
	for _, program := range []string{programs + "/aro", healthCheck, "/usr/bin/podman"} {
		put(program, "#!/bin/sh\n", 0o755)
	}
	for _, target := range []string{"network-online.target", "multi-user.target", "sysinit.target", "basic.target", "shutdown.target", "timers.target", "time-set.target", "time-sync.target"} {
		put("/usr/lib/systemd/system/"+target, "[Unit]\nDescription=t\n", 0o644)
	}
	if len(names) != 3*3+2 {
		t.Errorf("a machine has the units %v", names)
	}
	command := exec.CommandContext(t.Context(), "systemd-analyze", append([]string{"verify", "--root=" + root, "--man=no"}, names...)...)
	output, err := command.CombinedOutput()
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, "aro-") {
			t.Errorf("%s", strings.TrimSpace(line))
		}
	}
	if err != nil && !t.Failed() {
		t.Errorf("%v: %s", err, output)
	}
	for _, service := range []string{"aro-rp", "aro-monitor", "aro-portal"} {
		output, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", "--root="+root, service+".service").CombinedOutput()
		if err != nil {
			t.Errorf("%s is more exposed than 2.0: %v\n%s", service, err, output)
		}
	}
}

func TestUnitsShareTheMemory(t *testing.T) {
	sum, files := 0, written(t)
	for path, content := range files {
		if !strings.HasPrefix(path, units) || strings.Contains(path, "health") {
			continue
		}
		found := regexp.MustCompile(`(?m)^MemoryMax=(\d+)%$`).FindStringSubmatch(content)
		if found == nil || !strings.Contains(content, "\nRestart=always\n") || !strings.Contains(content, "\nTasksMax=") {
			t.Errorf("%s has no limits, or is not restarted", path)
			continue
		}
		n, _ := strconv.Atoi(found[1])
		sum += n
	}
	for _, unit := range []string{collectorUnit, agentUnit} { // a container has a control group of its own otherwise
		if content := files[units+"/"+unit]; !strings.Contains(content, " --cgroups=split ") || !strings.Contains(content, "\nDelegate=yes\n") {
			t.Errorf("the limits of %s do not hold for its container:\n%s", unit, content)
		}
	}
	if sum < 80 || sum > 98 {
		t.Errorf("all units together may have %d %% of the memory", sum)
	}
}

// TestWhatContainersMountIsThere: podman makes no directory of the machine, and root without
// capabilities reads no file of another user that only its owner may read, as the audit is.
func TestWhatContainersMountIsThere(t *testing.T) {
	text, err := whole().CloudInit()
	if err != nil {
		t.Fatal(err)
	}
	var document cloudConfig
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{logs: true} // systemd makes the LogsDirectory of the service
	for _, f := range document.WriteFiles {
		there[f.Path] = true
	}
	for _, args := range document.RunCmd {
		if args[0] == "mkdir" {
			there[args[len(args)-1]] = true
		}
		unit, container := strings.CutSuffix(args[len(args)-1], ".service")
		if args[0] != "systemctl" || !container {
			continue
		}
		for _, mount := range regexp.MustCompile(`--volume=([^:]+):`).FindAllStringSubmatch(written(t)[units+"/"+unit+".service"], -1) {
			if !there[mount[1]] {
				t.Errorf("%s mounts %s, which nothing made before", unit, mount[1])
			}
		}
	}
	if unit := written(t)[units+"/"+collectorUnit]; !strings.Contains(unit, "--user=0 --cap-add=DAC_READ_SEARCH") {
		t.Errorf("the collector cannot read the audit:\n%s", unit)
	}
}

func TestEachListOfClientCertificatesIsAFileThatTheServiceReads(t *testing.T) {
	all := whole()
	all.ARMClients, all.AdminClients = "arm\n", "engineers\n"
	none := *all
	none.AdminReaders = ""
	for variable, want := range map[string]string{"ARO_ARM_CLIENTS": "arm\n", "ARO_ADMIN_CLIENTS": "engineers\n", "ARO_ADMIN_READERS": "readers\n"} {
		files := writtenBy(t, all)
		found := regexp.MustCompile(`(?m)^` + variable + `=(.+)$`).FindStringSubmatch(files[environment])
		if found == nil || files[found[1]] != want {
			t.Errorf("%s names %v, which has not the list", variable, found)
		}
	}
	if strings.Contains(writtenBy(t, &none)[environment], "ARO_ADMIN_READERS") {
		t.Error("without readers the service is told of a list of them, which no file has")
	}
}

// Package machine writes what a machine of the service's scale set starts with: the
// document of cloud-init, the systemd units of the service and of what collects its
// logs, and the files that they read.
//
// It knows no Azure but the instance metadata that every machine has, and nothing of how
// machines are deployed.
package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Where things are on a machine.
const (
	programs    = "/opt/aro/bin"
	settings    = "/etc/aro"
	units       = "/etc/systemd/system"
	installer   = "/usr/local/sbin/aro-install"
	logs        = "/var/log/aro"
	journal     = "/var/log/journal"
	sockets     = "/var/etw" // of the agent of metrics
	environment = settings + "/aro.env"
	collector   = settings + "/collector.yaml"
	healthCheck = "/usr/local/sbin/aro-health"
	readers     = settings + "/admin-readers.pem"
	// PortalPort is where the portal of a machine listens, SSHPort where its SSH server does, and
	// monitorPort where its monitor tells its health.
	PortalPort, SSHPort, monitorPort = 8444, 2222, 8081
)

// address is the machine's own, which cloud-init fills in from its metadata.
const address = "{{ ds.meta_data.imds.network.interface[0].ipv4.ipAddress[0].privateIpAddress }}"

// Config is what machines of one build have in common.
type Config struct {
	// Image of the service, REGISTRY/REPOSITORY:TAG. Its programs are in /usr/local/bin.
	Image string
	// ClientID is the machine's identity, which may pull the image.
	ClientID string
	// Port at which the service listens.
	Port int
	// Environment of the service beside what this package sets, ARO_… variables.
	Environment map[string]string
	// ARMClients, AdminClients and AdminReaders are the client certificates of callers, PEM;
	// without AdminReaders no caller has read access only.
	ARMClients, AdminClients, AdminReaders string
	// Authorities to trust beside the system's, PEM; empty for none.
	Authorities string
	// Portal is nil where no portal runs.
	Portal *Portal
	Logs   Logs
	Agent  Agent
}

// Portal says how people reach the portal, and who may.
type Portal struct {
	// Origin is its one address, SSHAddress that of its SSH server; ClientID the application as
	// which people log in.
	Origin, SSHAddress, ClientID string
	// Access and Elevated are groups.
	Access, Elevated []string
}

// Agent is the agent of Geneva (MDM), which takes metrics at the socket of this machine.
type Agent struct {
	// Image of it; empty for none. Arguments are its own.
	Image     string
	Arguments []string
}

// file of cloud-init's write_files.
type file struct {
	Path        string `json:"path"`
	Permissions string `json:"permissions"`
	Content     string `json:"content"`
}

type cloudConfig struct {
	Packages   []string   `json:"packages"`
	WriteFiles []file     `json:"write_files"`
	RunCmd     [][]string `json:"runcmd"`
}

// CloudInit is the document with which a machine starts. Commands are lists of arguments,
// so that no shell reads values.
func (c *Config) CloudInit() ([]byte, error) {
	document := cloudConfig{
		Packages: []string{"podman", "jq", "curl"},
		WriteFiles: []file{
			{environment, "0600", c.environment()},
			{settings + "/arm-clients.pem", "0644", c.ARMClients},
			{settings + "/admin-clients.pem", "0644", c.AdminClients},
			{installer, "0755", install},
			{healthCheck, "0755", health},
		},
		RunCmd: [][]string{
			{"systemctl", "disable", "--now", "sshd.service"},
			{"systemctl", "daemon-reload"},
			{installer, c.Image, programs, c.ClientID},
		},
	}
	for _, s := range c.services() {
		document.WriteFiles = append(document.WriteFiles, s.files(c.Image)...)
		document.RunCmd = append(document.RunCmd, []string{"systemctl", "enable", "--now", s.unit()}, []string{"systemctl", "enable", "--now", s.timer()})
	}
	if c.Authorities != "" {
		document.WriteFiles = append(document.WriteFiles, file{settings + "/authorities.pem", "0644", c.Authorities})
	}
	if c.AdminReaders != "" {
		document.WriteFiles = append(document.WriteFiles, file{readers, "0644", c.AdminReaders})
	}
	if c.Logs.Image != "" {
		pipeline, err := c.Logs.Collector()
		if err != nil {
			return nil, err
		}
		document.WriteFiles = append(document.WriteFiles, file{collector, "0644", string(pipeline)}, file{units + "/" + collectorUnit, "0644", collectorService(c.Logs.Image)})
		document.RunCmd = append(document.RunCmd, []string{"mkdir", "-p", journal}, []string{"journalctl", "--flush"}, []string{"systemctl", "enable", "--now", collectorUnit})
	}
	if c.Agent.Image != "" {
		document.WriteFiles = append(document.WriteFiles, file{units + "/" + agentUnit, "0644", agentService(c.Agent)})
		document.RunCmd = append(document.RunCmd, []string{"mkdir", "-p", sockets}, []string{"systemctl", "enable", "--now", agentUnit})
	}
	for _, f := range document.WriteFiles {
		if text := strings.ReplaceAll(f.Content, address, ""); strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#") {
			return nil, fmt.Errorf("%s has a mark of a template, such as {{, which cloud-init would replace", f.Path)
		}
	}
	text, err := yaml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("cloud-init: %w", err)
	}
	return append([]byte("## template: jinja\n#cloud-config\n"), text...), nil
}

// environment is the file of variables that all units of the service read.
func (c *Config) environment() string {
	all := map[string]string{
		"ARO_PRODUCTION": "true", "ARO_LISTEN": fmt.Sprintf("%s:%d", address, c.Port), "ARO_CLIENT_ID": c.ClientID,
		"ARO_ARM_CLIENTS": settings + "/arm-clients.pem", "ARO_ADMIN_CLIENTS": settings + "/admin-clients.pem", "ARO_AUDIT": logs + "/audit.jsonl",
		"ARO_MONITOR_LISTEN": fmt.Sprintf("%s:%d", address, monitorPort),
	}
	if c.Portal != nil {
		all["ARO_PORTAL_LISTEN"], all["ARO_PORTAL_ORIGIN"], all["ARO_PORTAL_CLIENT_ID"] = fmt.Sprintf("%s:%d", address, PortalPort), c.Portal.Origin, c.Portal.ClientID
		all["ARO_PORTAL_SSH_LISTEN"], all["ARO_PORTAL_SSH_ADDRESS"] = fmt.Sprintf("%s:%d", address, SSHPort), c.Portal.SSHAddress
		all["ARO_ADMIN_PORTAL_ORIGIN"], all["ARO_ADMIN_PORTAL_SSH_ADDRESS"] = c.Portal.Origin, c.Portal.SSHAddress
		all["ARO_PORTAL_ACCESS_GROUPS"], all["ARO_PORTAL_ELEVATED_GROUPS"] = strings.Join(c.Portal.Access, ","), strings.Join(c.Portal.Elevated, ",")
	}
	if c.AdminReaders != "" {
		all["ARO_ADMIN_READERS"] = readers
	}
	if c.Authorities != "" {
		all["ARO_CA_FILE"] = settings + "/authorities.pem"
	}
	maps.Copy(all, c.Environment)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", name, quoted(all[name]))
	}
	return b.String()
}

// quoted is a value as files of systemd have it.
func quoted(value string) string {
	if !strings.ContainsAny(value, " \t\n\"'\\#;$`") {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(value) + `"`
}

package machine

import (
	"fmt"
	"strings"
)

// The units beside those of the service.
const (
	collectorUnit = "aro-otel-collector.service"
	agentUnit     = "aro-mdm.service"
)

// unitOf is the unit of a command of aro.
func unitOf(command string) string { return "aro-" + command + ".service" }

// Stop is the command that ends the service on a machine, and returns when it has handed
// over. The resource provider is first: it takes longest.
func Stop() string {
	return strings.Join([]string{"systemctl stop", unitOf("rp"), unitOf("monitor"), unitOf("portal")}, " ")
}

// service is one process of the service on a machine.
type service struct {
	// command of aro, and what people call it.
	command, description string
	// memory is the share of the machine's that it may have, in percent, and stop the
	// seconds that it may take to end.
	memory, stop int
	// namespace of its metrics.
	namespace string
	// live is the URL that answers while it does.
	live string
}

// services are the processes of a machine. What they, the collector of logs and the agent
// of metrics may have of the memory leaves some for the system.
func (c *Config) services() []service {
	all := []service{
		{"rp", "Resource provider of managed OpenShift", 45, 3600, "RP", fmt.Sprintf("https://%s:%d", address, c.Port)},
		{"monitor", "Monitor of managed OpenShift", 30, 60, "BBM", fmt.Sprintf("http://%s:%d", address, monitorPort)},
	}
	if c.Portal != nil {
		all = append(all, service{"portal", "Portal of managed OpenShift", 8, 60, "Portal", fmt.Sprintf("https://%s:%d", address, PortalPort)})
	}
	return all
}

func (s service) unit() string  { return unitOf(s.command) }
func (s service) timer() string { return "aro-" + s.command + "-health.timer" }

// files are its units.
func (s service) files(image string) []file {
	return []file{
		{units + "/" + s.unit(), "0644", s.definition(image)},
		{units + "/aro-" + s.command + "-health.service", "0644", s.check()},
		{units + "/" + s.timer(), "0644", s.schedule()},
	}
}

// hardening restricts a service to files of its own, and the network.
const hardening = `NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
`

// definition is the unit that runs the service, as a user that exists only while a process
// of the service runs and has no shell. At a stop the resource provider says that it is not
// ready, finishes requests and hands its leases over; what is left then is killed.
func (s service) definition(image string) string {
	return fmt.Sprintf(`[Unit]
Description=%s, %s
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=%s/aro %s
Environment=ARO_MDM_NAMESPACE=%s
EnvironmentFile=%s
User=aro
DynamicUser=yes
StateDirectory=aro
LogsDirectory=aro
Restart=always
RestartSec=1
KillSignal=SIGTERM
TimeoutStopSec=%d
MemoryMax=%d%%
TasksMax=4096
LimitNOFILE=65536
%s
[Install]
WantedBy=multi-user.target
`, s.description, image, programs, s.command, s.namespace, environment, s.stop, s.memory, hardening)
}

// check is the unit that restarts the service if it does not answer. A machine that is not
// ready for long is Azure's to repair.
func (s service) check() string {
	return fmt.Sprintf(`[Unit]
Description=Restart of %[1]s if it does not answer

[Service]
Type=oneshot
ExecStart=%[2]s %[1]s %[3]s/healthz/live
`, s.unit(), healthCheck, s.live)
}

// schedule is the timer of that unit.
func (s service) schedule() string {
	return fmt.Sprintf(`[Unit]
Description=Health of %s

[Timer]
OnActiveSec=2min
OnUnitInactiveSec=30s

[Install]
WantedBy=timers.target
`, s.unit())
}

// health restarts a unit that has run for a while and does not answer three times. One that
// was stopped, or is being stopped, stays so.
const health = `#!/bin/bash
set -u
unit=$1 url=$2
for attempt in 1 2 3; do
  systemctl is-active --quiet "$unit" || exit 0
  since=$(date -d "$(systemctl show --property ActiveEnterTimestamp --value "$unit")" +%s)
  [ $(($(date +%s) - since)) -gt 120 ] || exit 0
  if curl --insecure --silent --fail --max-time 10 --output /dev/null "$url"; then exit 0; fi
  sleep 5
done
echo "$unit does not answer at $url and is restarted" >&2
systemctl try-restart "$unit"
`

// container is a unit that runs an image, as one container of the unit's name. Its file
// system is read-only, and it has no capabilities but those of its arguments. It stays in
// the unit's control group, where the limits of the unit hold for it.
func container(unit, description, memory string, podman ...string) string {
	name := strings.TrimSuffix(unit, ".service")
	return fmt.Sprintf(`[Unit]
Description=%s
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/podman run --rm --replace --name %[2]s --cgroups=split --read-only --cap-drop=all --network=host %[4]s
ExecStop=/usr/bin/podman stop --time 10 %[2]s
Restart=always
RestartSec=1
Delegate=yes
MemoryMax=%[3]s
TasksMax=512

[Install]
WantedBy=multi-user.target
`, description, name, memory, strings.Join(podman, " "))
}

// collectorService runs the collector of logs, which reads the journal and the audit. These
// belong to other users, so it is root with the one capability of reading them.
func collectorService(image string) string {
	return container(collectorUnit, "OpenTelemetry collector", "7%", "--user=0", "--cap-add=DAC_READ_SEARCH", "--env=HOST_IP="+address, "--volume="+collector+":"+collector+":ro",
		"--volume="+journal+":"+journal+":ro", "--volume="+logs+":"+logs+":ro", image, "--config="+collector)
}

// agentService runs the agent of metrics, which makes its socket where the processes of the
// service look for it.
func agentService(a Agent) string {
	arguments := make([]string, len(a.Arguments))
	for i, argument := range a.Arguments {
		arguments[i] = quoted(argument)
	}
	return container(agentUnit, "Agent of Geneva metrics", "8%", append([]string{"--volume=" + sockets + ":" + sockets, a.Image}, arguments...)...)
}

// install fetches the programs of an image. The machine's identity opens the registry: a
// token of Entra ID is exchanged for one of the registry. It may be repeated.
const install = `#!/bin/bash
set -euo pipefail
image=$1 destination=$2 identity=$3
registry=${image%%/*}

login() {
  local token refresh
  token=$(curl -sSf -H Metadata:true --get http://169.254.169.254/metadata/identity/oauth2/token \
    --data-urlencode api-version=2018-02-01 --data-urlencode "client_id=$identity" \
    --data-urlencode resource=https://containerregistry.azure.net | jq -r .access_token)
  refresh=$(curl -sSf "https://$registry/oauth2/exchange" --data-urlencode grant_type=access_token \
    --data-urlencode "service=$registry" --data-urlencode "access_token=$token" | jq -r .refresh_token)
  podman login "$registry" --username 00000000-0000-0000-0000-000000000000 --password-stdin <<<"$refresh"
}

fetch() {
  login && podman pull --quiet "$image" || return
  local container
  container=$(podman create "$image")
  mkdir -p "$destination"
  podman cp "$container:/usr/local/bin/." "$destination"
  podman rm "$container" >/dev/null
}

for attempt in $(seq 60); do
  if fetch; then exit 0; fi
  echo "attempt $attempt to fetch $image failed" >&2
  sleep 10
done
exit 1
`

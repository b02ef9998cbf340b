package machine

import "fmt"

// hardening leaves a service what it needs: files of its own, and the network.
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

// serviceUnit runs the resource provider as a user that exists only while it runs and has
// no shell. At a stop the service says that it is not ready, finishes requests and hands
// its leases over; what is left after an hour is killed.
func serviceUnit(image string) string {
	return fmt.Sprintf(`[Unit]
Description=Resource provider of managed OpenShift, %s
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=%s/aro rp
EnvironmentFile=%s
DynamicUser=yes
StateDirectory=aro
LogsDirectory=aro
Restart=always
RestartSec=1
KillSignal=SIGTERM
TimeoutStopSec=3600
MemoryMax=80%%
TasksMax=4096
LimitNOFILE=65536
%s
[Install]
WantedBy=multi-user.target
`, image, programs, environment, hardening)
}

// collectorService runs the collector of logs, which reads the journal and the audit.
func collectorService(image string) string {
	return fmt.Sprintf(`[Unit]
Description=OpenTelemetry collector
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/podman run --rm --replace --name aro-otel-collector --read-only --cap-drop=all --network=host --env=HOST_IP=%s --volume=%s:%s:ro --volume=/var/log/journal:/var/log/journal:ro --volume=%s:%s:ro %s --config=%s
ExecStop=/usr/bin/podman stop --time 10 aro-otel-collector
Restart=always
RestartSec=1
MemoryMax=12%%
TasksMax=512

[Install]
WantedBy=multi-user.target
`, address, collector, collector, logs, logs, image, collector)
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

#!/usr/bin/env bash
# Runs a command with a local Azure of its own, which is stopped and forgotten afterwards:
#
#   test/clients/with-local-azure.sh [--cloud] COMMAND [ARGUMENT...]
#
# With --cloud the service is deployed into it as into Azure (`make cloud`); without, it runs beside it (`make run`).
#
# The programs are those of bin/, or of ARO_CLIENTS_BIN. The command finds the local Azure by ARO_LOCAL_ORIGIN,
# ARO_LOCAL_CA, ARO_LOCAL_CLIENT_ID, ARO_LOCAL_CLIENT_SECRET, ARO_LOCAL_TENANT and ARO_LOCAL_SUBSCRIPTION, and its data
# by ARO_LOCAL_DATA.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${ARO_CLIENTS_BIN:-$root/bin}
: "${ARO_CLIENTS_AZURE:=localhost:28843}" "${ARO_CLIENTS_LISTEN:=127.0.0.1:28880}" "${ARO_CLIENTS_ADDRESSES:=88}"

ARO_LOCAL_DATA=$(mktemp -d "${TMPDIR:-/tmp}/aro-clients.XXXXXX")
log=$ARO_LOCAL_DATA.log
start=(run --listen "$ARO_CLIENTS_LISTEN")
within=120
answers() { curl -sf --cacert "$ARO_LOCAL_DATA/azure/ca.pem" "https://$ARO_CLIENTS_AZURE/metadata/endpoints?api-version=2022-09-01"; }
ready() { [ -f "$ARO_LOCAL_DATA/demo.json" ] && answers && curl -sf "http://$ARO_CLIENTS_LISTEN/healthz/ready"; }
if [ "${1:-}" = --cloud ]; then
  shift
  start=(cloud --emulator "$root/.cache/cosmos-emulator")
  within=600 # npm installs the emulator, once
  ready() { grep -F 'To create a cluster through it' "$log"; }
fi
# Clients see neither the monitor nor the programs of the operator, which take processor time in every cluster.
ARO_LOCAL_MONITOR=false ARO_LOCAL_OPERATOR=false "$bin/aro-local" "${start[@]}" --data "$ARO_LOCAL_DATA" --azure "$ARO_CLIENTS_AZURE" \
  --addresses "$ARO_CLIENTS_ADDRESSES" >"$log" 2>&1 &
pid=$!
stop() {
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  rm -rf "$ARO_LOCAL_DATA" "$log"
}
trap stop EXIT

until ready >/dev/null; do
  if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -gt "$within" ]; then
    cat "$log"
    exit 1
  fi
  sleep 0.2
done

member() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$ARO_LOCAL_DATA/demo.json" "$1"; }
ARO_LOCAL_ORIGIN=$(member origin) ARO_LOCAL_CA=$(member caFile) ARO_LOCAL_TENANT=$(member tenantId)
ARO_LOCAL_CLIENT_ID=$(member clientId) ARO_LOCAL_CLIENT_SECRET=$(member clientSecret) ARO_LOCAL_SUBSCRIPTION=$(member subscriptionId)
export ARO_LOCAL_DATA ARO_LOCAL_ORIGIN ARO_LOCAL_CA ARO_LOCAL_TENANT ARO_LOCAL_CLIENT_ID ARO_LOCAL_CLIENT_SECRET ARO_LOCAL_SUBSCRIPTION

"$@"

#!/usr/bin/env bash
# Proves the clients against the local Azure: az as it is published, az with our extension, the published Python SDK and
# our Python client. Arguments go to pytest, such as -k stock.
#
# ARO_LOCAL_ORIGIN, ARO_LOCAL_CA, ARO_LOCAL_CLIENT_ID, ARO_LOCAL_CLIENT_SECRET, ARO_LOCAL_TENANT and
# ARO_LOCAL_SUBSCRIPTION name a local Azure that runs. Without them one is started, and stopped afterwards, with the
# binaries in bin/. ARO_CLIENTS_FULL=1 lets every api-version of our client live a whole life instead of some.
set -euo pipefail
cd "$(dirname "$0")/../.."
test/clients/setup.sh
venv=$PWD/.cache/clients-venv

"$venv/az/bin/python" -m flake8 --config clients/az-aro/.flake8 clients/az-aro test/clients
"$venv/az/bin/python" -m pylint --rcfile clients/az-aro/pylintrc clients/az-aro/azext_aro clients/az-aro/setup.py
"$venv/az/bin/python" -m pytest -q -p no:cacheprovider clients/az-aro

if [ -z "${ARO_LOCAL_ORIGIN:-}" ]; then
  data=$(mktemp -d "${TMPDIR:-/tmp}/aro-clients.XXXXXX")
  : "${ARO_CLIENTS_AZURE:=localhost:28843}" "${ARO_CLIENTS_LISTEN:=127.0.0.1:28880}" "${ARO_CLIENTS_ADDRESSES:=88}"
  bin/aro-local run --data "$data" --azure "$ARO_CLIENTS_AZURE" --listen "$ARO_CLIENTS_LISTEN" \
    --addresses "$ARO_CLIENTS_ADDRESSES" >"$data.log" 2>&1 &
  pid=$!
  stop() {
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -rf "$data" "$data.log"
  }
  trap stop EXIT
  for _ in $(seq 120); do
    [ -f "$data/demo.json" ] && curl -sf --cacert "$data/azure/ca.pem" "https://$ARO_CLIENTS_AZURE/metadata/endpoints?api-version=2022-09-01" >/dev/null && break
    kill -0 "$pid" 2>/dev/null || { cat "$data.log"; exit 1; }
    sleep 1
  done
  member() { "$venv/az/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$data/demo.json" "$1"; }
  ARO_LOCAL_ORIGIN=$(member origin) ARO_LOCAL_CA=$(member caFile) ARO_LOCAL_TENANT=$(member tenantId)
  ARO_LOCAL_CLIENT_ID=$(member clientId) ARO_LOCAL_CLIENT_SECRET=$(member clientSecret) ARO_LOCAL_SUBSCRIPTION=$(member subscriptionId)
fi
export ARO_LOCAL_ORIGIN ARO_LOCAL_CA ARO_LOCAL_TENANT ARO_LOCAL_CLIENT_ID ARO_LOCAL_CLIENT_SECRET ARO_LOCAL_SUBSCRIPTION
export ARO_CLIENTS_VENV=$venv

failed=0
for part in az sdk; do
  "$venv/$part/bin/python" -m pytest -q -p no:cacheprovider --durations=0 --durations-min=5 "test/clients/$part" "$@" || {
    code=$?
    [ "$code" -eq 5 ] || failed=1 # 5: -k chose none of this part
  }
done
exit "$failed"

#!/usr/bin/env bash
# Lets az as it is published make, read, change and delete a cluster through the service as `aro deploy` rolls it out:
# instances behind a load balancer, on Cosmos DB (`make cloud`).
#
# ARO_LOCAL_* name a local Azure into which the service was deployed, see with-local-azure.sh; without them it starts one.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ARO_LOCAL_ORIGIN:-}" ] || exec test/clients/with-local-azure.sh --cloud test/clients/cloud.sh
test/clients/setup.sh
export ARO_CLIENTS_VENV=$PWD/.cache/clients-venv

"$ARO_CLIENTS_VENV/az/bin/python" -m pytest -q -p no:cacheprovider --durations 3 test/clients/az/test_stock.py

logs=("$ARO_LOCAL_DATA"/instances/*/aro-rp.service.log)
[ "${#logs[@]}" -ge 2 ] || { echo "there are ${#logs[@]} instances, of which one log each is kept"; exit 1; }
ended=$(cat "${logs[@]}" | grep -c '"msg":"operation ended"') || { echo "the instances have ended no operation"; exit 1; }
echo "az made, changed and deleted clusters by $ended operations of ${#logs[@]} instances, in ${SECONDS} s"

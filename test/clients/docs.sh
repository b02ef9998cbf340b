#!/usr/bin/env bash
# Does what docs/clients.md says, block by block, to the letter but for the places of what `make run` would keep.
#
# ARO_LOCAL_DATA names the data of a local Azure that runs, see with-local-azure.sh; without it, it starts one.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ARO_LOCAL_DATA:-}" ] || exec test/clients/with-local-azure.sh test/clients/docs.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/aro-clients-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
sed -n '/^```sh$/,/^```$/{/^```/d;p}' docs/clients.md >"$work/written"
place() {
  grep -qF "$1" "$work/written" || { echo "docs/clients.md does not name $1"; exit 1; }
  sed -i "s|$1|$2|g" "$work/written"
}
place .aro/demo.json "$ARO_LOCAL_DATA/demo.json"
place "\$PWD/.cache/clients-az" "$work/az"
place .cache/clients-az "$work/az"
place .cache/clients-go "$work/go"
place ../../clients/go "$PWD/clients/go"
place bin/aro-local "${ARO_CLIENTS_BIN:-bin}/aro-local"

if ! timeout 1200 bash -euv -o pipefail "$work/written" >"$work/printed" 2>&1; then
  cat "$work/printed"
  exit 1
fi
# By client: the extension's table and nodes, the stock module's table and credentials, Python, Go, REST.
for wanted in 'one .* Succeeded' ' Ready .*worker' 'two .* Succeeded' '"kubeadminPassword"' '^Succeeded$' "^\['three'\] 4\." "'team': 'three'" \
  '^[0-9]* bytes of kubeconfig$' '^Succeeded https://console' '^listed four$' '^version 4\.' '^team four$' '"status": *"Succeeded"' \
  '"team": *"five"'; do
  grep -qE "$wanted" "$work/printed" || { cat "$work/printed"; echo "docs/clients.md: nothing printed $wanted"; exit 1; }
done
echo "docs/clients.md: five ways work, in ${SECONDS} s"

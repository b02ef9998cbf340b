#!/usr/bin/env bash
# Proves the clients against the local Azure: az as it is published, az with our extension, the published Python SDK and
# our Python client in every api-version, and in one of the clusters Helm and the Python client of Kubernetes. Arguments go to pytest, such as -k stock.
# Without them, what passed has to be the table of docs/clients.md; with the argument --write alone, it becomes that.
#
# ARO_LOCAL_* name a local Azure that runs, see with-local-azure.sh; without them it starts one.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ARO_LOCAL_ORIGIN:-}" ] || exec test/clients/with-local-azure.sh test/clients/run.sh "$@"
test/clients/setup.sh
export ARO_CLIENTS_VENV=$PWD/.cache/clients-venv
python=$ARO_CLIENTS_VENV/az/bin/python

"$python" -m flake8 --config clients/az-aro/.flake8 clients/az-aro test/clients
"$python" -m pylint --rcfile clients/az-aro/pylintrc --jobs 2 clients/az-aro/azext_aro clients/az-aro/setup.py
"$python" -m pytest -q -p no:cacheprovider clients/az-aro
test/clients/lint.sh
"$ARO_CLIENTS_VENV/sdk/bin/python" -m mypy --strict --cache-dir "$ARO_CLIENTS_VENV/mypy" test/clients/sdk/typed.py

export ARO_CLIENTS_PROVED=$PWD/.cache/clients-proved
: >"$ARO_CLIENTS_PROVED"
write=
if [ "${1:-}" = --write ]; then
  write=$1
  shift
fi

# prove PART WORKERS DISTRIBUTION TESTS: az needs a processor, and logs in once a worker; clusters mostly wait.
failed=0
prove() {
  local part=$1 workers=$2 distribution=$3 tests=$4 code=0
  shift 4
  "$ARO_CLIENTS_VENV/$part/bin/python" -m pytest -q -p no:cacheprovider -n "$workers" --dist "$distribution" \
    --durations 9 --durations-min 5 "test/clients/$tests" "$@" || code=$?
  [ "$code" -eq 5 ] && [ "$#" -gt 0 ] && return # the arguments choose none of this part
  [ "$code" -eq 0 ] || failed=1
}
prove az 4 loadfile az "$@"
prove sdk 6 worksteal sdk "$@"
prove sdk-before 0 load sdk/test_round_trip.py "$@"
if [ "$failed" -eq 0 ] && [ "$#" -eq 0 ]; then
  "$python" test/clients/matrix.py "$ARO_CLIENTS_PROVED" docs/clients.md $write
fi
exit "$failed"

#!/usr/bin/env bash
# The whole test suite. Called by `make test`.
#
# What finds mistakes soonest comes first; then two lanes run side by side, because most
# proofs wait more than they compute. `hack/test.sh service` and `hack/test.sh local` run
# one lane. Every part has a timeout of its own; a part that fails stops its lane.
set -euo pipefail
cd "$(dirname "$0")/.."

part() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

service() {
  # Go's cache does not know what programs that a test starts are made of: where one
  # does, -count=1 runs it again.
  local starters='/(test/.*|hack/clients|backend/install)$'
  part "root module"
  go test -timeout 20m $(go list ./... | grep -Ev "$starters")

  part "root module, tests that start programs"
  # One package at a time: they kill programs at certain times.
  go test -count=1 -p 1 -timeout 20m $(go list ./... | grep -E "$starters")

  part "environments of the clients"
  # What they download, once, is not to take the proofs' time.
  timeout 20m test/clients/setup.sh

  part "clients and API page"
  timeout 60m test/clients/with-local-azure.sh bash -c 'test/clients/run.sh && test/apipage/run.sh'
}

local_module() {
  # One package at a time: several boot control planes, which need both cores. The limit is
  # for all tests of a package, each of which has a shorter one of its own.
  local starters='/(controlplane|systemtest/?.*)$'
  cd local
  go vet ./...
  go test -p 1 -timeout 25m $(go list ./... | grep -Ev "$starters")
  go test -count=1 -p 1 -timeout 60m $(go list ./... | grep -E "$starters")
}

other_modules() {
  part "installer module"
  (cd installer && GOFLAGS=$(./build.sh --flags) && export GOFLAGS && go vet ./... && go test -timeout 10m ./...)

  part "registry module, and aro mirror with it"
  (cd registry && go vet ./... && go test -count=1 -timeout 10m ./...)

  part "module of the Prometheus of local clusters"
  (cd prometheus && go vet ./... && go test -timeout 10m ./...)

  part "alert rules and dashboard"
  (cd alerts && go vet ./... && go test -timeout 10m ./...)

  part "Go client"
  (cd clients/go && go vet ./... && go test ./...)

  part "proof of Helm, which test/clients runs"
  (cd test/clients/helm && go vet ./...)

  part "local module"
  (local_module)

  part "race detector on what runs concurrently"
  go test -race -short -timeout 15m ./store/sqlite/... ./azure/... ./openshift/... ./backend/... ./server/... ./httpserver ./armhttp ./admin/... ./mirror ./metrics/... ./monitor/... ./portal ./proxy
  (cd local && go test -race -timeout 15m ./cloud/... ./hypervisor/... ./supervisor)
}

case "${1:-all}" in
  service) service; exit ;;
  local) other_modules; exit ;;
  all) ;;
  *) echo "usage: hack/test.sh [service|local]" >&2; exit 2 ;;
esac

hack/prerequisites.sh test

part "formatting and vet"
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  printf 'not formatted, run gofmt -w:\n%s\n' "$unformatted"
  exit 1
fi
go vet ./...

part "binaries"
make --no-print-directory build

part "two lanes side by side; each shows its output when it has ended"
hack/lanes/run.sh hack/test.sh local service
printf '\nall parts passed in %ss\n' "$SECONDS"

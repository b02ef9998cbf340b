#!/usr/bin/env bash
# The whole test suite, in the order that finds mistakes soonest. Called by `make test`.
# Every part has a timeout of its own; a part that fails stops the run.
set -euo pipefail
cd "$(dirname "$0")/.."

part() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

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

# Go's cache does not know what programs that a test starts are made of: where one
# does, -count=1 runs it again.
starters='/(test/.*|hack/clients|backend/install)$'
part "root module"
go test -timeout 20m $(go list ./... | grep -Ev "$starters")

part "root module, tests that start programs"
# One package at a time: they kill programs at certain times.
go test -count=1 -p 1 -timeout 20m $(go list ./... | grep -E "$starters")

part "race detector on what runs concurrently"
go test -race -short -timeout 15m ./store/sqlite/... ./azure/... ./openshift/... ./backend/... ./server/... ./httpserver ./armhttp ./catalogue ./admin/... ./mirror
(cd local && go test -race -timeout 15m ./cloud/... ./hypervisor ./supervisor)

part "installer module"
tags=altinfra,aro,containers_image_openpgp
(cd installer && ./build.sh --data && go vet -tags "$tags" ./... && go test -tags "$tags" -timeout 10m ./...)

part "registry module, and aro mirror with it"
(cd registry && go vet ./... && go test -count=1 -timeout 10m ./...)

part "Go client"
(cd clients/go && go vet ./... && go test ./...)

part "local module"
# One package at a time: several boot control planes, which need both cores. The limit is
# for all tests of a package, each of which has a shorter one of its own.
starters='/(controlplane|systemtest/?.*)$'
(cd local && go vet ./... && go test -p 1 -timeout 25m $(go list ./... | grep -Ev "$starters") &&
  go test -count=1 -p 1 -timeout 60m $(go list ./... | grep -E "$starters"))

part "environments of the clients"
# What they download, once, is not to take the proofs' time.
timeout 20m test/clients/setup.sh

part "clients and API page"
timeout 60m test/clients/stand.sh bash -c 'test/clients/run.sh && test/apipage/run.sh'

printf '\nall parts passed in %ss\n' "$SECONDS"

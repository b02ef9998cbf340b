#!/usr/bin/env bash
# The whole test suite, in the order that finds mistakes soonest. Called by `make test`.
# Every part has a timeout of its own; a part that fails stops the run.
set -euo pipefail
cd "$(dirname "$0")/.."

part() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

part "formatting and vet"
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  printf 'not formatted, run gofmt -w:\n%s\n' "$unformatted"
  exit 1
fi
go vet ./...

part "binaries"
make --no-print-directory build

part "root module"
go test -timeout 20m ./...

part "race detector on what runs concurrently"
go test -race -short -timeout 15m ./store/sqlite/... ./backend/... ./server/...

part "installer module"
tags=altinfra,aro,containers_image_openpgp
(cd installer && ./build.sh --data && go vet -tags "$tags" ./... && go test -tags "$tags" -timeout 10m ./...)

part "Go client"
(cd clients/go && go vet ./...)

part "local module"
# One package at a time: several boot control planes, which need both cores.
(cd local && go vet ./... && go test -p 1 -timeout 25m ./...)

printf '\nall parts passed in %ss\n' "$SECONDS"

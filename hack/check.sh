#!/usr/bin/env bash
# The quick suite: formatting, vet, lint of what changed, and the tests of the root
# module that start no programs. Called by `make check`; `make test` is the whole.
set -euo pipefail
cd "$(dirname "$0")/.."

lint=.cache/bin/golangci-lint-v2.15.0
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  printf 'not formatted, run gofmt -w:\n%s\n' "$unformatted"
  exit 1
fi
go vet ./...
if [ -x "$lint" ]; then
  "$lint" run --new-from-rev="$(git merge-base HEAD "${BASE:-main}")" ./...
else
  echo "not linted: run make lint-go once, which builds the linter"
fi
go test -timeout 10m $(go list ./... | grep -Ev '/(test/.*|hack/clients|backend/install)$') ./test/rules

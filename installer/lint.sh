#!/usr/bin/env bash
# Lints this module with the program $GOLANGCI. The library with which linters load packages refuses the
# flag -modfile of build.sh: they see a copy whose go.mod is the one that the flag names.
set -euo pipefail
cd "$(dirname "$0")"

flags=$(./build.sh --flags)
modfile=$(sed 's/.*-modfile=\([^ ]*\).*/\1/' <<<"$flags")
copy=$(mktemp -d "$(cd .. && pwd)/.cache/lint.XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -R . "$copy"
sed "s, => \.\./, => $(cd .. && pwd)/," "$modfile" >"$copy/go.mod"
cd "$copy"
GOFLAGS=$(sed 's/-modfile=[^ ]* //' <<<"$flags") "$GOLANGCI" run --path-prefix installer ./...

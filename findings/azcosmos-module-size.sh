#!/usr/bin/env bash
# github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos v1.4.2 requires the whole first
# generation of the SDK, azure-sdk-for-go v68.0.0+incompatible, for one file with the
# build tag "modhack". No package of it is compiled, but who runs `go mod tidy` in a
# module that imports azcosmos downloads all of it: many times what azcosmos itself has.
# A replace directive that points to a module of that name with one empty package avoids the download.
#
# Seen: the output below (sizes rounded down to MB). It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/cache" GOFLAGS=-mod=mod

size() { du -sm --apparent-size "$GOMODCACHE/cache/download/github.com/!azure/azure-sdk-for-go/$1" 2>/dev/null | cut -f1; }

mkdir user empty
printf 'module github.com/Azure/azure-sdk-for-go\n' >empty/go.mod
printf 'package sdk\n' >empty/sdk.go
printf 'package main\n\nimport _ "github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"\n\nfunc main() {}\n' >user/main.go
cd user
tidy() {
  chmod -R u+w "$GOMODCACHE" 2>/dev/null && rm -rf "$GOMODCACHE"
  rm -f go.mod go.sum
  go mod init finding >/dev/null 2>&1
  go mod edit -require=github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos@v1.4.2 "$@"
  timeout 600 go mod tidy >/dev/null 2>&1
}
report() {
  downloaded=no
  [ -n "$(find "$GOMODCACHE/cache/download/github.com/!azure/azure-sdk-for-go/@v" -name '*.zip' 2>/dev/null)" ] && downloaded=yes
  compiled=$(go list -deps . | grep -cE '^github.com/Azure/azure-sdk-for-go/(services|profiles|storage|version)' || true)
  echo "$1: v68 downloaded $downloaded, its packages compiled: $compiled"
}
{
  tidy
  report "as published"
  if [ "$(size @v)" -gt "$((10 * $(size sdk/data/azcosmos/@v)))" ]; then echo "v68 is over ten times the size of azcosmos"; fi
  tidy -replace=github.com/Azure/azure-sdk-for-go=../empty
  report "with an empty replacement"
} >"$dir/got"
cat "$dir/got"
diff - "$dir/got" <<'WANT'
as published: v68 downloaded yes, its packages compiled: 0
v68 is over ten times the size of azcosmos
with an empty replacement: v68 downloaded no, its packages compiled: 0
WANT

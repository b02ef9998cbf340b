#!/usr/bin/env bash
# Builds ../bin/aro-installer.
#
# With --flags it only prepares what is built from the module of the OpenShift
# installer, and prints the GOFLAGS with which go build, test and vet of this module
# find it: the files that are compiled in, and its source without other clouds
# (../hack/trim). Without these flags the whole installer is compiled.
set -euo pipefail
cd "$(dirname "$0")"

tags=altinfra,aro,containers_image_openpgp
module=github.com/openshift/installer
trimmed=../.cache/installer
# The packages of other clouds, of which only declarations are compiled.
clouds='^/pkg/asset/.*/(aws|gcp|ibmcloud|nutanix|openstack|ovirt|powervs|vsphere)(/|$)'

version=$(go list -m -f '{{.Version}}' "$module")
source_of() {
	go mod download "$module"
	go list -m -f '{{.Dir}}' "$module"
}

# One build prepares at a time: others find what it has made.
mkdir -p ../.cache
exec {lock}>../.cache/installer.lock
flock "$lock"

if [ "$(cat payload/data/VERSION 2>/dev/null)" != "$version" ]; then
	from=$(source_of)/data/data
	rm -rf payload/data/{VERSION,bootstrap,coreos,manifests}
	mkdir -p payload/data/{bootstrap,coreos}
	cp -R "$from/bootstrap/files" "$from/bootstrap/systemd" payload/data/bootstrap/
	cp "$from/coreos/rhcos.json" payload/data/coreos/
	cp -R "$from/manifests" payload/data/
	chmod -R u+w payload/data
	echo "$version" >payload/data/VERSION # last: without it the copy is not complete
fi

made_of=$( (echo "$version" "$clouds"; find . ../hack/trim -name '*.go' -print0 | sort -z | xargs -0 cat; cat go.mod go.sum build.sh) | sha256sum)
if [ "$(cat "$trimmed/made-of" 2>/dev/null)" != "$made_of" ]; then
	new=$(mktemp -d ../.cache/installer.XXXXXX)
	(cd .. && go run ./hack/trim -module "$module" -from "$(cd installer && source_of)" -users installer -to "installer/$new" -tags "$tags" -stub "$clouds")
	(cat go.mod; echo "replace $module => $trimmed") >"$new/build.mod"
	cp go.sum "$new/build.sum"
	echo "$made_of" >"$new/made-of"
	rm -rf "$trimmed"
	mv "$new" "$trimmed"
fi
exec {lock}>&-
GOFLAGS="$(go env GOFLAGS) -modfile=$trimmed/build.mod -tags=$tags"
export GOFLAGS
if [ "${1:-}" = --flags ]; then
	echo "$GOFLAGS"
	exit
fi

program=${VERSION:-$(git describe --always --dirty 2>/dev/null || echo unknown)}
mkdir -p ../bin
go build -ldflags "-s -w -X main.version=$program" -o ../bin/aro-installer ./cmd/aro-installer

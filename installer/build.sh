#!/usr/bin/env bash
# Builds ../bin/aro-installer. With --data it only copies the files of the
# OpenShift installer that are compiled in, which go build, test and vet of this
# module need; these need the tags below, too.
set -euo pipefail
cd "$(dirname "$0")"

tags=altinfra,aro,containers_image_openpgp
module=github.com/openshift/installer

version=$(go list -m -f '{{.Version}}' "$module")
if [ "$(cat payload/data/VERSION 2>/dev/null)" != "$version" ]; then
	go mod download "$module"
	from=$(go list -m -f '{{.Dir}}' "$module")/data/data
	rm -rf payload/data/{VERSION,bootstrap,coreos,manifests}
	mkdir -p payload/data/{bootstrap,coreos}
	cp -R "$from/bootstrap/files" "$from/bootstrap/systemd" payload/data/bootstrap/
	cp "$from/coreos/rhcos.json" payload/data/coreos/
	cp -R "$from/manifests" payload/data/
	chmod -R u+w payload/data
	echo "$version" >payload/data/VERSION # last: without it the copy is not complete
fi
[ "${1:-}" = --data ] && exit 0

program=${VERSION:-$(git describe --always --dirty 2>/dev/null || echo unknown)}
mkdir -p ../bin
go build -tags "$tags" -ldflags "-s -w -X main.version=$program" -o ../bin/aro-installer ./cmd/aro-installer

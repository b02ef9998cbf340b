#!/usr/bin/env bash
# Packs what `make build` built into one archive that runs without a toolchain.
# Called by `make dist`, which passes the version.
set -euo pipefail
cd "$(dirname "$0")/.."

name=aro-${1:?version}-$(go env GOOS)-$(go env GOARCH)
rm -rf "dist/$name"
mkdir -p "dist/$name"
trap 'rm -rf "dist/$name"' EXIT
cp bin/aro* bin/THIRD-PARTY-LICENSES.txt LICENSE "dist/$name/"
cat >"dist/$name/README.txt" <<END
aro ${1}: managed OpenShift on one machine

Start everything. Data is kept in the directory .aro below the current one.

  ./aro-local

In a second terminal, in the same directory:

  ./aro-local cluster create demo
  ./aro-local cluster kubeconfig demo --file demo.kubeconfig
  ./aro-local kubectl --kubeconfig demo.kubeconfig get nodes
  ./aro-local cluster delete demo

./aro-local --help lists the other commands. The programs must stay in one
directory: aro-local starts the others. It needs Linux, and for each cluster about
500 MB of memory and 150 MB of disk space. Nothing else has to be installed.

Licensed under the Apache License 2.0 (LICENSE). THIRD-PARTY-LICENSES.txt has the
licences of the libraries in the programs.
END
tar -C dist -czf "dist/$name.tar.gz" "$name"
echo "dist/$name.tar.gz"

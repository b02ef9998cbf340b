#!/usr/bin/env bash
# Makes, below .cache/clients-venv, the environments of the proofs: az (the Azure CLI as it is published, and the checkers),
# sdk (the Python clients, that of Kubernetes, and what builds wheels) and sdk-before (the published SDK of the major version before it);
# and .cache/clients-helm, the proof of Helm.
# Cached until versions.sh changes, our own wheels until their sources do.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/clients/versions.sh

venv=.cache/clients-venv
stamp=$venv/versions
python=${PYTHON:-python3}

if ! cmp -s test/clients/versions.sh "$stamp"; then
  echo "Installing the Azure CLI and the published SDK; once, takes two minutes."
  rm -rf "$venv"
  "$python" -m venv "$venv/az"
  "$python" -m venv "$venv/sdk"
  "$venv/az/bin/python" -m pip install -q --disable-pip-version-check "azure-cli==$AZURE_CLI" "azdev==$AZDEV" "pytest==$PYTEST" \
    "pytest-xdist==$PYTEST_XDIST" "flake8==$FLAKE8" "pylint==$PYLINT"
  "$venv/sdk/bin/python" -m pip install -q --disable-pip-version-check "azure-mgmt-redhatopenshift==$AZURE_MGMT_REDHATOPENSHIFT" \
    "azure-identity==$AZURE_IDENTITY" "aiohttp==$AIOHTTP" "pytest==$PYTEST" "pytest-xdist==$PYTEST_XDIST" "mypy==$MYPY" \
    "kubernetes==$KUBERNETES" \
    "setuptools==$SETUPTOOLS" "wheel==$WHEEL"
  "$python" -m venv "$venv/sdk-before"
  "$venv/sdk-before/bin/python" -m pip install -q --disable-pip-version-check "azure-mgmt-redhatopenshift==$AZURE_MGMT_REDHATOPENSHIFT_BEFORE" \
    "azure-identity==$AZURE_IDENTITY" "pytest==$PYTEST" "pytest-xdist==$PYTEST_XDIST"
  cp test/clients/versions.sh "$stamp"
fi

# Of the same modules as the rest, from Go's cache.
go -C test/clients/helm test -c -o "$PWD/.cache/clients-helm" .

built=$(find clients/python clients/az-aro test/clients/setup.sh -type f -not -path '*/__pycache__/*' -exec sha256sum {} + | LC_ALL=C sort | sha256sum)
[ "$built" != "$(cat "$venv/built" 2>/dev/null)" ] || exit 0

# From copies, as a build leaves its traces beside its sources; with their LICENSE, which is a link.
sources=$venv/sources
rm -rf "$venv/built" "$venv/dist" "$sources" "$venv/extensions"
mkdir -p "$sources"
cp -rL clients/python clients/az-aro "$sources"
"$venv/sdk/bin/python" -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation --check-build-dependencies \
  -w "$venv/dist" "$sources/python" "$sources/az-aro"
rm -rf "$sources"
"$venv/sdk/bin/python" -m pip install -q --disable-pip-version-check --force-reinstall --no-deps --no-index "$venv"/dist/aro_redhatopenshift-*.whl
# The way every user installs it.
AZURE_CONFIG_DIR=$venv/config AZURE_EXTENSION_DIR=$venv/extensions AZURE_CORE_COLLECT_TELEMETRY=false \
  "$venv/az/bin/az" extension add --only-show-errors --yes --source "$venv"/dist/aro-*.whl
echo "$built" >"$venv/built"

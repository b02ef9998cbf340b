#!/usr/bin/env bash
# Holds the templates of deploy/assets to the rules of Checkov, which come with it and need no network; deploy/checkov.yaml names the
# exceptions. It fails if one does not hold, and if an exception is not needed any more.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.3.30
venv=.cache/checkov-$version
if [ ! -f "$venv/installed" ]; then
  echo "Installing Checkov; once, takes a minute."
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check "checkov==$version"
  touch "$venv/installed"
fi
checkov() { LOG_LEVEL=ERROR "$venv/bin/checkov" "$@"; }
checkov --config-file deploy/checkov.yaml

failed=$(checkov --framework arm --directory deploy/assets --compact --quiet --soft-fail | grep -oE 'CKV_[A-Z]+_[0-9]+' | sort -u)
named=$(grep -oE '^ +- CKV_[A-Z]+_[0-9]+' deploy/checkov.yaml | grep -oE 'CKV.*' | sort -u)
if [ "$failed" != "$named" ]; then
  echo "deploy/checkov.yaml has exceptions that are not needed:" $(comm -13 <(echo "$failed") <(echo "$named"))
  exit 1
fi
echo "Checkov $version: the templates of deploy/assets pass, with the exceptions of deploy/checkov.yaml"

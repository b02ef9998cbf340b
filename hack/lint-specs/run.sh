#!/usr/bin/env bash
# Lints the API descriptions. It sets itself up: the npm packages are installed
# when they are missing or the lock file has changed. Needs Go, Node.js 20 and npm.
set -euo pipefail
cd "$(dirname "$0")/../.."

installed=node_modules/.lint-specs-lock
if ! cmp -s package-lock.json "$installed"; then
  echo "Installing the linters of the specs; once, takes seconds."
  npm ci --legacy-peer-deps --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json "$installed"
fi
exec go run ./hack/lint-specs "$@"

#!/usr/bin/env bash
# Makes portal/assets/console.js, the editor of queries, from npm's packages. The result is checked in, so that
# neither the build nor the portal needs Node.js. Run it after a change here.
set -euo pipefail
cd "$(dirname "$0")"
timeout 300 npm ci --no-audit --no-fund --loglevel=error
node build.mjs

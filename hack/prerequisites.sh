#!/usr/bin/env bash
# Names everything that is missing to build (no argument) or to run the whole test
# suite (test), all at once.
set -euo pipefail

missing=()
need() { # COMMAND WHAT
  command -v "$1" >/dev/null || missing+=("$2")
}
need go "Go 1.26 or later: https://go.dev/dl"
need git "git"
if [ "${1:-}" = test ]; then
  need cc "a C compiler, for Go's race detector (Debian: gcc)"
  need curl "curl"
  if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
    missing+=("Node.js 20 or later: https://nodejs.org")
  fi
  need npm "npm, which comes with Node.js"
  if ! python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    missing+=("Python 3.10 or later with venv (Debian: python3-venv)")
  fi
fi
if [ "${#missing[@]}" -gt 0 ]; then
  echo "Please install, then run make again:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi

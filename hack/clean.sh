#!/usr/bin/env bash
# Removes what was built, cached and kept, unless a running aro-local uses it.
# Called by `make clean`.
set -euo pipefail
cd "$(dirname "$0")/.."

for data in .aro .aro-cloud; do
  [ -e "$data/lock" ] || continue
  pid=$(cat "$data/lock")
  # aro-local holds the lock as long as it runs, however it ends.
  if ! flock --nonblock "$data/lock" true 2>/dev/null && kill -0 "$pid" 2>/dev/null; then
    echo "aro-local (process $pid) is running with the data directory $data: stop it first, then run make clean again" >&2
    exit 1
  fi
done
rm -rf bin dist .cache .aro .aro-cloud node_modules

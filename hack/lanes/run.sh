#!/usr/bin/env bash
# Runs COMMAND LANE for each lane side by side and shows each one's output when it has
# ended. Fails if a lane fails: what failed is shown again at the end, where people look.
#
# usage: hack/lanes/run.sh COMMAND LANE...
set -euo pipefail

command=$1
shift
logs=$(mktemp -d)
declare -A lanes

cleanup() {
  # Most of them have ended: that is no failure, and must not become the exit code.
  kill "${lanes[@]}" "${beat:-}" 2>/dev/null || true
  rm -rf "$logs"
}
trap cleanup EXIT

for lane in "$@"; do
  "$command" "$lane" >"$logs/$lane" 2>&1 &
  lanes[$lane]=$!
done

progress() { # which part each lane is in, once a minute
  exec {nothing}<> <(:) # to wait without a child, which would outlive this process
  while ! read -r -t 60 -u "$nothing"; do
    for lane in "${!lanes[@]}"; do printf '%ss, %s: %s\n' "$SECONDS" "$lane" "$(grep '^==' "$logs/$lane" | tail -n 1)"; done
  done
}
progress &
beat=$!

failed=()
for lane in "$@"; do
  wait "${lanes[$lane]}" || failed+=("$lane")
  printf '\n==== lane %s\n' "$lane"
  cat "$logs/$lane"
done
[ "${#failed[@]}" -eq 0 ] && exit
for lane in "${failed[@]}"; do
  printf '\n==== lane %s failed, in %s\n' "$lane" "$(grep '^==' "$logs/$lane" | tail -n 1)"
  grep -E -A 12 '^ *--- FAIL|^FAIL|^FAILED|^panic:|^E  ' "$logs/$lane" | tail -n 60 || tail -n 20 "$logs/$lane"
done
exit 1

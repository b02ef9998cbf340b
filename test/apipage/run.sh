#!/usr/bin/env bash
# Looks at the API page and the portal with headless Chromium. aro-local must run:
#
#   test/apipage/run.sh [--update]
#
# ARO_LOCAL_ORIGIN and ARO_LOCAL_CA say where it is and which authority to trust; without them it is the one of `make run`.
# ARO_CHROMIUM names a browser; without it, it is this machine's Chromium or Chrome, which root gets from Debian or Ubuntu
# if there is none. --update renews the pictures in docs/images.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

export ARO_LOCAL_ORIGIN=${ARO_LOCAL_ORIGIN:-https://localhost:8443}
export ARO_LOCAL_CA=${ARO_LOCAL_CA:-$root/.aro/azure/ca.pem}

if ! cmp -s package-lock.json node_modules/.lock; then
  timeout 300 npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.lock
fi

browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" && return
  done
  return 1
}

if [ -z "${ARO_CHROMIUM:-}" ] && ! ARO_CHROMIUM=$(browser); then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "There is no Chromium. Install it, such as by 'sudo apt-get install chromium', or name a browser in ARO_CHROMIUM."
    exit 1
  fi
  echo "Installing Chromium; once."
  timeout 600 apt-get -qq update
  DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -qq install -y --no-install-recommends chromium >/dev/null
  ARO_CHROMIUM=$(browser)
fi
export ARO_CHROMIUM

timeout 300 node check.mjs "$@"
timeout 300 node portal.mjs "$@"

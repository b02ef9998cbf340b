#!/usr/bin/env bash
# Looks at the API page with headless Chromium. aro-local must run:
#
#   test/apipage/run.sh [--update]
#
# ARO_LOCAL_ORIGIN and ARO_LOCAL_CA say where it is and whom to trust; without them it
# is the one of `make run`. ARO_CHROMIUM names a browser; without it the one that
# Playwright wants is downloaded once, and if it cannot be had, a Chromium of this
# machine is taken. --update renews the picture in docs/images.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

export ARO_LOCAL_ORIGIN=${ARO_LOCAL_ORIGIN:-https://localhost:8443}
export ARO_LOCAL_CA=${ARO_LOCAL_CA:-$root/.aro/azure/ca.pem}
export PLAYWRIGHT_BROWSERS_PATH=${PLAYWRIGHT_BROWSERS_PATH:-$root/.cache/playwright}
mkdir -p "$root/.cache"

if ! cmp -s package-lock.json node_modules/.lock; then
  timeout 300 npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.lock
fi

# have_chromium downloads it; what it needs of the system only root can install.
have_chromium() {
  compgen -G "$PLAYWRIGHT_BROWSERS_PATH/chromium*/INSTALLATION_COMPLETE" >/dev/null && return
  timeout 600 npx playwright install chromium && { [ "$(id -u)" != 0 ] || timeout 600 npx playwright install-deps chromium; }
}

if [ -z "${ARO_CHROMIUM:-}" ] && ! have_chromium >"$root/.cache/playwright.log" 2>&1; then
  for name in chromium chromium-browser google-chrome; do
    ARO_CHROMIUM=$(command -v "$name") && break
  done
  if [ -z "${ARO_CHROMIUM:-}" ]; then
    cat "$root/.cache/playwright.log"
    echo "Playwright's Chromium cannot be had and this machine has none; install one, or name one in ARO_CHROMIUM."
    exit 1
  fi
  echo "Playwright's Chromium cannot be had (.cache/playwright.log says why); using $ARO_CHROMIUM."
fi
export ARO_CHROMIUM=${ARO_CHROMIUM:-}

timeout 300 node check.mjs "$@"

#!/usr/bin/env bash
# Holds commands, options and help of the extension to the rules of azure-cli's linter, azdev, all but those for which it
# asks the network. azdev wants a checkout of azure-cli; test/clients/azdev has what it reads of one.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$PWD/.cache/clients-venv
export VIRTUAL_ENV=$venv/az AZDEV_CONFIG_DIR=$venv/config AZURE_CONFIG_DIR=$venv/config AZURE_EXTENSION_DIR=$venv/extensions
export AZURE_CORE_COLLECT_TELEMETRY=false
export AZDEV_CLI_REPO_PATH=$PWD/test/clients/azdev AZDEV_EXT_REPO_PATHS=$PWD/clients/az-aro,$venv/extensions

said=$("$venv/az/bin/azdev" linter aro --min-severity low --rule-types help_entries command_groups commands params 2>&1) || {
  echo "$said"
  exit 1
}
# It exits with 0 although rules below its highest severity fail, or there is nothing to check.
if grep -qE 'FAIL|No commands selected' <<<"$said"; then
  echo "$said"
  exit 1
fi
echo "azdev linter: $(grep -c 'pass' <<<"$said") rules pass"

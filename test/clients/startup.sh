#!/usr/bin/env bash
# Measures how long `az aro --help` takes with our extension and with the module that comes with az, in turn, and prints
# the medians and their ratio. It fails if ours takes more than 1.3 times as long.
#
#   test/clients/startup.sh [TIMES]
set -euo pipefail
cd "$(dirname "$0")/../.."
test/clients/setup.sh
venv=$PWD/.cache/clients-venv
export AZURE_CORE_COLLECT_TELEMETRY=false

"$venv/az/bin/python" - "$venv" "${1:-15}" <<'PY'
import os
import statistics
import subprocess
import sys
import tempfile
import time

LIMIT = 1.3
venv, times = sys.argv[1], int(sys.argv[2])


def once(home, extensions):
    environment = {**os.environ, "AZURE_CONFIG_DIR": home, "AZURE_EXTENSION_DIR": extensions}
    start = time.perf_counter()
    subprocess.run([venv + "/az/bin/az", "aro", "--help"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


with tempfile.TemporaryDirectory() as home:
    kinds = {"stock": (home + "/stock", home + "/none"), "extension": (home + "/ours", venv + "/extensions")}
    seconds = {kind: [] for kind in kinds}
    for i in range(times + 1):
        for kind, places in kinds.items():
            took = once(*places)
            if i:  # the first run makes az's index of commands
                seconds[kind].append(took)
median = {kind: statistics.median(values) for kind, values in seconds.items()}
ratio = median["extension"] / median["stock"]
print(f"az aro --help, medians of {times}: stock module {median['stock']:.2f} s, extension {median['extension']:.2f} s, ratio {ratio:.2f}")
sys.exit(ratio > LIMIT)
PY

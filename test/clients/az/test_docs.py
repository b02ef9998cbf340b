"""docs/clients.md, as a newcomer follows it."""

import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).parent.parent / "docs.sh"
LIMIT_SECONDS = 1500


def test_its_five_ways_work():
    done = subprocess.run(
        [SCRIPT],
        timeout=LIMIT_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout

"""docs/clients.md, as a newcomer follows it."""

import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "docs.sh"
LIMIT_SECONDS = 1500


@pytest.mark.skipif("ARO_LOCAL_DATA" not in os.environ, reason="needs the data of the local Azure, see stand.sh")
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

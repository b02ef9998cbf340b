"""az writes its files elsewhere."""

import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["AZURE_CONFIG_DIR"] = tempfile.mkdtemp(prefix="az-aro-")
os.environ["AZURE_EXTENSION_DIR"] = os.environ["AZURE_CONFIG_DIR"] + "/extensions"
os.environ["AZURE_CORE_COLLECT_TELEMETRY"] = "false"


def pytest_sessionfinish():
    """Leaves nothing behind."""
    import shutil

    shutil.rmtree(os.environ["AZURE_CONFIG_DIR"], ignore_errors=True)

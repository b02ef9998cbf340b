"""az in a directory of its own, logged in to the local Azure."""

import json
import os
import pathlib
import subprocess

import principals
import pytest

from proxy import Proxy

LIMIT_SECONDS = 1200


class Az:
    """Runs az; what it says is in the exception when it fails."""

    def __init__(self, stand, directory, trust, **environment):
        self.stand = stand
        self.binary = str(pathlib.Path(stand.venv) / "az" / "bin" / "az")
        self.environment = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
        }
        self.environment.update(
            AZURE_CONFIG_DIR=str(directory),
            AZURE_EXTENSION_DIR=str(directory / "no-extensions"),
            REQUESTS_CA_BUNDLE=str(trust),
            AZURE_CORE_INSTANCE_DISCOVERY="false",
            AZURE_CORE_COLLECT_TELEMETRY="false",
            AZURE_CORE_SURVEY_MESSAGE="false",
            AZURE_CORE_NO_COLOR="true",
            AZURE_CORE_ONLY_SHOW_ERRORS="false",
            AZURE_EXTENSION_USE_DYNAMIC_INSTALL="no",
            **environment,
        )

    def run(self, *arguments):
        """The finished process, whatever its exit code."""
        return subprocess.run(
            [self.binary, *arguments],
            env=self.environment,
            timeout=LIMIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def __call__(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, f"az {' '.join(arguments)}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def table(self, *arguments):
        """The rows of a table, header first."""
        done = self.run(*arguments, "--output", "table")
        assert done.returncode == 0, done.stderr
        return [line.split() for line in done.stdout.splitlines() if not line.startswith("---")]

    def refused(self, *arguments):
        """What it says when it must fail; a stack trace is never right."""
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def login(self, client_id, client_secret):
        """As a person would."""
        s = self.stand
        self("cloud", "register", "--name", "AroLocal", "--endpoint-resource-manager", s.origin)
        self("cloud", "set", "--name", "AroLocal")
        who = ("--username", client_id, "--password", client_secret, "--tenant", s.tenant)
        self("login", "--service-principal", *who)
        self("account", "set", "--subscription", s.subscription)
        return self


@pytest.fixture(scope="session")
def stock(stand, tmp_path_factory):
    """az as it is published. A proxy leads the provider's calls to the local Azure."""
    directory = tmp_path_factory.mktemp("stock")
    proxy = Proxy(directory, stand.origin, stand.ca)
    trust = directory / "trust.pem"
    trust.write_bytes(pathlib.Path(stand.ca).read_bytes() + proxy.ca_file.read_bytes())
    az = Az(stand, directory, trust, HTTPS_PROXY=proxy.address, NO_PROXY="localhost,127.0.0.1")
    az.login(stand.client_id, stand.client_secret)
    az.proxy = proxy
    yield az
    proxy.close()


def extended(stand, directory):
    """az with our extension, and nothing in between."""
    az = Az(stand, directory, stand.ca)
    az.environment["AZURE_EXTENSION_DIR"] = str(pathlib.Path(stand.venv) / "extensions")
    return az


@pytest.fixture(scope="session")
def ours(stand, tmp_path_factory):
    """As the demo application."""
    return extended(stand, tmp_path_factory.mktemp("ours")).login(stand.client_id, stand.client_secret)


@pytest.fixture
def outsider(stand, principal, tmp_path):
    """As an owner of the subscription who cannot read the directory."""
    principals.assign(stand, principals.OWNER, "/subscriptions/" + stand.subscription, principal.object_id)
    return extended(stand, tmp_path).login(principal.client_id, principal.client_secret)

"""The local Azure that the proofs talk to, and the network that a cluster needs."""

import dataclasses
import json
import os
import pathlib
import ssl
import urllib.error
import urllib.parse
import urllib.request
import uuid

import principals
import pytest

LIMIT_SECONDS = 60
PROVED = "ARO_CLIENTS_PROVED"


def pytest_configure(config):
    """What a test proves: a client, and steps of the table in docs/clients.md; see matrix.py."""
    config.addinivalue_line("markers", "proves(client, *steps): a client, and what it is proved to do")


def pytest_addoption(parser):
    """--long proves what takes too much of a processor for each run of the tests."""
    parser.addoption("--long", action="store_true", help="make a cluster ready in every api-version (make soak)")


@pytest.fixture
def long(request):
    """Whether --long was given."""
    return request.config.getoption("long")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Notes what a test that passed has proved."""
    report = (yield).get_result()
    if call.when != "call" or not report.passed or PROVED not in os.environ:
        return
    test = pathlib.Path(item.path).relative_to(pathlib.Path(__file__).parent).as_posix()
    with open(os.environ[PROVED], "a", encoding="utf-8") as notes:
        for mark in item.iter_markers("proves"):
            notes.write(json.dumps({"client": mark.args[0], "steps": mark.args[1:], "test": test}) + "\n")


@dataclasses.dataclass
class Stand:
    """Where the local Azure is, and the identity of the proofs."""

    origin: str
    ca: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    tenant: str
    subscription: str
    venv: str

    def request(self, method, path, version, body=None):
        """Plain REST, for what is not under test: the status and the JSON."""
        return self._send(
            method,
            f"{self.origin}{path}?api-version={version}",
            json.dumps(body).encode() if body else None,
            {"Authorization": "Bearer " + self.token(self.origin), "Content-Type": "application/json"},
        )

    def graph(self, method, path, body=None):
        """Asks the directory, which must not refuse."""
        endpoint = self.origin + "/graph"
        headers = {"Authorization": "Bearer " + self.token(endpoint), "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._send(method, endpoint + "/v1.0" + path, data, headers)
        assert status < 300, answer
        return answer

    def token(self, resource):
        """A token of the demo application."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": resource + "/.default",
        }
        _, answer = self._send(
            "POST", f"{self.origin}/{self.tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(), {}
        )
        return answer["access_token"]

    def _send(self, method, url, data, headers):
        request = urllib.request.Request(url, data, headers, method=method)
        context = ssl.create_default_context(cafile=self.ca)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_SECONDS, context=context) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def group(self):
        """A new resource group with a virtual network: its name and the ids of the subnets."""
        name = "clients-" + uuid.uuid4().hex[:8]
        path = f"/subscriptions/{self.subscription}/resourceGroups/{name}"
        vnet = path + "/providers/Microsoft.Network/virtualNetworks/vnet"
        subnets = [
            {"name": n, "properties": {"addressPrefix": p}}
            for n, p in (("master", "10.0.0.0/23"), ("worker", "10.0.2.0/23"))
        ]
        for one, version, body in (
            (path, "2024-11-01", {"location": "eastus"}),
            (
                vnet,
                "2024-05-01",
                {
                    "location": "eastus",
                    "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/22"]}, "subnets": subnets},
                },
            ),
        ):
            status, answer = self.request("PUT", one, version, body)
            assert status < 300, answer
        return name, vnet + "/subnets/master", vnet + "/subnets/worker"

    def remove(self, group):
        """Deletes a resource group; whatever is left in it goes, too."""
        self.request("DELETE", f"/subscriptions/{self.subscription}/resourceGroups/{group}", "2024-11-01")


@pytest.fixture(scope="session")
def stand():
    """From the environment; run.sh sets it."""
    try:
        return Stand(
            *(
                os.environ["ARO_LOCAL_" + name]
                for name in ("ORIGIN", "CA", "CLIENT_ID", "CLIENT_SECRET", "TENANT", "SUBSCRIPTION")
            ),
            os.environ["ARO_CLIENTS_VENV"],
        )
    except KeyError as missing:
        pytest.fail(f"{missing} is not set; test/clients/run.sh sets it")


@pytest.fixture
def group(stand):
    """A resource group with a network, removed afterwards."""
    made = stand.group()
    yield made
    stand.remove(made[0])


@pytest.fixture
def principal(stand):
    """A service principal, removed afterwards."""
    made = principals.make(stand)
    yield made
    principals.remove(stand, made)

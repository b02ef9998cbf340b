"""Credentials and clients of the Python proofs."""

import dataclasses
import os

import principals
import pytest
from azure.identity import ClientSecretCredential


@pytest.fixture(scope="session")
def credential(stand):
    """The demo application's."""
    os.environ["REQUESTS_CA_BUNDLE"] = stand.ca
    return ClientSecretCredential(
        stand.tenant, stand.client_id, stand.client_secret, authority=stand.origin, disable_instance_discovery=True
    )


@pytest.fixture
def options(stand):
    """What sends a client to the local Azure."""
    return {"base_url": stand.origin, "credential_scopes": [stand.origin + "/.default"]}


@dataclasses.dataclass
class Place:
    """Where a cluster goes, and with which identity."""

    group: str
    machines: str
    master: str
    worker: str
    principal: principals.Principal


@pytest.fixture
def place(stand, group, principal):
    """A network on which the cluster's principal and the service have their role."""
    name, master, worker = group
    vnet = master.rsplit("/subnets/", 1)[0]
    for one in (principal.object_id, principals.rp_object_id(stand)):
        principals.assign(stand, principals.NETWORK_CONTRIBUTOR, vnet, one)
    machines = f"/subscriptions/{stand.subscription}/resourceGroups/{name}-machines"
    return Place(name, machines, master, worker, principal)

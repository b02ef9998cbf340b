"""Credentials and clients of the Python proofs."""

import os

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

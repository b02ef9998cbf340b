"""What a published SDK reads in an api-version it can write back, with all that its models do not know.

Its models keep members that they lack and send them: so an answer must have no member that its api-version lacks.
"""

import time

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.redhatopenshift import AzureRedHatOpenShiftClient

NAME = "round-trip"
NEWEST = "2025-07-25"
VERSIONS = (
    "2019-12-31-preview",
    "2020-04-30",
    "2021-09-01-preview",
    "2022-04-01",
    "2022-09-04",
    "2023-04-01",
    "2023-07-01-preview",
    "2023-09-04",
    "2023-11-22",
    "2024-08-12-preview",
    NEWEST,
)
LIMIT_SECONDS = 600


def test_every_version(stand, credential, options, place):
    create(stand, place)
    for version in VERSIONS:
        with AzureRedHatOpenShiftClient(credential, stand.subscription, api_version=version, **options) as client:
            clusters = client.open_shift_clusters
            read = clusters.get(place.group, NAME)
            read.tags = {"through": version}
            written = clusters.begin_create_or_update(place.group, NAME, read).result()
            assert written.tags == {"through": version}, version
            if hasattr(read, "__setitem__"):  # the models of 3.0.0 drop what they do not know
                read["unheardOf"] = "x"
                with pytest.raises(HttpResponseError, match="unheardOf"):
                    clusters.begin_create_or_update(place.group, NAME, read)


def create(stand, place):
    """Makes the cluster by plain REST, and waits until it is there."""
    path = (
        f"/subscriptions/{stand.subscription}/resourceGroups/{place.group}"
        f"/providers/Microsoft.RedHatOpenShift/openShiftClusters/{NAME}"
    )
    principal = {"clientId": place.principal.client_id, "clientSecret": place.principal.client_secret}
    properties = {
        "clusterProfile": {"domain": place.group, "resourceGroupId": place.machines},
        "servicePrincipalProfile": principal,
        "networkProfile": {"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16"},
        "masterProfile": {"vmSize": "Standard_D8s_v3", "subnetId": place.master},
        "workerProfiles": [{"name": "worker", "vmSize": "Standard_D4s_v3", "subnetId": place.worker, "count": 3}],
        "apiserverProfile": {"visibility": "Public"},
        "ingressProfiles": [{"name": "default", "visibility": "Public"}],
    }
    status, answer = stand.request("PUT", path, NEWEST, {"location": "eastus", "properties": properties})
    assert status == 201, answer
    limit = time.monotonic() + LIMIT_SECONDS
    while answer["properties"]["provisioningState"] == "Creating":
        assert time.monotonic() < limit, answer
        time.sleep(1)
        _, answer = stand.request("GET", path, NEWEST)
    assert answer["properties"]["provisioningState"] == "Succeeded", answer

"""Commands of az around a cluster, unmodified: locks, sizes, images, providers, vaults and storage by the names it builds."""

import json
import uuid

import pytest

from conftest import extended
from proxy import Proxy


@pytest.fixture
def named(stand, tmp_path):
    """az for which names below that of the local Azure lead to it, as a resolver would do it."""
    proxy = Proxy(tmp_path, stand.origin, stand.ca)
    az = extended(stand, tmp_path)
    az.environment.update(HTTPS_PROXY=proxy.address, NO_PROXY="127.0.0.1")
    yield az.login(stand.client_id, stand.client_secret)
    proxy.close()


@pytest.mark.proves("az vm, provider, network and lock", "create", "read", "delete", "refusals")
def test_what_az_asks_of_a_subscription(ours, stand, group):
    scope = ("--resource-group", group[0])
    assert "Standard_D8s_v5" in [one["name"] for one in ours("vm", "list-sizes", "--location", "eastus")]
    assert "Ubuntu2204" in [one["urnAlias"] for one in ours("vm", "image", "list")]
    images = ours("vm", "image", "list", "--all", "--publisher", "azureopenshift", "--location", "eastus")
    assert {one["offer"] for one in images} == {"aro4"}
    operations = ours("provider", "operation", "show", "--namespace", "Microsoft.RedHatOpenShift")
    assert "openShiftClusters" in [one["name"] for one in operations["resourceTypes"]]
    free = ours("network", "vnet", "list-available-ips", *scope, "--name", "vnet")
    assert len(free) == 5
    ours("lock", "create", "--name", "keep", *scope, "--lock-type", "CanNotDelete")
    assert "ScopeLocked" in ours.refused("network", "vnet", "delete", *scope, "--name", "vnet")
    ours("lock", "delete", "--name", "keep", *scope)


@pytest.mark.proves("az keyvault and storage", "create", "read")
def test_vaults_and_storage_without_endpoints(named, stand, group):
    name = "c" + uuid.uuid4().hex[:12]
    policy = json.dumps(named("keyvault", "certificate", "get-default-policy"))
    scope = ("--resource-group", group[0], "--location", "eastus")
    me = named("ad", "sp", "show", "--id", stand.client_id)["id"]
    vault = named("keyvault", "create", "--name", name, *scope, "--enable-rbac-authorization", "false")
    permissions = ("--secret-permissions", "all", "--key-permissions", "all", "--certificate-permissions", "all")
    named("keyvault", "set-policy", "--name", name, "--object-id", me, *permissions)
    named("keyvault", "secret", "set", "--vault-name", name, "--name", "one", "--value", "v")
    shown = named("keyvault", "secret", "show", "--vault-name", name, "--name", "one")
    named("keyvault", "key", "create", "--vault-name", name, "--name", "two", "--kty", "RSA")
    assert named("keyvault", "key", "list", "--vault-name", name)[0]["name"] == "two"
    named("keyvault", "certificate", "create", "--vault-name", name, "--name", "three", "--policy", policy)
    assert named("keyvault", "certificate", "show", "--vault-name", name, "--name", "three")["policy"]
    assert shown["value"] == "v" and vault["properties"]["enableRbacAuthorization"] is False
    named("keyvault", "delete", "--name", name)
    assert name in [one["name"] for one in named("keyvault", "list-deleted")]
    named("keyvault", "purge", "--name", name)

    named("storage", "account", "create", "--name", name, *scope, "--sku", "Standard_LRS")
    account = ("--account-name", name)
    key = named("storage", "account", "keys", "list", *account)[0]["value"]
    named("storage", "container", "create", *account, "--account-key", key, "--name", "things")
    named("storage", "blob", "upload", *account, "--account-key", key, "-c", "things", "-n", "a", "--data", "text")
    blobs = named("storage", "blob", "list", *account, "--account-key", key, "--container-name", "things")
    assert [one["name"] for one in blobs] == ["a"]

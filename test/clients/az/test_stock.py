"""az aro as it comes with az, unmodified, against the local Azure."""

import life
import pytest

NAME = "stock"


def test_versions_are_listed(stock):
    versions = stock("aro", "get-versions", "--location", "eastus")
    assert versions and versions == sorted(versions)
    assert stock.table("aro", "get-versions", "--location", "eastus")[0] == life.VERSION_COLUMNS
    assert stock.proxy.seen, "az did not go through the proxy"


def test_what_is_not_there_is_told(stock, group):
    assert stock.run("aro", "show", "--resource-group", group[0], "--name", "absent").returncode == 3
    assert "absent" in stock.refused("aro", "delete", "--yes", "--resource-group", group[0], "--name", "absent")


@pytest.mark.proves("az aro of az", "refusals")
def test_refusals_have_code_and_message(stock, group):
    wanted = (*life.network(group), "--name", NAME, "--master-vm-size", "Standard_A1")
    assert "(InvalidParameter) properties.masterProfile.vmSize: " in stock.refused("aro", "create", *wanted)


@pytest.mark.proves("az aro of az", "create", "read", "update", "delete", "credentials", "validate")
def test_cluster_with_a_service_principal(stock, group, tmp_path):
    here = ("--resource-group", group[0], "--name", NAME)
    stock("aro", "validate", *life.network(group), "--name", NAME)
    made = stock("aro", "create", *life.network(group), "--name", NAME, "--tags", "made-by=stock")
    assert made["provisioningState"] == "Succeeded" and made["tags"] == {"made-by": "stock"}
    shown = life.look(stock, group[0], NAME)
    life.kubeconfig(stock, group[0], NAME, tmp_path)
    stock("aro", "update", *here, "--refresh-credentials", "true")
    stock("aro", "update", *here, "--lb-ip-count", "2", "--no-wait")
    stock("aro", "wait", *here, "--updated", "--interval", "2", "--timeout", "600")
    changed = stock("aro", "show", *here)
    assert changed["networkProfile"]["loadBalancerProfile"]["managedOutboundIps"]["count"] == 2
    assert changed["id"] == shown["id"]
    stock("aro", "delete", "--yes", *here, "--no-wait")
    stock("aro", "wait", *here, "--deleted", "--interval", "2", "--timeout", "600")
    life.gone(stock, group[0], NAME)


@pytest.mark.proves("az aro of az", "identities")
def test_cluster_with_managed_identities(stock, stand, group):
    version = stock("aro", "get-versions", "--location", "eastus")[-1]
    identities = ("--version", version, "--location", "eastus", *life.network(group))
    stock("aro", "identity", "get-required", *identities)
    made = stock("aro", "identity", "create-required", "--yes", *identities)
    assert made[0]["name"] == "aro-cluster" and len(made) == 9
    here = ("--resource-group", group[0], "--name", NAME)
    cluster = stock(
        "aro", "create", *life.network(group), "--name", NAME, "--enable-managed-identity", "true", "--version", version
    )
    assert cluster["provisioningState"] == "Succeeded" and cluster["identity"]["type"] == "UserAssigned"
    assert len(cluster["platformWorkloadIdentityProfile"]["platformWorkloadIdentities"]) == 8
    old, operators = life.identities(stock, group[0], NAME)
    ingress, own = (life.successor(stock, stand, group[0], name) for name in ("ingress", "aro-cluster"))
    changes = ("--assign-platform-workload-identity", "ingress", ingress, "--assign-cluster-identity", own)
    stock("aro", "update", *here, *changes)
    assert life.identities(stock, group[0], NAME) == ([own], {**operators, "ingress": ingress})
    stock("identity", "delete", "--ids", *old, operators["ingress"])
    stock("aro", "delete", "--yes", *here, "--delete-identities", "true")
    life.gone(stock, group[0], NAME)
    assert stock("identity", "list", "--resource-group", group[0]) == []

"""az with our extension. It goes to the cloud's resource manager by itself."""

import life
import pytest

NAME = "ours"


def network_by_name(group):
    """The subnets by name, as people write them."""
    return ("--resource-group", group[0], "--vnet", "vnet", "--master-subnet", "master", "--worker-subnet", "worker")


def test_versions_are_listed_by_number(ours):
    versions = ours("aro", "get-versions", "--location", "eastus")
    assert versions == sorted(versions, key=lambda v: [int(part) for part in v.split(".")])
    assert ours.table("aro", "get-versions", "-l", "eastus")[0] == life.VERSION_COLUMNS


def test_what_is_not_there_is_told(ours, group):
    assert ours.run("aro", "show", "--resource-group", group[0], "--name", "absent").returncode == 3
    assert "az aro list" in ours.refused("aro", "delete", "--yes", "--resource-group", group[0], "--name", "absent")


@pytest.mark.proves("our extension of az", "validate")
def test_validate_names_each_problem_and_its_remedy(ours, group):
    said = ours.refused(
        "aro", "validate", *network_by_name(group), "--name", NAME, "--version", "4.9.1", "--pod-cidr", "10.0.0.0/16"
    )
    assert "overlaps 10.0.0.0/23" in said and "Choose one of" in said
    assert "az role assignment create --assignee-object-id" in said


def test_validate_names_the_regions_of_clusters(ours, group):
    said = ours.refused("aro", "validate", *network_by_name(group), "--name", NAME, "--location", "westus2")
    # The table of problems breaks the message into lines.
    assert "(LocationNotAvailableForResourceType)" in said and "'eastus'." in said


@pytest.mark.proves("our extension of az", "refusals")
def test_refusals_have_code_message_and_target(ours, group):
    wanted = (*network_by_name(group), "--name", NAME, "--master-vm-size", "Standard_A1")
    said = ours.refused("aro", "create", *wanted)
    assert '(InvalidParameter) properties.masterProfile.vmSize: "Standard_A1" is not supported for masters' in said


@pytest.mark.proves("our extension of az", "create", "read", "update", "delete", "credentials")
def test_cluster_with_a_service_principal(ours, group, tmp_path):
    here = ("--resource-group", group[0], "--name", NAME)
    # The service changes nothing that it was not asked to, and says so.
    before = ours.run("aro", "create", *network_by_name(group), "--name", NAME, "--verbose", "--output", "none")
    assert before.returncode == 0, before.stderr
    assert "% " in before.stderr, "no progress was told"
    life.look(ours, group[0], NAME)
    assert life.kubeconfig(ours, group[0], NAME, tmp_path) == 0o600
    password = ours("aro", "list-credentials", *here)["kubeadminPassword"]
    assert password not in ours.run("aro", "list-credentials", *here, "--debug").stderr
    assert ours("aro", "update", *here)["provisioningState"] == "Succeeded"
    assert "service principal" in ours.refused("aro", "update", *here, "--upgradeable-to", "4.19.1")
    assert ours("aro", "update", *here, "--tags", "a=b")["tags"] == {"a": "b"}
    assert ours("aro", "update", *here, "--refresh-credentials", "true")["provisioningState"] == "Succeeded"
    ours("aro", "update", *here, "--lb-ip-count", "2", "--no-wait")
    ours("aro", "wait", *here, "--updated", "--interval", "2", "--timeout", "600")
    ours("aro", "delete", "--yes", *here, "--no-wait")
    ours("aro", "wait", *here, "--deleted", "--interval", "2", "--timeout", "600")
    life.gone(ours, group[0], NAME)


@pytest.mark.proves("our extension of az", "identities")
def test_cluster_with_managed_identities(ours, stand, group):
    version = ours("aro", "get-versions", "--location", "eastus")[-1]
    identities = ("--version", version, *network_by_name(group))
    required = ours.run("aro", "identity", "get-required", *identities)
    assert required.returncode == 0 and required.stderr.count("az identity create") == 9
    made = ours("aro", "identity", "create-required", "--yes", *identities)
    assert [one["name"] for one in made][0] == "aro-cluster" and len(made) == 9
    assert ours("aro", "identity", "create-required", "--yes", *identities) == made
    here = ("--resource-group", group[0], "--name", NAME)
    cluster = ours("aro", "create", *identities, "--name", NAME, "--enable-mi", "true")
    assert cluster["provisioningState"] == "Succeeded" and cluster["identity"]["type"] == "UserAssigned"
    old, operators = life.identities(ours, group[0], NAME)
    ours("identity", "create", "--resource-group", group[0], "--name", "ingress-2", "--location", "eastus")
    ingress = operators["ingress"] + "-2"
    # The service waits for the roles: new ones take time to work in Azure.
    change = ("--assign-platform-workload-identity", "ingress", "ingress-2", "--no-wait")
    told = ours.run("aro", "update", *here, *change)
    assert told.returncode == 0 and "Identity ingress-2 does not have the role" in told.stderr, told.stderr
    assert life.give_told_roles(ours, told.stderr) >= 2
    ours("aro", "wait", *here, "--updated", "--interval", "2", "--timeout", "900")
    own = life.successor(ours, stand, group[0], "aro-cluster")
    again = ours.run("aro", "update", *here, "--assign-cluster-identity", own)
    assert again.returncode == 0 and "does not have the role" not in again.stderr, again.stderr
    assert life.identities(ours, group[0], NAME) == ([own], {**operators, "ingress": ingress})
    ours("identity", "delete", "--ids", *old, operators["ingress"])
    ours("aro", "delete", "--yes", *here, "--delete-identities", "true")
    life.gone(ours, group[0], NAME)
    assert ours("identity", "list", "--resource-group", group[0]) == []

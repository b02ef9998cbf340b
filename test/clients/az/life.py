"""What both flavours of az aro must do alike: a scripted life of a cluster."""

import pathlib
import shlex
import stat

import principals

VERSION_COLUMNS = ["Version"]
CLUSTER_COLUMNS = ["Name", "ResourceGroup", "Location", "ProvisioningState", "WorkerCount", "URL"]


def network(group):
    """The options that name a cluster's network."""
    name, master, worker = group
    return ("--resource-group", name, "--master-subnet", master, "--worker-subnet", worker)


def look(az, group, name):
    """Every command that reads, on a cluster that is ready."""
    here = ("--resource-group", group, "--name", name)
    shown = az("aro", "show", *here)
    assert shown["provisioningState"] == "Succeeded" and shown["clusterProfile"]["domain"]
    assert shown["masterProfile"]["vmSize"] == "Standard_D8s_v5" and shown["workerProfiles"][0]["count"] == 3
    assert [one["id"] for one in az("aro", "list", "--resource-group", group)] == [shown["id"]]
    assert shown["id"] in [one["id"] for one in az("aro", "list")]
    header, row = az.table("aro", "list", "--resource-group", group)
    assert header == CLUSTER_COLUMNS
    assert row == [name, group, "eastus", "Succeeded", "3", shown["consoleProfile"]["url"]]
    credentials = az("aro", "list-credentials", *here)
    assert credentials["kubeadminUsername"] == "kubeadmin" and credentials["kubeadminPassword"]
    assert az("aro", "wait", *here, "--created", "--timeout", "60") is None
    return shown


def kubeconfig(az, group, name, directory):
    """Fetches the administrator's file; another time it must not be written over."""
    file = pathlib.Path(directory) / "kubeconfig"
    az("aro", "get-admin-kubeconfig", "--resource-group", group, "--name", name, "--file", str(file))
    content = file.read_text(encoding="utf-8")
    assert "clusters:" in content and "client-key-data" in content
    az.refused("aro", "get-admin-kubeconfig", "--resource-group", group, "--name", name, "--file", str(file))
    assert file.read_text(encoding="utf-8") == content
    return stat.S_IMODE(file.stat().st_mode)


def gone(az, group, name):
    """The cluster is not there any more, which show tells by its exit code."""
    done = az.run("aro", "show", "--resource-group", group, "--name", name)
    assert done.returncode == 3, done.stderr
    assert az("aro", "list", "--resource-group", group) == []


def successor(az, stand, group, name):
    """A new identity with the roles of another one, which may go: the new one's id."""
    old = az("identity", "show", "--resource-group", group, "--name", name)
    new = az("identity", "create", "--resource-group", group, "--name", name + "-2", "--location", "eastus")
    principals.replace(stand, group, old, new)
    return new["id"]


def give_told_roles(az, said):
    """Runs the commands that give roles, as az aro printed them: how many."""
    commands = [line.strip() for line in said.splitlines() if line.startswith("  az role assignment create")]
    for command in commands:
        az(*shlex.split(command)[1:])
    return len(commands)


def identities(az, group, name):
    """The ids of the cluster's own identity and of its operators'."""
    shown = az("aro", "show", "--resource-group", group, "--name", name)
    assert shown["provisioningState"] == "Succeeded"
    operators = shown["platformWorkloadIdentityProfile"]["platformWorkloadIdentities"]
    return list(shown["identity"]["userAssignedIdentities"]), {
        operator: one["resourceId"] for operator, one in operators.items()
    }

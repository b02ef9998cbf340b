"""What both flavours of az aro must do alike: a scripted life of a cluster."""

import pathlib
import stat

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

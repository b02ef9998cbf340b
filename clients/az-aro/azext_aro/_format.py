"""How results are shown to people: tables of the JSON that the commands print, and the
order of versions."""

from collections import OrderedDict


def cluster_table(cluster):
    """One row: what tells clusters apart, and where the console is."""
    parts = (cluster.get("id") or "").split("/")
    # Scaling after installation shows only in the status.
    workers = cluster.get("workerProfilesStatus") or cluster.get("workerProfiles") or []
    return OrderedDict(
        [
            ("Name", cluster.get("name")),
            ("ResourceGroup", parts[4] if len(parts) > 4 else None),
            ("Location", cluster.get("location")),
            ("ProvisioningState", cluster.get("provisioningState")),
            ("WorkerCount", sum(worker.get("count") or 0 for worker in workers)),
            ("URL", (cluster.get("consoleProfile") or {}).get("url")),
        ]
    )


def cluster_list_table(clusters):
    """One row a cluster."""
    return [cluster_table(cluster) for cluster in clusters]


def version_table(versions):
    """One row a version."""
    return [OrderedDict([("Version", version)]) for version in versions]


def by_number(version):
    """Sorts 4.9.1 before 4.14.1."""
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]

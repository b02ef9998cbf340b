"""What type checkers know of our Python client. It is not run: mypy reads it, and says so if what it is told to
ignore is no mistake."""

from aro_redhatopenshift import RedHatOpenShiftClient, models
from aro_redhatopenshift.v2025_07_25 import AzureRedHatOpenShiftClient
from aro_redhatopenshift.v2025_07_25.aio import AzureRedHatOpenShiftClient as AsyncClient
from aro_redhatopenshift.v2025_07_25.models import OpenShiftCluster
from azure.core.credentials import TokenCredential


def newest(credential: TokenCredential) -> AzureRedHatOpenShiftClient:
    return RedHatOpenShiftClient(credential, "subscription")


def tags(client: AzureRedHatOpenShiftClient) -> dict[str, str] | None:
    update = models("2025-07-25").OpenShiftClusterUpdate(tags={"a": "b"})
    cluster: OpenShiftCluster = client.open_shift_clusters.begin_update("group", "name", update).result()
    return cluster.tags


async def names(client: AsyncClient) -> list[str | None]:
    return [cluster.name async for cluster in client.open_shift_clusters.list()]


def mistakes(credential: TokenCredential, client: AzureRedHatOpenShiftClient) -> None:
    models("2020-04-30").OpenShiftVersion  # type: ignore[attr-defined]
    RedHatOpenShiftClient(credential, "subscription", api_version="2020-04-30").open_shift_versions  # type: ignore[attr-defined]
    client.open_shift_clusters.get("group")  # type: ignore[call-arg]
    client.open_shift_clusters.get("group", 1)  # type: ignore[arg-type]

"""Our Python client without blocking: what it asks in every api-version."""

import asyncio
from importlib import import_module

import pytest
from aro_redhatopenshift import api_versions
from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import ClientSecretCredential


@pytest.mark.parametrize("version", api_versions())
def test_reads(version, stand, options, group):
    asyncio.run(read(version, stand, options, group[0]))


async def read(version, stand, options, group):
    """What is there, page by page, and what is not."""
    package = import_module(f"aro_redhatopenshift.v{version.replace('-', '_')}.aio")
    trust = {"connection_verify": stand.ca}
    who = (stand.tenant, stand.client_id, stand.client_secret)
    async with ClientSecretCredential(
        *who, authority=stand.origin, disable_instance_discovery=True, **trust
    ) as credential, package.AzureRedHatOpenShiftClient(credential, stand.subscription, **options, **trust) as client:
        assert [one.name for one in await listed(client.operations.list())]
        assert await listed(client.open_shift_clusters.list_by_resource_group(group)) == []
        with pytest.raises(ResourceNotFoundError) as refused:
            await client.open_shift_clusters.get(group, "absent")
        assert refused.value.error.code == "ResourceNotFound"
        if version >= "2024":  # earlier ones only list versions, or do not have them
            newest = (await listed(client.open_shift_versions.list("eastus")))[-1]
            assert (await client.open_shift_versions.get("eastus", newest.version)).id == newest.id


async def listed(found):
    """The oldest version answers with a list, later ones with pages."""
    return [one async for one in found] if hasattr(found, "__aiter__") else (await found).value

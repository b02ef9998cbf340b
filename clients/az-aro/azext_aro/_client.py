"""The connection to the resource provider. It goes where the cloud's resource
manager is, so that registered clouds work as the public one does."""

API_VERSION = "2025-07-25"


def cluster_client(cli_ctx):
    """The provider's client, with the caller's credentials."""
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azext_aro.vendored_sdks.aro_redhatopenshift.v2025_07_25 import AzureRedHatOpenShiftClient

    return get_mgmt_service_client(
        cli_ctx, AzureRedHatOpenShiftClient, base_url_bound=False, base_url=provider_endpoint(cli_ctx)
    )


def provider_endpoint(cli_ctx):
    """AZURE_ARO_ENDPOINT, or [aro] endpoint in az's configuration, names another
    resource manager for the provider alone."""
    endpoint = cli_ctx.config.get("aro", "endpoint", fallback=None) or cli_ctx.cloud.endpoints.resource_manager
    return endpoint.rstrip("/")


def models():
    """The provider's models in the api-version that this extension uses."""
    from azext_aro.vendored_sdks.aro_redhatopenshift.v2025_07_25 import models as these

    return these

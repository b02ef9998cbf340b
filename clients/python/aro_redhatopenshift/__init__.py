"""Clients of Microsoft.RedHatOpenShift, one subpackage an api-version.

The subpackages are generated from the provider's Swagger files; this module
only chooses among them.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, List

__version__ = "1.0.0"


def api_versions() -> List[str]:
    """Every api-version there is a client for, oldest first."""
    return sorted(m.name[1:].replace("_", "-") for m in iter_modules(__path__) if m.name.startswith("v2"))


def models(api_version: str) -> Any:
    """The models of an api-version, such as ``models("2023-11-22").OpenShiftCluster``."""
    return _package(api_version).models


def RedHatOpenShiftClient(  # pylint: disable=invalid-name
    credential: Any, subscription_id: str, *, api_version: str = "", **kwargs: Any
) -> Any:
    """The client of one api-version.

    :param credential: an azure.core TokenCredential.
    :param subscription_id: a UUID.
    :keyword api_version: one of api_versions(); the newest that is no preview by default.
    :keyword base_url: Azure Resource Manager's URL, for other clouds; give credential_scopes with it.
    :raises ValueError: when there is no such api-version.
    """
    newest = [v for v in api_versions() if not v.endswith("preview")][-1]
    return _package(api_version or newest).AzureRedHatOpenShiftClient(credential, subscription_id, **kwargs)


def _package(api_version: str) -> Any:
    if api_version not in api_versions():
        raise ValueError(f"no api-version {api_version!r}; there are {', '.join(api_versions())}")
    return import_module(f"{__name__}.v{api_version.replace('-', '_')}")


__all__ = ["RedHatOpenShiftClient", "api_versions", "models"]

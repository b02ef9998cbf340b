# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------
# pylint: disable=wrong-import-position

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._patch import *  # pylint: disable=unused-wildcard-import

from ._operations import Operations  # type: ignore
from ._open_shift_versions_operations import OpenShiftVersionsOperations  # type: ignore
from ._platform_workload_identity_role_sets_operations import PlatformWorkloadIdentityRoleSetsOperations  # type: ignore
from ._platform_workload_identity_role_set_operations import PlatformWorkloadIdentityRoleSetOperations  # type: ignore
from ._open_shift_clusters_operations import OpenShiftClustersOperations  # type: ignore

from ._patch import __all__ as _patch_all
from ._patch import *
from ._patch import patch_sdk as _patch_sdk

__all__ = [
    "Operations",
    "OpenShiftVersionsOperations",
    "PlatformWorkloadIdentityRoleSetsOperations",
    "PlatformWorkloadIdentityRoleSetOperations",
    "OpenShiftClustersOperations",
]
__all__.extend([p for p in _patch_all if p not in __all__])  # pyright: ignore
_patch_sdk()

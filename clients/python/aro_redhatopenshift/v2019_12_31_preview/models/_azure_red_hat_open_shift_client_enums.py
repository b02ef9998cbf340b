# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from enum import Enum
from azure.core import CaseInsensitiveEnumMeta


class ProvisioningState(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Result of the last operation on the cluster, or the operation that runs now."""

    CREATING = "Creating"
    DELETING = "Deleting"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    UPDATING = "Updating"


class VMSize(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Azure size of a virtual machine, for example Standard_D8s_v3. Which sizes are accepted depends
    on the role of the machine and the OpenShift version.
    """

    STANDARD_D2_S_V3 = "Standard_D2s_v3"
    STANDARD_D4_S_V3 = "Standard_D4s_v3"
    STANDARD_D8_S_V3 = "Standard_D8s_v3"

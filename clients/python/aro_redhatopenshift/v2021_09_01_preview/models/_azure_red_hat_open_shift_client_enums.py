# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from enum import Enum
from azure.core import CaseInsensitiveEnumMeta


class EncryptionAtHost(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether temporary disks and caches are encrypted on the host of the virtual machine. The
    subscription must have the feature EncryptionAtHost of Microsoft.Compute registered.
    """

    DISABLED = "Disabled"
    ENABLED = "Enabled"


class ProvisioningState(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Result of the last operation on the cluster, or the operation that runs now."""

    ADMIN_UPDATING = "AdminUpdating"
    CREATING = "Creating"
    DELETING = "Deleting"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    UPDATING = "Updating"


class SoftwareDefinedNetwork(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Network plug-in that connects the pods."""

    OVN_KUBERNETES = "OVNKubernetes"
    OPEN_SHIFT_SDN = "OpenShiftSDN"


class Visibility(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Public: reachable from the internet. Private: reachable from the virtual network only."""

    PRIVATE = "Private"
    PUBLIC = "Public"


class VMSize(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Azure size of a virtual machine, for example Standard_D8s_v3. Which sizes are accepted depends
    on the role of the machine and the OpenShift version.
    """

    STANDARD_D16_AS_V4 = "Standard_D16as_v4"
    STANDARD_D16_S_V3 = "Standard_D16s_v3"
    STANDARD_D2_S_V3 = "Standard_D2s_v3"
    STANDARD_D32_AS_V4 = "Standard_D32as_v4"
    STANDARD_D32_S_V3 = "Standard_D32s_v3"
    STANDARD_D4_AS_V4 = "Standard_D4as_v4"
    STANDARD_D4_S_V3 = "Standard_D4s_v3"
    STANDARD_D8_AS_V4 = "Standard_D8as_v4"
    STANDARD_D8_S_V3 = "Standard_D8s_v3"
    STANDARD_E16_S_V3 = "Standard_E16s_v3"
    STANDARD_E32_S_V3 = "Standard_E32s_v3"
    STANDARD_E4_S_V3 = "Standard_E4s_v3"
    STANDARD_E64_I_V3 = "Standard_E64i_v3"
    STANDARD_E64_IS_V3 = "Standard_E64is_v3"
    STANDARD_E8_S_V3 = "Standard_E8s_v3"
    STANDARD_F16_S_V2 = "Standard_F16s_v2"
    STANDARD_F32_S_V2 = "Standard_F32s_v2"
    STANDARD_F4_S_V2 = "Standard_F4s_v2"
    STANDARD_F72_S_V2 = "Standard_F72s_v2"
    STANDARD_F8_S_V2 = "Standard_F8s_v2"
    STANDARD_G5 = "Standard_G5"
    STANDARD_GS5 = "Standard_GS5"
    STANDARD_M128_MS = "Standard_M128ms"

# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from enum import Enum
from azure.core import CaseInsensitiveEnumMeta


class CreatedByType(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """What kind of caller created the resource."""

    USER = "User"
    APPLICATION = "Application"
    MANAGED_IDENTITY = "ManagedIdentity"
    KEY = "Key"


class EncryptionAtHost(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether temporary disks and caches are encrypted on the host of the virtual machine. The
    subscription must have the feature EncryptionAtHost of Microsoft.Compute registered.
    """

    DISABLED = "Disabled"
    ENABLED = "Enabled"


class FipsValidatedModules(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether the cluster uses only cryptographic modules validated for FIPS 140."""

    DISABLED = "Disabled"
    ENABLED = "Enabled"


class OutboundType(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """How traffic leaves the cluster. Loadbalancer: through public addresses of a load balancer that
    the service manages. UserDefinedRouting: through the route table of the subnets; needs a
    private API server and private ingress.
    """

    LOADBALANCER = "Loadbalancer"
    USER_DEFINED_ROUTING = "UserDefinedRouting"


class PreconfiguredNSG(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether the subnets come with network security groups of the customer, which the service then
    leaves alone.
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


class Visibility(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Public: reachable from the internet. Private: reachable from the virtual network only."""

    PRIVATE = "Private"
    PUBLIC = "Public"

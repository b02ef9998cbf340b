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
    """Not encrypted on the host."""
    ENABLED = "Enabled"
    """Encrypted on the host."""


class FipsValidatedModules(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether the cluster uses only cryptographic modules validated for FIPS 140."""

    DISABLED = "Disabled"
    """Any cryptographic module may be used."""
    ENABLED = "Enabled"
    """Only modules validated for FIPS 140 are used."""


class ManagedServiceIdentityType(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Which kinds of managed identity a resource has."""

    NONE = "None"
    SYSTEM_ASSIGNED = "SystemAssigned"
    USER_ASSIGNED = "UserAssigned"
    SYSTEM_ASSIGNED_USER_ASSIGNED = "SystemAssigned,UserAssigned"


class OutboundType(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """How traffic leaves the cluster. Loadbalancer: through public addresses of a load balancer that
    the service manages. UserDefinedRouting: through the route table of the subnets; needs a
    private API server and private ingress.
    """

    LOADBALANCER = "Loadbalancer"
    """Through a public load balancer."""
    USER_DEFINED_ROUTING = "UserDefinedRouting"
    """Through the route table of the subnets."""


class PreconfiguredNSG(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Whether the subnets come with network security groups of the customer, which the service then
    leaves alone.
    """

    DISABLED = "Disabled"
    """The service creates and manages the security groups."""
    ENABLED = "Enabled"
    """The customer manages the security groups."""


class ProvisioningState(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Result of the last operation on the cluster, or the operation that runs now."""

    ADMIN_UPDATING = "AdminUpdating"
    """The service is maintaining the cluster."""
    CANCELED = "Canceled"
    """The last operation was cancelled."""
    CREATING = "Creating"
    """The cluster is being installed."""
    DELETING = "Deleting"
    """The cluster is being removed."""
    FAILED = "Failed"
    """The last operation failed."""
    SUCCEEDED = "Succeeded"
    """The last operation succeeded and nothing is running."""
    UPDATING = "Updating"
    """A change by the customer is being applied."""


class Visibility(str, Enum, metaclass=CaseInsensitiveEnumMeta):
    """Public: reachable from the internet. Private: reachable from the virtual network only."""

    PRIVATE = "Private"
    """Reachable from the virtual network only."""
    PUBLIC = "Public"
    """Reachable from the internet."""

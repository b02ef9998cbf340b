# pylint: disable=too-many-lines
# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

import datetime
from typing import Any, Optional, TYPE_CHECKING, Union

from .._utils import serialization as _serialization

if TYPE_CHECKING:
    from .. import models as _models


class APIServerProfile(_serialization.Model):
    """Where and to whom the Kubernetes API is reachable.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar visibility: Who can reach the Kubernetes API. Default Public. Fixed when the cluster is
     created. Known values are: "Private" and "Public".
    :vartype visibility: str or ~aro_redhatopenshift.v2025_07_25.models.Visibility
    :ivar url: URL of the Kubernetes API. Set by the service.
    :vartype url: str
    :ivar ip: IPv4 address of the Kubernetes API. Set by the service.
    :vartype ip: str
    """

    _validation = {
        "url": {"readonly": True},
        "ip": {"readonly": True},
    }

    _attribute_map = {
        "visibility": {"key": "visibility", "type": "str"},
        "url": {"key": "url", "type": "str"},
        "ip": {"key": "ip", "type": "str"},
    }

    def __init__(self, *, visibility: Optional[Union[str, "_models.Visibility"]] = None, **kwargs: Any) -> None:
        """
        :keyword visibility: Who can reach the Kubernetes API. Default Public. Fixed when the cluster
         is created. Known values are: "Private" and "Public".
        :paramtype visibility: str or ~aro_redhatopenshift.v2025_07_25.models.Visibility
        """
        super().__init__(**kwargs)
        self.visibility = visibility
        self.url: Optional[str] = None
        self.ip: Optional[str] = None


class CloudErrorBody(_serialization.Model):
    """What went wrong, for programs and for people.

    :ivar code: Stable, never translated name of the error, for programs.
    :vartype code: str
    :ivar message: What happened and what to do about it, for people.
    :vartype message: str
    :ivar target: JSON path of the member of the request that caused the error, for example
     properties.networkProfile.podCidr.
    :vartype target: str
    :ivar details: Further errors, when a request has more than one fault.
    :vartype details: list[~aro_redhatopenshift.v2025_07_25.models.CloudErrorBody]
    """

    _attribute_map = {
        "code": {"key": "code", "type": "str"},
        "message": {"key": "message", "type": "str"},
        "target": {"key": "target", "type": "str"},
        "details": {"key": "details", "type": "[CloudErrorBody]"},
    }

    def __init__(
        self,
        *,
        code: Optional[str] = None,
        message: Optional[str] = None,
        target: Optional[str] = None,
        details: Optional[list["_models.CloudErrorBody"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword code: Stable, never translated name of the error, for programs.
        :paramtype code: str
        :keyword message: What happened and what to do about it, for people.
        :paramtype message: str
        :keyword target: JSON path of the member of the request that caused the error, for example
         properties.networkProfile.podCidr.
        :paramtype target: str
        :keyword details: Further errors, when a request has more than one fault.
        :paramtype details: list[~aro_redhatopenshift.v2025_07_25.models.CloudErrorBody]
        """
        super().__init__(**kwargs)
        self.code = code
        self.message = message
        self.target = target
        self.details = details


class ClusterProfile(_serialization.Model):
    """Identity of the cluster: its version, its domain and where its resources are kept.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar pull_secret: Red Hat pull secret, a JSON object with the member auths. Optional; without
     it no Red Hat images or operators beyond the platform are available. Never returned.
    :vartype pull_secret: str
    :ivar domain: Domain of the cluster. A single label becomes a domain that the service manages;
     a name with dots is a domain of the customer. Fixed when the cluster is created.
    :vartype domain: str
    :ivar version: OpenShift version to install, for example 4.17.27. Default: the default version
     of the service. Later it shows the version that runs.
    :vartype version: str
    :ivar resource_group_id: Resource id of a resource group that does not exist yet, in the same
     subscription; the service creates it and keeps the resources of the cluster there.
    :vartype resource_group_id: str
    :ivar fips_validated_modules: Whether the cluster uses FIPS validated modules only. Default
     Disabled. Fixed when the cluster is created. Known values are: "Disabled" and "Enabled".
    :vartype fips_validated_modules: str or
     ~aro_redhatopenshift.v2025_07_25.models.FipsValidatedModules
    :ivar oidc_issuer: OpenID Connect issuer of the cluster. Set by the service when workload
     identity is used.
    :vartype oidc_issuer: str
    """

    _validation = {
        "oidc_issuer": {"readonly": True},
    }

    _attribute_map = {
        "pull_secret": {"key": "pullSecret", "type": "str"},
        "domain": {"key": "domain", "type": "str"},
        "version": {"key": "version", "type": "str"},
        "resource_group_id": {"key": "resourceGroupId", "type": "str"},
        "fips_validated_modules": {"key": "fipsValidatedModules", "type": "str"},
        "oidc_issuer": {"key": "oidcIssuer", "type": "str"},
    }

    def __init__(
        self,
        *,
        pull_secret: Optional[str] = None,
        domain: Optional[str] = None,
        version: Optional[str] = None,
        resource_group_id: Optional[str] = None,
        fips_validated_modules: Optional[Union[str, "_models.FipsValidatedModules"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword pull_secret: Red Hat pull secret, a JSON object with the member auths. Optional;
         without it no Red Hat images or operators beyond the platform are available. Never returned.
        :paramtype pull_secret: str
        :keyword domain: Domain of the cluster. A single label becomes a domain that the service
         manages; a name with dots is a domain of the customer. Fixed when the cluster is created.
        :paramtype domain: str
        :keyword version: OpenShift version to install, for example 4.17.27. Default: the default
         version of the service. Later it shows the version that runs.
        :paramtype version: str
        :keyword resource_group_id: Resource id of a resource group that does not exist yet, in the
         same subscription; the service creates it and keeps the resources of the cluster there.
        :paramtype resource_group_id: str
        :keyword fips_validated_modules: Whether the cluster uses FIPS validated modules only. Default
         Disabled. Fixed when the cluster is created. Known values are: "Disabled" and "Enabled".
        :paramtype fips_validated_modules: str or
         ~aro_redhatopenshift.v2025_07_25.models.FipsValidatedModules
        """
        super().__init__(**kwargs)
        self.pull_secret = pull_secret
        self.domain = domain
        self.version = version
        self.resource_group_id = resource_group_id
        self.fips_validated_modules = fips_validated_modules
        self.oidc_issuer: Optional[str] = None


class ConsoleProfile(_serialization.Model):
    """The web console of the cluster.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar url: URL of the web console. Set by the service.
    :vartype url: str
    """

    _validation = {
        "url": {"readonly": True},
    }

    _attribute_map = {
        "url": {"key": "url", "type": "str"},
    }

    def __init__(self, **kwargs: Any) -> None:
        """ """
        super().__init__(**kwargs)
        self.url: Optional[str] = None


class Display(_serialization.Model):
    """Texts that describe an operation to people.

    :ivar provider: Display name of the provider.
    :vartype provider: str
    :ivar resource: Display name of the resource type.
    :vartype resource: str
    :ivar operation: Display name of the operation.
    :vartype operation: str
    :ivar description: One sentence about the operation.
    :vartype description: str
    """

    _attribute_map = {
        "provider": {"key": "provider", "type": "str"},
        "resource": {"key": "resource", "type": "str"},
        "operation": {"key": "operation", "type": "str"},
        "description": {"key": "description", "type": "str"},
    }

    def __init__(
        self,
        *,
        provider: Optional[str] = None,
        resource: Optional[str] = None,
        operation: Optional[str] = None,
        description: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword provider: Display name of the provider.
        :paramtype provider: str
        :keyword resource: Display name of the resource type.
        :paramtype resource: str
        :keyword operation: Display name of the operation.
        :paramtype operation: str
        :keyword description: One sentence about the operation.
        :paramtype description: str
        """
        super().__init__(**kwargs)
        self.provider = provider
        self.resource = resource
        self.operation = operation
        self.description = description


class EffectiveOutboundIP(_serialization.Model):
    """A public IP address that traffic from the cluster has as its source.

    :ivar id: Resource id of the public IP address.
    :vartype id: str
    """

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
    }

    def __init__(self, *, id: Optional[str] = None, **kwargs: Any) -> None:  # pylint: disable=redefined-builtin
        """
        :keyword id: Resource id of the public IP address.
        :paramtype id: str
        """
        super().__init__(**kwargs)
        self.id = id


class IngressProfile(_serialization.Model):
    """One entry point for traffic to applications.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar name: Name of the ingress. On creation it is default.
    :vartype name: str
    :ivar visibility: Who can reach applications through this ingress. Default Public. Fixed when
     the cluster is created. Known values are: "Private" and "Public".
    :vartype visibility: str or ~aro_redhatopenshift.v2025_07_25.models.Visibility
    :ivar ip: IPv4 address of the ingress. Set by the service.
    :vartype ip: str
    """

    _validation = {
        "ip": {"readonly": True},
    }

    _attribute_map = {
        "name": {"key": "name", "type": "str"},
        "visibility": {"key": "visibility", "type": "str"},
        "ip": {"key": "ip", "type": "str"},
    }

    def __init__(
        self,
        *,
        name: Optional[str] = None,
        visibility: Optional[Union[str, "_models.Visibility"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the ingress. On creation it is default.
        :paramtype name: str
        :keyword visibility: Who can reach applications through this ingress. Default Public. Fixed
         when the cluster is created. Known values are: "Private" and "Public".
        :paramtype visibility: str or ~aro_redhatopenshift.v2025_07_25.models.Visibility
        """
        super().__init__(**kwargs)
        self.name = name
        self.visibility = visibility
        self.ip: Optional[str] = None


class LoadBalancerProfile(_serialization.Model):
    """The outbound addresses of the public load balancer. Only with the outbound type Loadbalancer.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar managed_outbound_ips: How many outbound addresses the service keeps.
    :vartype managed_outbound_ips: ~aro_redhatopenshift.v2025_07_25.models.ManagedOutboundIPs
    :ivar effective_outbound_ips: The outbound addresses in use. Set by the service.
    :vartype effective_outbound_ips:
     list[~aro_redhatopenshift.v2025_07_25.models.EffectiveOutboundIP]
    """

    _validation = {
        "effective_outbound_ips": {"readonly": True},
    }

    _attribute_map = {
        "managed_outbound_ips": {"key": "managedOutboundIps", "type": "ManagedOutboundIPs"},
        "effective_outbound_ips": {"key": "effectiveOutboundIps", "type": "[EffectiveOutboundIP]"},
    }

    def __init__(self, *, managed_outbound_ips: Optional["_models.ManagedOutboundIPs"] = None, **kwargs: Any) -> None:
        """
        :keyword managed_outbound_ips: How many outbound addresses the service keeps.
        :paramtype managed_outbound_ips: ~aro_redhatopenshift.v2025_07_25.models.ManagedOutboundIPs
        """
        super().__init__(**kwargs)
        self.managed_outbound_ips = managed_outbound_ips
        self.effective_outbound_ips: Optional[list["_models.EffectiveOutboundIP"]] = None


class ManagedOutboundIPs(_serialization.Model):
    """Outbound addresses that the service creates and deletes.

    :ivar count: Number of outbound addresses, 1 to 20. Default 1. May be changed at any time.
    :vartype count: int
    """

    _attribute_map = {
        "count": {"key": "count", "type": "int"},
    }

    def __init__(self, *, count: Optional[int] = None, **kwargs: Any) -> None:
        """
        :keyword count: Number of outbound addresses, 1 to 20. Default 1. May be changed at any time.
        :paramtype count: int
        """
        super().__init__(**kwargs)
        self.count = count


class ManagedServiceIdentity(_serialization.Model):
    """The managed identities of a resource.

    Variables are only populated by the server, and will be ignored when sending a request.

    All required parameters must be populated in order to send to server.

    :ivar principal_id: Principal id of the identity that Azure assigned to the resource. Set by
     the service.
    :vartype principal_id: str
    :ivar tenant_id: Tenant of the identities. Set by the service.
    :vartype tenant_id: str
    :ivar type: Which kinds of identity the resource has. A cluster needs UserAssigned. Required.
     Known values are: "None", "SystemAssigned", "UserAssigned", and "SystemAssigned,UserAssigned".
    :vartype type: str or ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentityType
    :ivar user_assigned_identities: The user-assigned identities: resource ids as names, empty
     objects as values. A cluster needs exactly one.
    :vartype user_assigned_identities: dict[str,
     ~aro_redhatopenshift.v2025_07_25.models.UserAssignedIdentity]
    """

    _validation = {
        "principal_id": {"readonly": True},
        "tenant_id": {"readonly": True},
        "type": {"required": True},
    }

    _attribute_map = {
        "principal_id": {"key": "principalId", "type": "str"},
        "tenant_id": {"key": "tenantId", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "user_assigned_identities": {"key": "userAssignedIdentities", "type": "{UserAssignedIdentity}"},
    }

    def __init__(
        self,
        *,
        type: Union[str, "_models.ManagedServiceIdentityType"],
        user_assigned_identities: Optional[dict[str, "_models.UserAssignedIdentity"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword type: Which kinds of identity the resource has. A cluster needs UserAssigned.
         Required. Known values are: "None", "SystemAssigned", "UserAssigned", and
         "SystemAssigned,UserAssigned".
        :paramtype type: str or ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentityType
        :keyword user_assigned_identities: The user-assigned identities: resource ids as names, empty
         objects as values. A cluster needs exactly one.
        :paramtype user_assigned_identities: dict[str,
         ~aro_redhatopenshift.v2025_07_25.models.UserAssignedIdentity]
        """
        super().__init__(**kwargs)
        self.principal_id: Optional[str] = None
        self.tenant_id: Optional[str] = None
        self.type = type
        self.user_assigned_identities = user_assigned_identities


class MasterProfile(_serialization.Model):
    """The virtual machines of the control plane. Fixed when the cluster is created.

    :ivar vm_size: Azure size of the control plane machines. Default Standard_D8s_v5.
    :vartype vm_size: str
    :ivar subnet_id: Resource id of the subnet of the control plane machines. It must be in the
     virtual network of the workers and must be used by nothing else.
    :vartype subnet_id: str
    :ivar encryption_at_host: Encryption on the host for the control plane machines. Default
     Disabled. Known values are: "Disabled" and "Enabled".
    :vartype encryption_at_host: str or ~aro_redhatopenshift.v2025_07_25.models.EncryptionAtHost
    :ivar disk_encryption_set_id: Resource id of a disk encryption set for the disks of the control
     plane. Empty: keys managed by the platform.
    :vartype disk_encryption_set_id: str
    """

    _attribute_map = {
        "vm_size": {"key": "vmSize", "type": "str"},
        "subnet_id": {"key": "subnetId", "type": "str"},
        "encryption_at_host": {"key": "encryptionAtHost", "type": "str"},
        "disk_encryption_set_id": {"key": "diskEncryptionSetId", "type": "str"},
    }

    def __init__(
        self,
        *,
        vm_size: Optional[str] = None,
        subnet_id: Optional[str] = None,
        encryption_at_host: Optional[Union[str, "_models.EncryptionAtHost"]] = None,
        disk_encryption_set_id: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword vm_size: Azure size of the control plane machines. Default Standard_D8s_v5.
        :paramtype vm_size: str
        :keyword subnet_id: Resource id of the subnet of the control plane machines. It must be in the
         virtual network of the workers and must be used by nothing else.
        :paramtype subnet_id: str
        :keyword encryption_at_host: Encryption on the host for the control plane machines. Default
         Disabled. Known values are: "Disabled" and "Enabled".
        :paramtype encryption_at_host: str or ~aro_redhatopenshift.v2025_07_25.models.EncryptionAtHost
        :keyword disk_encryption_set_id: Resource id of a disk encryption set for the disks of the
         control plane. Empty: keys managed by the platform.
        :paramtype disk_encryption_set_id: str
        """
        super().__init__(**kwargs)
        self.vm_size = vm_size
        self.subnet_id = subnet_id
        self.encryption_at_host = encryption_at_host
        self.disk_encryption_set_id = disk_encryption_set_id


class NetworkProfile(_serialization.Model):
    """Address ranges of the cluster and its way to the internet.

    :ivar pod_cidr: IPv4 range for pods in CIDR notation, /18 or larger, with no host bits set.
     Default 10.128.0.0/14.
    :vartype pod_cidr: str
    :ivar service_cidr: IPv4 range for services in CIDR notation, /22 or larger, with no host bits
     set. Default 172.30.0.0/16.
    :vartype service_cidr: str
    :ivar outbound_type: How traffic leaves the cluster. Default Loadbalancer. Fixed when the
     cluster is created. Known values are: "Loadbalancer" and "UserDefinedRouting".
    :vartype outbound_type: str or ~aro_redhatopenshift.v2025_07_25.models.OutboundType
    :ivar load_balancer_profile: Outbound addresses of the load balancer. Must be absent with the
     outbound type UserDefinedRouting.
    :vartype load_balancer_profile: ~aro_redhatopenshift.v2025_07_25.models.LoadBalancerProfile
    :ivar preconfigured_nsg: Whether the subnets bring their own network security groups. Default
     Disabled. Fixed when the cluster is created. Known values are: "Disabled" and "Enabled".
    :vartype preconfigured_nsg: str or ~aro_redhatopenshift.v2025_07_25.models.PreconfiguredNSG
    """

    _attribute_map = {
        "pod_cidr": {"key": "podCidr", "type": "str"},
        "service_cidr": {"key": "serviceCidr", "type": "str"},
        "outbound_type": {"key": "outboundType", "type": "str"},
        "load_balancer_profile": {"key": "loadBalancerProfile", "type": "LoadBalancerProfile"},
        "preconfigured_nsg": {"key": "preconfiguredNSG", "type": "str"},
    }

    def __init__(
        self,
        *,
        pod_cidr: Optional[str] = None,
        service_cidr: Optional[str] = None,
        outbound_type: Optional[Union[str, "_models.OutboundType"]] = None,
        load_balancer_profile: Optional["_models.LoadBalancerProfile"] = None,
        preconfigured_nsg: Optional[Union[str, "_models.PreconfiguredNSG"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword pod_cidr: IPv4 range for pods in CIDR notation, /18 or larger, with no host bits set.
         Default 10.128.0.0/14.
        :paramtype pod_cidr: str
        :keyword service_cidr: IPv4 range for services in CIDR notation, /22 or larger, with no host
         bits set. Default 172.30.0.0/16.
        :paramtype service_cidr: str
        :keyword outbound_type: How traffic leaves the cluster. Default Loadbalancer. Fixed when the
         cluster is created. Known values are: "Loadbalancer" and "UserDefinedRouting".
        :paramtype outbound_type: str or ~aro_redhatopenshift.v2025_07_25.models.OutboundType
        :keyword load_balancer_profile: Outbound addresses of the load balancer. Must be absent with
         the outbound type UserDefinedRouting.
        :paramtype load_balancer_profile: ~aro_redhatopenshift.v2025_07_25.models.LoadBalancerProfile
        :keyword preconfigured_nsg: Whether the subnets bring their own network security groups.
         Default Disabled. Fixed when the cluster is created. Known values are: "Disabled" and
         "Enabled".
        :paramtype preconfigured_nsg: str or ~aro_redhatopenshift.v2025_07_25.models.PreconfiguredNSG
        """
        super().__init__(**kwargs)
        self.pod_cidr = pod_cidr
        self.service_cidr = service_cidr
        self.outbound_type = outbound_type
        self.load_balancer_profile = load_balancer_profile
        self.preconfigured_nsg = preconfigured_nsg


class Resource(_serialization.Model):
    """Members that every Azure resource has.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "system_data": {"readonly": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "system_data": {"key": "systemData", "type": "SystemData"},
    }

    def __init__(self, **kwargs: Any) -> None:
        """ """
        super().__init__(**kwargs)
        self.id: Optional[str] = None
        self.name: Optional[str] = None
        self.type: Optional[str] = None
        self.system_data: Optional["_models.SystemData"] = None


class TrackedResource(Resource):
    """A resource that lives in an Azure region and carries tags.

    Variables are only populated by the server, and will be ignored when sending a request.

    All required parameters must be populated in order to send to server.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    :ivar tags: Names and values that the owner of the resource chooses.
    :vartype tags: dict[str, str]
    :ivar location: Azure region of the resource. Fixed when the resource is created; upper and
     lower case and blanks do not matter. Required.
    :vartype location: str
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "system_data": {"readonly": True},
        "location": {"required": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "system_data": {"key": "systemData", "type": "SystemData"},
        "tags": {"key": "tags", "type": "{str}"},
        "location": {"key": "location", "type": "str"},
    }

    def __init__(self, *, location: str, tags: Optional[dict[str, str]] = None, **kwargs: Any) -> None:
        """
        :keyword tags: Names and values that the owner of the resource chooses.
        :paramtype tags: dict[str, str]
        :keyword location: Azure region of the resource. Fixed when the resource is created; upper and
         lower case and blanks do not matter. Required.
        :paramtype location: str
        """
        super().__init__(**kwargs)
        self.tags = tags
        self.location = location


class OpenShiftCluster(TrackedResource):
    """A managed OpenShift cluster.

    Variables are only populated by the server, and will be ignored when sending a request.

    All required parameters must be populated in order to send to server.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    :ivar tags: Names and values that the owner of the resource chooses.
    :vartype tags: dict[str, str]
    :ivar location: Azure region of the resource. Fixed when the resource is created; upper and
     lower case and blanks do not matter. Required.
    :vartype location: str
    :ivar identity: The one user-assigned managed identity that acts for a cluster with workload
     identity.
    :vartype identity: ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentity
    :ivar provisioning_state: State of the last operation. Set by the service. Known values are:
     "AdminUpdating", "Canceled", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
    :vartype provisioning_state: str or ~aro_redhatopenshift.v2025_07_25.models.ProvisioningState
    :ivar cluster_profile: Version, domain and resource group of the cluster.
    :vartype cluster_profile: ~aro_redhatopenshift.v2025_07_25.models.ClusterProfile
    :ivar console_profile: Web console of the cluster.
    :vartype console_profile: ~aro_redhatopenshift.v2025_07_25.models.ConsoleProfile
    :ivar service_principal_profile: Service principal of the cluster.
    :vartype service_principal_profile:
     ~aro_redhatopenshift.v2025_07_25.models.ServicePrincipalProfile
    :ivar platform_workload_identity_profile: Managed identities of the cluster operators, instead
     of a service principal.
    :vartype platform_workload_identity_profile:
     ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityProfile
    :ivar network_profile: Network of the cluster.
    :vartype network_profile: ~aro_redhatopenshift.v2025_07_25.models.NetworkProfile
    :ivar master_profile: Machines of the control plane.
    :vartype master_profile: ~aro_redhatopenshift.v2025_07_25.models.MasterProfile
    :ivar worker_profiles: Groups of worker machines asked for on creation. There is exactly one.
    :vartype worker_profiles: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
    :ivar worker_profiles_status: Groups of worker machines as they are in the cluster now. Set by
     the service.
    :vartype worker_profiles_status: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
    :ivar apiserver_profile: Access to the Kubernetes API.
    :vartype apiserver_profile: ~aro_redhatopenshift.v2025_07_25.models.APIServerProfile
    :ivar ingress_profiles: Entry points for applications. There is exactly one.
    :vartype ingress_profiles: list[~aro_redhatopenshift.v2025_07_25.models.IngressProfile]
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "system_data": {"readonly": True},
        "location": {"required": True},
        "worker_profiles_status": {"readonly": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "system_data": {"key": "systemData", "type": "SystemData"},
        "tags": {"key": "tags", "type": "{str}"},
        "location": {"key": "location", "type": "str"},
        "identity": {"key": "identity", "type": "ManagedServiceIdentity"},
        "provisioning_state": {"key": "properties.provisioningState", "type": "str"},
        "cluster_profile": {"key": "properties.clusterProfile", "type": "ClusterProfile"},
        "console_profile": {"key": "properties.consoleProfile", "type": "ConsoleProfile"},
        "service_principal_profile": {"key": "properties.servicePrincipalProfile", "type": "ServicePrincipalProfile"},
        "platform_workload_identity_profile": {
            "key": "properties.platformWorkloadIdentityProfile",
            "type": "PlatformWorkloadIdentityProfile",
        },
        "network_profile": {"key": "properties.networkProfile", "type": "NetworkProfile"},
        "master_profile": {"key": "properties.masterProfile", "type": "MasterProfile"},
        "worker_profiles": {"key": "properties.workerProfiles", "type": "[WorkerProfile]"},
        "worker_profiles_status": {"key": "properties.workerProfilesStatus", "type": "[WorkerProfile]"},
        "apiserver_profile": {"key": "properties.apiserverProfile", "type": "APIServerProfile"},
        "ingress_profiles": {"key": "properties.ingressProfiles", "type": "[IngressProfile]"},
    }

    def __init__(
        self,
        *,
        location: str,
        tags: Optional[dict[str, str]] = None,
        identity: Optional["_models.ManagedServiceIdentity"] = None,
        provisioning_state: Optional[Union[str, "_models.ProvisioningState"]] = None,
        cluster_profile: Optional["_models.ClusterProfile"] = None,
        console_profile: Optional["_models.ConsoleProfile"] = None,
        service_principal_profile: Optional["_models.ServicePrincipalProfile"] = None,
        platform_workload_identity_profile: Optional["_models.PlatformWorkloadIdentityProfile"] = None,
        network_profile: Optional["_models.NetworkProfile"] = None,
        master_profile: Optional["_models.MasterProfile"] = None,
        worker_profiles: Optional[list["_models.WorkerProfile"]] = None,
        apiserver_profile: Optional["_models.APIServerProfile"] = None,
        ingress_profiles: Optional[list["_models.IngressProfile"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword tags: Names and values that the owner of the resource chooses.
        :paramtype tags: dict[str, str]
        :keyword location: Azure region of the resource. Fixed when the resource is created; upper and
         lower case and blanks do not matter. Required.
        :paramtype location: str
        :keyword identity: The one user-assigned managed identity that acts for a cluster with workload
         identity.
        :paramtype identity: ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentity
        :keyword provisioning_state: State of the last operation. Set by the service. Known values are:
         "AdminUpdating", "Canceled", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
        :paramtype provisioning_state: str or ~aro_redhatopenshift.v2025_07_25.models.ProvisioningState
        :keyword cluster_profile: Version, domain and resource group of the cluster.
        :paramtype cluster_profile: ~aro_redhatopenshift.v2025_07_25.models.ClusterProfile
        :keyword console_profile: Web console of the cluster.
        :paramtype console_profile: ~aro_redhatopenshift.v2025_07_25.models.ConsoleProfile
        :keyword service_principal_profile: Service principal of the cluster.
        :paramtype service_principal_profile:
         ~aro_redhatopenshift.v2025_07_25.models.ServicePrincipalProfile
        :keyword platform_workload_identity_profile: Managed identities of the cluster operators,
         instead of a service principal.
        :paramtype platform_workload_identity_profile:
         ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityProfile
        :keyword network_profile: Network of the cluster.
        :paramtype network_profile: ~aro_redhatopenshift.v2025_07_25.models.NetworkProfile
        :keyword master_profile: Machines of the control plane.
        :paramtype master_profile: ~aro_redhatopenshift.v2025_07_25.models.MasterProfile
        :keyword worker_profiles: Groups of worker machines asked for on creation. There is exactly
         one.
        :paramtype worker_profiles: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
        :keyword apiserver_profile: Access to the Kubernetes API.
        :paramtype apiserver_profile: ~aro_redhatopenshift.v2025_07_25.models.APIServerProfile
        :keyword ingress_profiles: Entry points for applications. There is exactly one.
        :paramtype ingress_profiles: list[~aro_redhatopenshift.v2025_07_25.models.IngressProfile]
        """
        super().__init__(tags=tags, location=location, **kwargs)
        self.identity = identity
        self.provisioning_state = provisioning_state
        self.cluster_profile = cluster_profile
        self.console_profile = console_profile
        self.service_principal_profile = service_principal_profile
        self.platform_workload_identity_profile = platform_workload_identity_profile
        self.network_profile = network_profile
        self.master_profile = master_profile
        self.worker_profiles = worker_profiles
        self.worker_profiles_status: Optional[list["_models.WorkerProfile"]] = None
        self.apiserver_profile = apiserver_profile
        self.ingress_profiles = ingress_profiles


class OpenShiftClusterAdminKubeconfig(_serialization.Model):
    """A kubeconfig file with administrator rights.

    :ivar kubeconfig: The kubeconfig file, encoded with base64.
    :vartype kubeconfig: str
    """

    _attribute_map = {
        "kubeconfig": {"key": "kubeconfig", "type": "str"},
    }

    def __init__(self, *, kubeconfig: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword kubeconfig: The kubeconfig file, encoded with base64.
        :paramtype kubeconfig: str
        """
        super().__init__(**kwargs)
        self.kubeconfig = kubeconfig


class OpenShiftClusterCredentials(_serialization.Model):
    """Credentials of the built-in administrator.

    :ivar kubeadmin_username: Name of the built-in administrator, always kubeadmin.
    :vartype kubeadmin_username: str
    :ivar kubeadmin_password: Password of the built-in administrator.
    :vartype kubeadmin_password: str
    """

    _attribute_map = {
        "kubeadmin_username": {"key": "kubeadminUsername", "type": "str"},
        "kubeadmin_password": {"key": "kubeadminPassword", "type": "str"},
    }

    def __init__(
        self, *, kubeadmin_username: Optional[str] = None, kubeadmin_password: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword kubeadmin_username: Name of the built-in administrator, always kubeadmin.
        :paramtype kubeadmin_username: str
        :keyword kubeadmin_password: Password of the built-in administrator.
        :paramtype kubeadmin_password: str
        """
        super().__init__(**kwargs)
        self.kubeadmin_username = kubeadmin_username
        self.kubeadmin_password = kubeadmin_password


class OpenShiftClusterList(_serialization.Model):
    """One page of clusters.

    All required parameters must be populated in order to send to server.

    :ivar value: The clusters of this page. Required.
    :vartype value: list[~aro_redhatopenshift.v2025_07_25.models.OpenShiftCluster]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _validation = {
        "value": {"required": True},
    }

    _attribute_map = {
        "value": {"key": "value", "type": "[OpenShiftCluster]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(
        self, *, value: list["_models.OpenShiftCluster"], next_link: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword value: The clusters of this page. Required.
        :paramtype value: list[~aro_redhatopenshift.v2025_07_25.models.OpenShiftCluster]
        :keyword next_link: URL of the next page. Absent on the last page.
        :paramtype next_link: str
        """
        super().__init__(**kwargs)
        self.value = value
        self.next_link = next_link


class OpenShiftClusterUpdate(_serialization.Model):
    """The members of a cluster that a patch may carry. Members left out keep their value.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar tags: The new set of tags. It replaces the old set.
    :vartype tags: dict[str, str]
    :ivar identity: The new managed identity of a cluster with workload identity.
    :vartype identity: ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentity
    :ivar provisioning_state: State of the last operation. Set by the service. Known values are:
     "AdminUpdating", "Canceled", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
    :vartype provisioning_state: str or ~aro_redhatopenshift.v2025_07_25.models.ProvisioningState
    :ivar cluster_profile: Version, domain and resource group of the cluster.
    :vartype cluster_profile: ~aro_redhatopenshift.v2025_07_25.models.ClusterProfile
    :ivar console_profile: Web console of the cluster.
    :vartype console_profile: ~aro_redhatopenshift.v2025_07_25.models.ConsoleProfile
    :ivar service_principal_profile: Service principal of the cluster.
    :vartype service_principal_profile:
     ~aro_redhatopenshift.v2025_07_25.models.ServicePrincipalProfile
    :ivar platform_workload_identity_profile: Managed identities of the cluster operators, instead
     of a service principal.
    :vartype platform_workload_identity_profile:
     ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityProfile
    :ivar network_profile: Network of the cluster.
    :vartype network_profile: ~aro_redhatopenshift.v2025_07_25.models.NetworkProfile
    :ivar master_profile: Machines of the control plane.
    :vartype master_profile: ~aro_redhatopenshift.v2025_07_25.models.MasterProfile
    :ivar worker_profiles: Groups of worker machines asked for on creation. There is exactly one.
    :vartype worker_profiles: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
    :ivar worker_profiles_status: Groups of worker machines as they are in the cluster now. Set by
     the service.
    :vartype worker_profiles_status: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
    :ivar apiserver_profile: Access to the Kubernetes API.
    :vartype apiserver_profile: ~aro_redhatopenshift.v2025_07_25.models.APIServerProfile
    :ivar ingress_profiles: Entry points for applications. There is exactly one.
    :vartype ingress_profiles: list[~aro_redhatopenshift.v2025_07_25.models.IngressProfile]
    """

    _validation = {
        "worker_profiles_status": {"readonly": True},
    }

    _attribute_map = {
        "tags": {"key": "tags", "type": "{str}"},
        "identity": {"key": "identity", "type": "ManagedServiceIdentity"},
        "provisioning_state": {"key": "properties.provisioningState", "type": "str"},
        "cluster_profile": {"key": "properties.clusterProfile", "type": "ClusterProfile"},
        "console_profile": {"key": "properties.consoleProfile", "type": "ConsoleProfile"},
        "service_principal_profile": {"key": "properties.servicePrincipalProfile", "type": "ServicePrincipalProfile"},
        "platform_workload_identity_profile": {
            "key": "properties.platformWorkloadIdentityProfile",
            "type": "PlatformWorkloadIdentityProfile",
        },
        "network_profile": {"key": "properties.networkProfile", "type": "NetworkProfile"},
        "master_profile": {"key": "properties.masterProfile", "type": "MasterProfile"},
        "worker_profiles": {"key": "properties.workerProfiles", "type": "[WorkerProfile]"},
        "worker_profiles_status": {"key": "properties.workerProfilesStatus", "type": "[WorkerProfile]"},
        "apiserver_profile": {"key": "properties.apiserverProfile", "type": "APIServerProfile"},
        "ingress_profiles": {"key": "properties.ingressProfiles", "type": "[IngressProfile]"},
    }

    def __init__(
        self,
        *,
        tags: Optional[dict[str, str]] = None,
        identity: Optional["_models.ManagedServiceIdentity"] = None,
        provisioning_state: Optional[Union[str, "_models.ProvisioningState"]] = None,
        cluster_profile: Optional["_models.ClusterProfile"] = None,
        console_profile: Optional["_models.ConsoleProfile"] = None,
        service_principal_profile: Optional["_models.ServicePrincipalProfile"] = None,
        platform_workload_identity_profile: Optional["_models.PlatformWorkloadIdentityProfile"] = None,
        network_profile: Optional["_models.NetworkProfile"] = None,
        master_profile: Optional["_models.MasterProfile"] = None,
        worker_profiles: Optional[list["_models.WorkerProfile"]] = None,
        apiserver_profile: Optional["_models.APIServerProfile"] = None,
        ingress_profiles: Optional[list["_models.IngressProfile"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword tags: The new set of tags. It replaces the old set.
        :paramtype tags: dict[str, str]
        :keyword identity: The new managed identity of a cluster with workload identity.
        :paramtype identity: ~aro_redhatopenshift.v2025_07_25.models.ManagedServiceIdentity
        :keyword provisioning_state: State of the last operation. Set by the service. Known values are:
         "AdminUpdating", "Canceled", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
        :paramtype provisioning_state: str or ~aro_redhatopenshift.v2025_07_25.models.ProvisioningState
        :keyword cluster_profile: Version, domain and resource group of the cluster.
        :paramtype cluster_profile: ~aro_redhatopenshift.v2025_07_25.models.ClusterProfile
        :keyword console_profile: Web console of the cluster.
        :paramtype console_profile: ~aro_redhatopenshift.v2025_07_25.models.ConsoleProfile
        :keyword service_principal_profile: Service principal of the cluster.
        :paramtype service_principal_profile:
         ~aro_redhatopenshift.v2025_07_25.models.ServicePrincipalProfile
        :keyword platform_workload_identity_profile: Managed identities of the cluster operators,
         instead of a service principal.
        :paramtype platform_workload_identity_profile:
         ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityProfile
        :keyword network_profile: Network of the cluster.
        :paramtype network_profile: ~aro_redhatopenshift.v2025_07_25.models.NetworkProfile
        :keyword master_profile: Machines of the control plane.
        :paramtype master_profile: ~aro_redhatopenshift.v2025_07_25.models.MasterProfile
        :keyword worker_profiles: Groups of worker machines asked for on creation. There is exactly
         one.
        :paramtype worker_profiles: list[~aro_redhatopenshift.v2025_07_25.models.WorkerProfile]
        :keyword apiserver_profile: Access to the Kubernetes API.
        :paramtype apiserver_profile: ~aro_redhatopenshift.v2025_07_25.models.APIServerProfile
        :keyword ingress_profiles: Entry points for applications. There is exactly one.
        :paramtype ingress_profiles: list[~aro_redhatopenshift.v2025_07_25.models.IngressProfile]
        """
        super().__init__(**kwargs)
        self.tags = tags
        self.identity = identity
        self.provisioning_state = provisioning_state
        self.cluster_profile = cluster_profile
        self.console_profile = console_profile
        self.service_principal_profile = service_principal_profile
        self.platform_workload_identity_profile = platform_workload_identity_profile
        self.network_profile = network_profile
        self.master_profile = master_profile
        self.worker_profiles = worker_profiles
        self.worker_profiles_status: Optional[list["_models.WorkerProfile"]] = None
        self.apiserver_profile = apiserver_profile
        self.ingress_profiles = ingress_profiles


class ProxyResource(Resource):
    """A resource without a region and tags of its own.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    """


class OpenShiftVersion(ProxyResource):
    """An OpenShift version that a cluster can be created with.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    :ivar version: The version in the form major.minor.patch.
    :vartype version: str
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "system_data": {"readonly": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "system_data": {"key": "systemData", "type": "SystemData"},
        "version": {"key": "properties.version", "type": "str"},
    }

    def __init__(self, *, version: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword version: The version in the form major.minor.patch.
        :paramtype version: str
        """
        super().__init__(**kwargs)
        self.version = version


class OpenShiftVersionList(_serialization.Model):
    """The OpenShift versions that a cluster can be created with.

    All required parameters must be populated in order to send to server.

    :ivar value: The versions, in no particular order. Required.
    :vartype value: list[~aro_redhatopenshift.v2025_07_25.models.OpenShiftVersion]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _validation = {
        "value": {"required": True},
    }

    _attribute_map = {
        "value": {"key": "value", "type": "[OpenShiftVersion]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(
        self, *, value: list["_models.OpenShiftVersion"], next_link: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword value: The versions, in no particular order. Required.
        :paramtype value: list[~aro_redhatopenshift.v2025_07_25.models.OpenShiftVersion]
        :keyword next_link: URL of the next page. Absent on the last page.
        :paramtype next_link: str
        """
        super().__init__(**kwargs)
        self.value = value
        self.next_link = next_link


class Operation(_serialization.Model):
    """One operation of the provider.

    :ivar name: Name of the operation as roles use it: provider, resource type and verb, separated
     by slashes.
    :vartype name: str
    :ivar display: Texts for people.
    :vartype display: ~aro_redhatopenshift.v2025_07_25.models.Display
    :ivar origin: Who may call the operation: user, system, or both separated by a comma.
    :vartype origin: str
    """

    _attribute_map = {
        "name": {"key": "name", "type": "str"},
        "display": {"key": "display", "type": "Display"},
        "origin": {"key": "origin", "type": "str"},
    }

    def __init__(
        self,
        *,
        name: Optional[str] = None,
        display: Optional["_models.Display"] = None,
        origin: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the operation as roles use it: provider, resource type and verb,
         separated by slashes.
        :paramtype name: str
        :keyword display: Texts for people.
        :paramtype display: ~aro_redhatopenshift.v2025_07_25.models.Display
        :keyword origin: Who may call the operation: user, system, or both separated by a comma.
        :paramtype origin: str
        """
        super().__init__(**kwargs)
        self.name = name
        self.display = display
        self.origin = origin


class OperationList(_serialization.Model):
    """The operations of the provider.

    All required parameters must be populated in order to send to server.

    :ivar value: The operations. Required.
    :vartype value: list[~aro_redhatopenshift.v2025_07_25.models.Operation]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _validation = {
        "value": {"required": True},
    }

    _attribute_map = {
        "value": {"key": "value", "type": "[Operation]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(self, *, value: list["_models.Operation"], next_link: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword value: The operations. Required.
        :paramtype value: list[~aro_redhatopenshift.v2025_07_25.models.Operation]
        :keyword next_link: URL of the next page. Absent on the last page.
        :paramtype next_link: str
        """
        super().__init__(**kwargs)
        self.value = value
        self.next_link = next_link


class PlatformWorkloadIdentity(_serialization.Model):
    """The managed identity of one cluster operator.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar resource_id: Resource id of a user-assigned managed identity. Each operator needs one of
     its own.
    :vartype resource_id: str
    :ivar client_id: Client id of the identity. Set by the service.
    :vartype client_id: str
    :ivar object_id: Object id of the identity. Set by the service.
    :vartype object_id: str
    """

    _validation = {
        "client_id": {"readonly": True},
        "object_id": {"readonly": True},
    }

    _attribute_map = {
        "resource_id": {"key": "resourceId", "type": "str"},
        "client_id": {"key": "clientId", "type": "str"},
        "object_id": {"key": "objectId", "type": "str"},
    }

    def __init__(self, *, resource_id: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword resource_id: Resource id of a user-assigned managed identity. Each operator needs one
         of its own.
        :paramtype resource_id: str
        """
        super().__init__(**kwargs)
        self.resource_id = resource_id
        self.client_id: Optional[str] = None
        self.object_id: Optional[str] = None


class PlatformWorkloadIdentityProfile(_serialization.Model):
    """The managed identities of the cluster operators. Excludes a service principal.

    :ivar upgradeable_to: OpenShift version to prepare for: the identities must then satisfy its
     role set too. Can be moved on but not cleared.
    :vartype upgradeable_to: str
    :ivar platform_workload_identities: Identities by operator name. Exactly the operators of the
     role set are needed; an operator can be added but not removed.
    :vartype platform_workload_identities: dict[str,
     ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentity]
    """

    _attribute_map = {
        "upgradeable_to": {"key": "upgradeableTo", "type": "str"},
        "platform_workload_identities": {"key": "platformWorkloadIdentities", "type": "{PlatformWorkloadIdentity}"},
    }

    def __init__(
        self,
        *,
        upgradeable_to: Optional[str] = None,
        platform_workload_identities: Optional[dict[str, "_models.PlatformWorkloadIdentity"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword upgradeable_to: OpenShift version to prepare for: the identities must then satisfy its
         role set too. Can be moved on but not cleared.
        :paramtype upgradeable_to: str
        :keyword platform_workload_identities: Identities by operator name. Exactly the operators of
         the role set are needed; an operator can be added but not removed.
        :paramtype platform_workload_identities: dict[str,
         ~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentity]
        """
        super().__init__(**kwargs)
        self.upgradeable_to = upgradeable_to
        self.platform_workload_identities = platform_workload_identities


class PlatformWorkloadIdentityRole(_serialization.Model):
    """The built-in role that the identity of one operator needs.

    :ivar operator_name: Name of the cluster operator.
    :vartype operator_name: str
    :ivar role_definition_name: Display name of the built-in role.
    :vartype role_definition_name: str
    :ivar role_definition_id: Resource id of the built-in role.
    :vartype role_definition_id: str
    """

    _attribute_map = {
        "operator_name": {"key": "operatorName", "type": "str"},
        "role_definition_name": {"key": "roleDefinitionName", "type": "str"},
        "role_definition_id": {"key": "roleDefinitionId", "type": "str"},
    }

    def __init__(
        self,
        *,
        operator_name: Optional[str] = None,
        role_definition_name: Optional[str] = None,
        role_definition_id: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword operator_name: Name of the cluster operator.
        :paramtype operator_name: str
        :keyword role_definition_name: Display name of the built-in role.
        :paramtype role_definition_name: str
        :keyword role_definition_id: Resource id of the built-in role.
        :paramtype role_definition_id: str
        """
        super().__init__(**kwargs)
        self.operator_name = operator_name
        self.role_definition_name = role_definition_name
        self.role_definition_id = role_definition_id


class PlatformWorkloadIdentityRoleSet(ProxyResource):
    """The operators of one minor OpenShift version that need a managed identity, with their roles.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
    :ivar system_data: Who created and who last changed the resource. Kept by Azure Resource
     Manager.
    :vartype system_data: ~aro_redhatopenshift.v2025_07_25.models.SystemData
    :ivar open_shift_version: Minor OpenShift version that the roles are for, for example 4.17.
    :vartype open_shift_version: str
    :ivar platform_workload_identity_roles: One entry for each operator that needs an identity.
    :vartype platform_workload_identity_roles:
     list[~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityRole]
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "system_data": {"readonly": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "system_data": {"key": "systemData", "type": "SystemData"},
        "open_shift_version": {"key": "properties.openShiftVersion", "type": "str"},
        "platform_workload_identity_roles": {
            "key": "properties.platformWorkloadIdentityRoles",
            "type": "[PlatformWorkloadIdentityRole]",
        },
    }

    def __init__(
        self,
        *,
        open_shift_version: Optional[str] = None,
        platform_workload_identity_roles: Optional[list["_models.PlatformWorkloadIdentityRole"]] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword open_shift_version: Minor OpenShift version that the roles are for, for example 4.17.
        :paramtype open_shift_version: str
        :keyword platform_workload_identity_roles: One entry for each operator that needs an identity.
        :paramtype platform_workload_identity_roles:
         list[~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityRole]
        """
        super().__init__(**kwargs)
        self.open_shift_version = open_shift_version
        self.platform_workload_identity_roles = platform_workload_identity_roles


class PlatformWorkloadIdentityRoleSetList(_serialization.Model):
    """Role sets of the supported minor OpenShift versions.

    All required parameters must be populated in order to send to server.

    :ivar value: The role sets, one for each minor version. Required.
    :vartype value: list[~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityRoleSet]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _validation = {
        "value": {"required": True},
    }

    _attribute_map = {
        "value": {"key": "value", "type": "[PlatformWorkloadIdentityRoleSet]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(
        self, *, value: list["_models.PlatformWorkloadIdentityRoleSet"], next_link: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword value: The role sets, one for each minor version. Required.
        :paramtype value: list[~aro_redhatopenshift.v2025_07_25.models.PlatformWorkloadIdentityRoleSet]
        :keyword next_link: URL of the next page. Absent on the last page.
        :paramtype next_link: str
        """
        super().__init__(**kwargs)
        self.value = value
        self.next_link = next_link


class ServicePrincipalProfile(_serialization.Model):
    """The Microsoft Entra application that the cluster uses to manage its Azure resources. May be
    changed at any time.

    :ivar client_id: Application (client) id of the service principal, a UUID.
    :vartype client_id: str
    :ivar client_secret: Secret of the service principal. Never returned; leave it out to keep the
     stored one.
    :vartype client_secret: str
    """

    _attribute_map = {
        "client_id": {"key": "clientId", "type": "str"},
        "client_secret": {"key": "clientSecret", "type": "str"},
    }

    def __init__(self, *, client_id: Optional[str] = None, client_secret: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword client_id: Application (client) id of the service principal, a UUID.
        :paramtype client_id: str
        :keyword client_secret: Secret of the service principal. Never returned; leave it out to keep
         the stored one.
        :paramtype client_secret: str
        """
        super().__init__(**kwargs)
        self.client_id = client_id
        self.client_secret = client_secret


class SystemData(_serialization.Model):
    """Who created and who last changed the resource, and when.

    :ivar created_by: Who created the resource.
    :vartype created_by: str
    :ivar created_by_type: What kind of caller created the resource. Known values are: "User",
     "Application", "ManagedIdentity", and "Key".
    :vartype created_by_type: str or ~aro_redhatopenshift.v2025_07_25.models.CreatedByType
    :ivar created_at: When the resource was created, in UTC.
    :vartype created_at: ~datetime.datetime
    :ivar last_modified_by: Who last changed the resource.
    :vartype last_modified_by: str
    :ivar last_modified_by_type: What kind of caller last changed the resource. Known values are:
     "User", "Application", "ManagedIdentity", and "Key".
    :vartype last_modified_by_type: str or ~aro_redhatopenshift.v2025_07_25.models.CreatedByType
    :ivar last_modified_at: When the resource was last changed, in UTC.
    :vartype last_modified_at: ~datetime.datetime
    """

    _attribute_map = {
        "created_by": {"key": "createdBy", "type": "str"},
        "created_by_type": {"key": "createdByType", "type": "str"},
        "created_at": {"key": "createdAt", "type": "iso-8601"},
        "last_modified_by": {"key": "lastModifiedBy", "type": "str"},
        "last_modified_by_type": {"key": "lastModifiedByType", "type": "str"},
        "last_modified_at": {"key": "lastModifiedAt", "type": "iso-8601"},
    }

    def __init__(
        self,
        *,
        created_by: Optional[str] = None,
        created_by_type: Optional[Union[str, "_models.CreatedByType"]] = None,
        created_at: Optional[datetime.datetime] = None,
        last_modified_by: Optional[str] = None,
        last_modified_by_type: Optional[Union[str, "_models.CreatedByType"]] = None,
        last_modified_at: Optional[datetime.datetime] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword created_by: Who created the resource.
        :paramtype created_by: str
        :keyword created_by_type: What kind of caller created the resource. Known values are: "User",
         "Application", "ManagedIdentity", and "Key".
        :paramtype created_by_type: str or ~aro_redhatopenshift.v2025_07_25.models.CreatedByType
        :keyword created_at: When the resource was created, in UTC.
        :paramtype created_at: ~datetime.datetime
        :keyword last_modified_by: Who last changed the resource.
        :paramtype last_modified_by: str
        :keyword last_modified_by_type: What kind of caller last changed the resource. Known values
         are: "User", "Application", "ManagedIdentity", and "Key".
        :paramtype last_modified_by_type: str or ~aro_redhatopenshift.v2025_07_25.models.CreatedByType
        :keyword last_modified_at: When the resource was last changed, in UTC.
        :paramtype last_modified_at: ~datetime.datetime
        """
        super().__init__(**kwargs)
        self.created_by = created_by
        self.created_by_type = created_by_type
        self.created_at = created_at
        self.last_modified_by = last_modified_by
        self.last_modified_by_type = last_modified_by_type
        self.last_modified_at = last_modified_at


class UserAssignedIdentity(_serialization.Model):
    """What Azure knows about a user-assigned identity.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar principal_id: Principal id of the identity. Set by the service.
    :vartype principal_id: str
    :ivar client_id: Client id of the identity. Set by the service.
    :vartype client_id: str
    """

    _validation = {
        "principal_id": {"readonly": True},
        "client_id": {"readonly": True},
    }

    _attribute_map = {
        "principal_id": {"key": "principalId", "type": "str"},
        "client_id": {"key": "clientId", "type": "str"},
    }

    def __init__(self, **kwargs: Any) -> None:
        """ """
        super().__init__(**kwargs)
        self.principal_id: Optional[str] = None
        self.client_id: Optional[str] = None


class WorkerProfile(_serialization.Model):
    """One group of worker machines.

    :ivar name: Name of the group. On creation it is worker.
    :vartype name: str
    :ivar vm_size: Azure size of the worker machines. Default Standard_D4s_v5.
    :vartype vm_size: str
    :ivar disk_size_gb: Size of the system disk of each worker in gigabytes, 128 or more. Default
     128.
    :vartype disk_size_gb: int
    :ivar subnet_id: Resource id of the subnet of the workers. It must be in the virtual network of
     the control plane, but not its subnet.
    :vartype subnet_id: str
    :ivar count: Number of worker machines, 2 to 50 on creation. Default 3.
    :vartype count: int
    :ivar encryption_at_host: Encryption on the host for the worker machines. Default Disabled.
     Known values are: "Disabled" and "Enabled".
    :vartype encryption_at_host: str or ~aro_redhatopenshift.v2025_07_25.models.EncryptionAtHost
    :ivar disk_encryption_set_id: Resource id of a disk encryption set for the disks of the
     workers; the same as for the control plane.
    :vartype disk_encryption_set_id: str
    """

    _attribute_map = {
        "name": {"key": "name", "type": "str"},
        "vm_size": {"key": "vmSize", "type": "str"},
        "disk_size_gb": {"key": "diskSizeGB", "type": "int"},
        "subnet_id": {"key": "subnetId", "type": "str"},
        "count": {"key": "count", "type": "int"},
        "encryption_at_host": {"key": "encryptionAtHost", "type": "str"},
        "disk_encryption_set_id": {"key": "diskEncryptionSetId", "type": "str"},
    }

    def __init__(
        self,
        *,
        name: Optional[str] = None,
        vm_size: Optional[str] = None,
        disk_size_gb: Optional[int] = None,
        subnet_id: Optional[str] = None,
        count: Optional[int] = None,
        encryption_at_host: Optional[Union[str, "_models.EncryptionAtHost"]] = None,
        disk_encryption_set_id: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the group. On creation it is worker.
        :paramtype name: str
        :keyword vm_size: Azure size of the worker machines. Default Standard_D4s_v5.
        :paramtype vm_size: str
        :keyword disk_size_gb: Size of the system disk of each worker in gigabytes, 128 or more.
         Default 128.
        :paramtype disk_size_gb: int
        :keyword subnet_id: Resource id of the subnet of the workers. It must be in the virtual network
         of the control plane, but not its subnet.
        :paramtype subnet_id: str
        :keyword count: Number of worker machines, 2 to 50 on creation. Default 3.
        :paramtype count: int
        :keyword encryption_at_host: Encryption on the host for the worker machines. Default Disabled.
         Known values are: "Disabled" and "Enabled".
        :paramtype encryption_at_host: str or ~aro_redhatopenshift.v2025_07_25.models.EncryptionAtHost
        :keyword disk_encryption_set_id: Resource id of a disk encryption set for the disks of the
         workers; the same as for the control plane.
        :paramtype disk_encryption_set_id: str
        """
        super().__init__(**kwargs)
        self.name = name
        self.vm_size = vm_size
        self.disk_size_gb = disk_size_gb
        self.subnet_id = subnet_id
        self.count = count
        self.encryption_at_host = encryption_at_host
        self.disk_encryption_set_id = disk_encryption_set_id

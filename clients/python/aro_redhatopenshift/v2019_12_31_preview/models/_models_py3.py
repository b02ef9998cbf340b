# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from typing import Any, Optional, TYPE_CHECKING, Union

from .._utils import serialization as _serialization

if TYPE_CHECKING:
    from .. import models as _models


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
    :vartype details: list[~aro_redhatopenshift.v2019_12_31_preview.models.CloudErrorBody]
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
        :paramtype details: list[~aro_redhatopenshift.v2019_12_31_preview.models.CloudErrorBody]
        """
        super().__init__(**kwargs)
        self.code = code
        self.message = message
        self.target = target
        self.details = details


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


class MasterProfile(_serialization.Model):
    """The virtual machines of the control plane. Fixed when the cluster is created.

    :ivar vm_size: Azure size of the control plane machines. Default Standard_D8s_v3. Known values
     are: "Standard_D2s_v3", "Standard_D4s_v3", and "Standard_D8s_v3".
    :vartype vm_size: str or ~aro_redhatopenshift.v2019_12_31_preview.models.VMSize
    :ivar subnet_id: Resource id of the subnet of the control plane machines. It must be in the
     virtual network of the workers and must be used by nothing else.
    :vartype subnet_id: str
    """

    _attribute_map = {
        "vm_size": {"key": "vmSize", "type": "str"},
        "subnet_id": {"key": "subnetId", "type": "str"},
    }

    def __init__(
        self, *, vm_size: Optional[Union[str, "_models.VMSize"]] = None, subnet_id: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword vm_size: Azure size of the control plane machines. Default Standard_D8s_v3. Known
         values are: "Standard_D2s_v3", "Standard_D4s_v3", and "Standard_D8s_v3".
        :paramtype vm_size: str or ~aro_redhatopenshift.v2019_12_31_preview.models.VMSize
        :keyword subnet_id: Resource id of the subnet of the control plane machines. It must be in the
         virtual network of the workers and must be used by nothing else.
        :paramtype subnet_id: str
        """
        super().__init__(**kwargs)
        self.vm_size = vm_size
        self.subnet_id = subnet_id


class NetworkProfile(_serialization.Model):
    """Address ranges of the cluster and its way to the internet.

    :ivar pod_cidr: IPv4 range for pods in CIDR notation, /18 or larger, with no host bits set.
     Default 10.128.0.0/14.
    :vartype pod_cidr: str
    :ivar service_cidr: IPv4 range for services in CIDR notation, /22 or larger, with no host bits
     set. Default 172.30.0.0/16.
    :vartype service_cidr: str
    """

    _attribute_map = {
        "pod_cidr": {"key": "podCidr", "type": "str"},
        "service_cidr": {"key": "serviceCidr", "type": "str"},
    }

    def __init__(self, *, pod_cidr: Optional[str] = None, service_cidr: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword pod_cidr: IPv4 range for pods in CIDR notation, /18 or larger, with no host bits set.
         Default 10.128.0.0/14.
        :paramtype pod_cidr: str
        :keyword service_cidr: IPv4 range for services in CIDR notation, /22 or larger, with no host
         bits set. Default 172.30.0.0/16.
        :paramtype service_cidr: str
        """
        super().__init__(**kwargs)
        self.pod_cidr = pod_cidr
        self.service_cidr = service_cidr


class OpenShiftCluster(_serialization.Model):
    """A managed OpenShift cluster.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id of the cluster.
    :vartype id: str
    :ivar name: Name of the cluster resource.
    :vartype name: str
    :ivar type: Resource type, Microsoft.RedHatOpenShift/openShiftClusters.
    :vartype type: str
    :ivar location: Azure region of the cluster. Fixed when the cluster is created.
    :vartype location: str
    :ivar tags: Tags of the cluster resource.
    :vartype tags: dict[str, str]
    :ivar provisioning_state: State of the last operation. Set by the service. Known values are:
     "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
    :vartype provisioning_state: str or
     ~aro_redhatopenshift.v2019_12_31_preview.models.ProvisioningState
    :ivar service_principal_profile: Service principal of the cluster.
    :vartype service_principal_profile:
     ~aro_redhatopenshift.v2019_12_31_preview.models.ServicePrincipalProfile
    :ivar network_profile: Address ranges of the cluster.
    :vartype network_profile: ~aro_redhatopenshift.v2019_12_31_preview.models.NetworkProfile
    :ivar master_profile: Machines of the control plane.
    :vartype master_profile: ~aro_redhatopenshift.v2019_12_31_preview.models.MasterProfile
    :ivar worker_profiles: Groups of worker machines. There is exactly one.
    :vartype worker_profiles: list[~aro_redhatopenshift.v2019_12_31_preview.models.WorkerProfile]
    :ivar apiserver_url: URL of the Kubernetes API. Set by the service.
    :vartype apiserver_url: str
    :ivar console_url: URL of the web console. Set by the service.
    :vartype console_url: str
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "location": {"key": "location", "type": "str"},
        "tags": {"key": "tags", "type": "{str}"},
        "provisioning_state": {"key": "properties.provisioningState", "type": "str"},
        "service_principal_profile": {"key": "properties.servicePrincipalProfile", "type": "ServicePrincipalProfile"},
        "network_profile": {"key": "properties.networkProfile", "type": "NetworkProfile"},
        "master_profile": {"key": "properties.masterProfile", "type": "MasterProfile"},
        "worker_profiles": {"key": "properties.workerProfiles", "type": "[WorkerProfile]"},
        "apiserver_url": {"key": "properties.apiserverUrl", "type": "str"},
        "console_url": {"key": "properties.consoleUrl", "type": "str"},
    }

    def __init__(
        self,
        *,
        location: Optional[str] = None,
        tags: Optional[dict[str, str]] = None,
        provisioning_state: Optional[Union[str, "_models.ProvisioningState"]] = None,
        service_principal_profile: Optional["_models.ServicePrincipalProfile"] = None,
        network_profile: Optional["_models.NetworkProfile"] = None,
        master_profile: Optional["_models.MasterProfile"] = None,
        worker_profiles: Optional[list["_models.WorkerProfile"]] = None,
        apiserver_url: Optional[str] = None,
        console_url: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword location: Azure region of the cluster. Fixed when the cluster is created.
        :paramtype location: str
        :keyword tags: Tags of the cluster resource.
        :paramtype tags: dict[str, str]
        :keyword provisioning_state: State of the last operation. Set by the service. Known values are:
         "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
        :paramtype provisioning_state: str or
         ~aro_redhatopenshift.v2019_12_31_preview.models.ProvisioningState
        :keyword service_principal_profile: Service principal of the cluster.
        :paramtype service_principal_profile:
         ~aro_redhatopenshift.v2019_12_31_preview.models.ServicePrincipalProfile
        :keyword network_profile: Address ranges of the cluster.
        :paramtype network_profile: ~aro_redhatopenshift.v2019_12_31_preview.models.NetworkProfile
        :keyword master_profile: Machines of the control plane.
        :paramtype master_profile: ~aro_redhatopenshift.v2019_12_31_preview.models.MasterProfile
        :keyword worker_profiles: Groups of worker machines. There is exactly one.
        :paramtype worker_profiles: list[~aro_redhatopenshift.v2019_12_31_preview.models.WorkerProfile]
        :keyword apiserver_url: URL of the Kubernetes API. Set by the service.
        :paramtype apiserver_url: str
        :keyword console_url: URL of the web console. Set by the service.
        :paramtype console_url: str
        """
        super().__init__(**kwargs)
        self.id: Optional[str] = None
        self.name: Optional[str] = None
        self.type: Optional[str] = None
        self.location = location
        self.tags = tags
        self.provisioning_state = provisioning_state
        self.service_principal_profile = service_principal_profile
        self.network_profile = network_profile
        self.master_profile = master_profile
        self.worker_profiles = worker_profiles
        self.apiserver_url = apiserver_url
        self.console_url = console_url


class OpenShiftClusterCredentials(_serialization.Model):
    """Credentials of the built-in administrator.

    :ivar kubeadmin_password: Password of the built-in administrator.
    :vartype kubeadmin_password: str
    """

    _attribute_map = {
        "kubeadmin_password": {"key": "kubeadminPassword", "type": "str"},
    }

    def __init__(self, *, kubeadmin_password: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword kubeadmin_password: Password of the built-in administrator.
        :paramtype kubeadmin_password: str
        """
        super().__init__(**kwargs)
        self.kubeadmin_password = kubeadmin_password


class OpenShiftClusterList(_serialization.Model):
    """One page of clusters.

    :ivar value: The clusters of this page.
    :vartype value: list[~aro_redhatopenshift.v2019_12_31_preview.models.OpenShiftCluster]
    """

    _attribute_map = {
        "value": {"key": "value", "type": "[OpenShiftCluster]"},
    }

    def __init__(self, *, value: Optional[list["_models.OpenShiftCluster"]] = None, **kwargs: Any) -> None:
        """
        :keyword value: The clusters of this page.
        :paramtype value: list[~aro_redhatopenshift.v2019_12_31_preview.models.OpenShiftCluster]
        """
        super().__init__(**kwargs)
        self.value = value


class Operation(_serialization.Model):
    """One operation of the provider.

    :ivar name: Name of the operation as roles use it: provider, resource type and verb, separated
     by slashes.
    :vartype name: str
    :ivar display: Texts for people.
    :vartype display: ~aro_redhatopenshift.v2019_12_31_preview.models.Display
    """

    _attribute_map = {
        "name": {"key": "name", "type": "str"},
        "display": {"key": "display", "type": "Display"},
    }

    def __init__(
        self, *, name: Optional[str] = None, display: Optional["_models.Display"] = None, **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the operation as roles use it: provider, resource type and verb,
         separated by slashes.
        :paramtype name: str
        :keyword display: Texts for people.
        :paramtype display: ~aro_redhatopenshift.v2019_12_31_preview.models.Display
        """
        super().__init__(**kwargs)
        self.name = name
        self.display = display


class OperationList(_serialization.Model):
    """The operations of the provider.

    :ivar value: The operations.
    :vartype value: list[~aro_redhatopenshift.v2019_12_31_preview.models.Operation]
    """

    _attribute_map = {
        "value": {"key": "value", "type": "[Operation]"},
    }

    def __init__(self, *, value: Optional[list["_models.Operation"]] = None, **kwargs: Any) -> None:
        """
        :keyword value: The operations.
        :paramtype value: list[~aro_redhatopenshift.v2019_12_31_preview.models.Operation]
        """
        super().__init__(**kwargs)
        self.value = value


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


class WorkerProfile(_serialization.Model):
    """One group of worker machines.

    :ivar name: Name of the group. On creation it is worker.
    :vartype name: str
    :ivar vm_size: Azure size of the worker machines. Default Standard_D4s_v3. Known values are:
     "Standard_D2s_v3", "Standard_D4s_v3", and "Standard_D8s_v3".
    :vartype vm_size: str or ~aro_redhatopenshift.v2019_12_31_preview.models.VMSize
    :ivar disk_size_gb: Size of the system disk of each worker in gigabytes, 128 or more. Default
     128.
    :vartype disk_size_gb: int
    :ivar subnet_id: Resource id of the subnet of the workers. It must be in the virtual network of
     the control plane, but not its subnet.
    :vartype subnet_id: str
    :ivar count: Number of worker machines, 2 to 50. Default 3. This version can change it later.
    :vartype count: int
    """

    _attribute_map = {
        "name": {"key": "name", "type": "str"},
        "vm_size": {"key": "vmSize", "type": "str"},
        "disk_size_gb": {"key": "diskSizeGB", "type": "int"},
        "subnet_id": {"key": "subnetId", "type": "str"},
        "count": {"key": "count", "type": "int"},
    }

    def __init__(
        self,
        *,
        name: Optional[str] = None,
        vm_size: Optional[Union[str, "_models.VMSize"]] = None,
        disk_size_gb: Optional[int] = None,
        subnet_id: Optional[str] = None,
        count: Optional[int] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the group. On creation it is worker.
        :paramtype name: str
        :keyword vm_size: Azure size of the worker machines. Default Standard_D4s_v3. Known values are:
         "Standard_D2s_v3", "Standard_D4s_v3", and "Standard_D8s_v3".
        :paramtype vm_size: str or ~aro_redhatopenshift.v2019_12_31_preview.models.VMSize
        :keyword disk_size_gb: Size of the system disk of each worker in gigabytes, 128 or more.
         Default 128.
        :paramtype disk_size_gb: int
        :keyword subnet_id: Resource id of the subnet of the workers. It must be in the virtual network
         of the control plane, but not its subnet.
        :paramtype subnet_id: str
        :keyword count: Number of worker machines, 2 to 50. Default 3. This version can change it
         later.
        :paramtype count: int
        """
        super().__init__(**kwargs)
        self.name = name
        self.vm_size = vm_size
        self.disk_size_gb = disk_size_gb
        self.subnet_id = subnet_id
        self.count = count

# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from typing import Any, Optional, TYPE_CHECKING, Union

from .._utils import serialization as _serialization

if TYPE_CHECKING:
    from .. import models as _models


class APIServerProfile(_serialization.Model):
    """Where and to whom the Kubernetes API is reachable.

    :ivar visibility: Who can reach the Kubernetes API. Default Public. Fixed when the cluster is
     created. Known values are: "Private" and "Public".
    :vartype visibility: str or ~aro_redhatopenshift.v2022_04_01.models.Visibility
    :ivar url: URL of the Kubernetes API. Set by the service.
    :vartype url: str
    :ivar ip: IPv4 address of the Kubernetes API. Set by the service.
    :vartype ip: str
    """

    _attribute_map = {
        "visibility": {"key": "visibility", "type": "str"},
        "url": {"key": "url", "type": "str"},
        "ip": {"key": "ip", "type": "str"},
    }

    def __init__(
        self,
        *,
        visibility: Optional[Union[str, "_models.Visibility"]] = None,
        url: Optional[str] = None,
        ip: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword visibility: Who can reach the Kubernetes API. Default Public. Fixed when the cluster
         is created. Known values are: "Private" and "Public".
        :paramtype visibility: str or ~aro_redhatopenshift.v2022_04_01.models.Visibility
        :keyword url: URL of the Kubernetes API. Set by the service.
        :paramtype url: str
        :keyword ip: IPv4 address of the Kubernetes API. Set by the service.
        :paramtype ip: str
        """
        super().__init__(**kwargs)
        self.visibility = visibility
        self.url = url
        self.ip = ip


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
    :vartype details: list[~aro_redhatopenshift.v2022_04_01.models.CloudErrorBody]
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
        :paramtype details: list[~aro_redhatopenshift.v2022_04_01.models.CloudErrorBody]
        """
        super().__init__(**kwargs)
        self.code = code
        self.message = message
        self.target = target
        self.details = details


class ClusterProfile(_serialization.Model):
    """Identity of the cluster: its version, its domain and where its resources are kept.

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
     ~aro_redhatopenshift.v2022_04_01.models.FipsValidatedModules
    """

    _attribute_map = {
        "pull_secret": {"key": "pullSecret", "type": "str"},
        "domain": {"key": "domain", "type": "str"},
        "version": {"key": "version", "type": "str"},
        "resource_group_id": {"key": "resourceGroupId", "type": "str"},
        "fips_validated_modules": {"key": "fipsValidatedModules", "type": "str"},
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
         ~aro_redhatopenshift.v2022_04_01.models.FipsValidatedModules
        """
        super().__init__(**kwargs)
        self.pull_secret = pull_secret
        self.domain = domain
        self.version = version
        self.resource_group_id = resource_group_id
        self.fips_validated_modules = fips_validated_modules


class ConsoleProfile(_serialization.Model):
    """The web console of the cluster.

    :ivar url: URL of the web console. Set by the service.
    :vartype url: str
    """

    _attribute_map = {
        "url": {"key": "url", "type": "str"},
    }

    def __init__(self, *, url: Optional[str] = None, **kwargs: Any) -> None:
        """
        :keyword url: URL of the web console. Set by the service.
        :paramtype url: str
        """
        super().__init__(**kwargs)
        self.url = url


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


class IngressProfile(_serialization.Model):
    """One entry point for traffic to applications.

    :ivar name: Name of the ingress. On creation it is default.
    :vartype name: str
    :ivar visibility: Who can reach applications through this ingress. Default Public. Fixed when
     the cluster is created. Known values are: "Private" and "Public".
    :vartype visibility: str or ~aro_redhatopenshift.v2022_04_01.models.Visibility
    :ivar ip: IPv4 address of the ingress. Set by the service.
    :vartype ip: str
    """

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
        ip: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword name: Name of the ingress. On creation it is default.
        :paramtype name: str
        :keyword visibility: Who can reach applications through this ingress. Default Public. Fixed
         when the cluster is created. Known values are: "Private" and "Public".
        :paramtype visibility: str or ~aro_redhatopenshift.v2022_04_01.models.Visibility
        :keyword ip: IPv4 address of the ingress. Set by the service.
        :paramtype ip: str
        """
        super().__init__(**kwargs)
        self.name = name
        self.visibility = visibility
        self.ip = ip


class MasterProfile(_serialization.Model):
    """The virtual machines of the control plane. Fixed when the cluster is created.

    :ivar vm_size: Azure size of the control plane machines. Default Standard_D8s_v5.
    :vartype vm_size: str
    :ivar subnet_id: Resource id of the subnet of the control plane machines. It must be in the
     virtual network of the workers and must be used by nothing else.
    :vartype subnet_id: str
    :ivar encryption_at_host: Encryption on the host for the control plane machines. Default
     Disabled. Known values are: "Disabled" and "Enabled".
    :vartype encryption_at_host: str or ~aro_redhatopenshift.v2022_04_01.models.EncryptionAtHost
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
        :paramtype encryption_at_host: str or ~aro_redhatopenshift.v2022_04_01.models.EncryptionAtHost
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


class Resource(_serialization.Model):
    """Members that every Azure resource has.

    Variables are only populated by the server, and will be ignored when sending a request.

    :ivar id: Resource id: the path of the resource, without host and version.
    :vartype id: str
    :ivar name: Name of the resource, the last segment of its id.
    :vartype name: str
    :ivar type: Resource type: the namespace of the provider and the name of the type.
    :vartype type: str
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
    }

    def __init__(self, **kwargs: Any) -> None:
        """ """
        super().__init__(**kwargs)
        self.id: Optional[str] = None
        self.name: Optional[str] = None
        self.type: Optional[str] = None


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
        "location": {"required": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
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
    :ivar tags: Names and values that the owner of the resource chooses.
    :vartype tags: dict[str, str]
    :ivar location: Azure region of the resource. Fixed when the resource is created; upper and
     lower case and blanks do not matter. Required.
    :vartype location: str
    :ivar provisioning_state: State of the last operation. Set by the service. Known values are:
     "AdminUpdating", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
    :vartype provisioning_state: str or ~aro_redhatopenshift.v2022_04_01.models.ProvisioningState
    :ivar cluster_profile: Version, domain and resource group of the cluster.
    :vartype cluster_profile: ~aro_redhatopenshift.v2022_04_01.models.ClusterProfile
    :ivar console_profile: Web console of the cluster.
    :vartype console_profile: ~aro_redhatopenshift.v2022_04_01.models.ConsoleProfile
    :ivar service_principal_profile: Service principal of the cluster.
    :vartype service_principal_profile:
     ~aro_redhatopenshift.v2022_04_01.models.ServicePrincipalProfile
    :ivar network_profile: Network of the cluster.
    :vartype network_profile: ~aro_redhatopenshift.v2022_04_01.models.NetworkProfile
    :ivar master_profile: Machines of the control plane.
    :vartype master_profile: ~aro_redhatopenshift.v2022_04_01.models.MasterProfile
    :ivar worker_profiles: Groups of worker machines asked for on creation. There is exactly one.
    :vartype worker_profiles: list[~aro_redhatopenshift.v2022_04_01.models.WorkerProfile]
    :ivar apiserver_profile: Access to the Kubernetes API.
    :vartype apiserver_profile: ~aro_redhatopenshift.v2022_04_01.models.APIServerProfile
    :ivar ingress_profiles: Entry points for applications. There is exactly one.
    :vartype ingress_profiles: list[~aro_redhatopenshift.v2022_04_01.models.IngressProfile]
    """

    _validation = {
        "id": {"readonly": True},
        "name": {"readonly": True},
        "type": {"readonly": True},
        "location": {"required": True},
    }

    _attribute_map = {
        "id": {"key": "id", "type": "str"},
        "name": {"key": "name", "type": "str"},
        "type": {"key": "type", "type": "str"},
        "tags": {"key": "tags", "type": "{str}"},
        "location": {"key": "location", "type": "str"},
        "provisioning_state": {"key": "properties.provisioningState", "type": "str"},
        "cluster_profile": {"key": "properties.clusterProfile", "type": "ClusterProfile"},
        "console_profile": {"key": "properties.consoleProfile", "type": "ConsoleProfile"},
        "service_principal_profile": {"key": "properties.servicePrincipalProfile", "type": "ServicePrincipalProfile"},
        "network_profile": {"key": "properties.networkProfile", "type": "NetworkProfile"},
        "master_profile": {"key": "properties.masterProfile", "type": "MasterProfile"},
        "worker_profiles": {"key": "properties.workerProfiles", "type": "[WorkerProfile]"},
        "apiserver_profile": {"key": "properties.apiserverProfile", "type": "APIServerProfile"},
        "ingress_profiles": {"key": "properties.ingressProfiles", "type": "[IngressProfile]"},
    }

    def __init__(
        self,
        *,
        location: str,
        tags: Optional[dict[str, str]] = None,
        provisioning_state: Optional[Union[str, "_models.ProvisioningState"]] = None,
        cluster_profile: Optional["_models.ClusterProfile"] = None,
        console_profile: Optional["_models.ConsoleProfile"] = None,
        service_principal_profile: Optional["_models.ServicePrincipalProfile"] = None,
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
        :keyword provisioning_state: State of the last operation. Set by the service. Known values are:
         "AdminUpdating", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
        :paramtype provisioning_state: str or ~aro_redhatopenshift.v2022_04_01.models.ProvisioningState
        :keyword cluster_profile: Version, domain and resource group of the cluster.
        :paramtype cluster_profile: ~aro_redhatopenshift.v2022_04_01.models.ClusterProfile
        :keyword console_profile: Web console of the cluster.
        :paramtype console_profile: ~aro_redhatopenshift.v2022_04_01.models.ConsoleProfile
        :keyword service_principal_profile: Service principal of the cluster.
        :paramtype service_principal_profile:
         ~aro_redhatopenshift.v2022_04_01.models.ServicePrincipalProfile
        :keyword network_profile: Network of the cluster.
        :paramtype network_profile: ~aro_redhatopenshift.v2022_04_01.models.NetworkProfile
        :keyword master_profile: Machines of the control plane.
        :paramtype master_profile: ~aro_redhatopenshift.v2022_04_01.models.MasterProfile
        :keyword worker_profiles: Groups of worker machines asked for on creation. There is exactly
         one.
        :paramtype worker_profiles: list[~aro_redhatopenshift.v2022_04_01.models.WorkerProfile]
        :keyword apiserver_profile: Access to the Kubernetes API.
        :paramtype apiserver_profile: ~aro_redhatopenshift.v2022_04_01.models.APIServerProfile
        :keyword ingress_profiles: Entry points for applications. There is exactly one.
        :paramtype ingress_profiles: list[~aro_redhatopenshift.v2022_04_01.models.IngressProfile]
        """
        super().__init__(tags=tags, location=location, **kwargs)
        self.provisioning_state = provisioning_state
        self.cluster_profile = cluster_profile
        self.console_profile = console_profile
        self.service_principal_profile = service_principal_profile
        self.network_profile = network_profile
        self.master_profile = master_profile
        self.worker_profiles = worker_profiles
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

    :ivar value: The clusters of this page.
    :vartype value: list[~aro_redhatopenshift.v2022_04_01.models.OpenShiftCluster]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _attribute_map = {
        "value": {"key": "value", "type": "[OpenShiftCluster]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(
        self,
        *,
        value: Optional[list["_models.OpenShiftCluster"]] = None,
        next_link: Optional[str] = None,
        **kwargs: Any
    ) -> None:
        """
        :keyword value: The clusters of this page.
        :paramtype value: list[~aro_redhatopenshift.v2022_04_01.models.OpenShiftCluster]
        :keyword next_link: URL of the next page. Absent on the last page.
        :paramtype next_link: str
        """
        super().__init__(**kwargs)
        self.value = value
        self.next_link = next_link


class OpenShiftClusterUpdate(_serialization.Model):
    """The members of a cluster that a patch may carry. Members left out keep their value.

    :ivar tags: The new set of tags. It replaces the old set.
    :vartype tags: dict[str, str]
    :ivar provisioning_state: State of the last operation. Set by the service. Known values are:
     "AdminUpdating", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
    :vartype provisioning_state: str or ~aro_redhatopenshift.v2022_04_01.models.ProvisioningState
    :ivar cluster_profile: Version, domain and resource group of the cluster.
    :vartype cluster_profile: ~aro_redhatopenshift.v2022_04_01.models.ClusterProfile
    :ivar console_profile: Web console of the cluster.
    :vartype console_profile: ~aro_redhatopenshift.v2022_04_01.models.ConsoleProfile
    :ivar service_principal_profile: Service principal of the cluster.
    :vartype service_principal_profile:
     ~aro_redhatopenshift.v2022_04_01.models.ServicePrincipalProfile
    :ivar network_profile: Network of the cluster.
    :vartype network_profile: ~aro_redhatopenshift.v2022_04_01.models.NetworkProfile
    :ivar master_profile: Machines of the control plane.
    :vartype master_profile: ~aro_redhatopenshift.v2022_04_01.models.MasterProfile
    :ivar worker_profiles: Groups of worker machines asked for on creation. There is exactly one.
    :vartype worker_profiles: list[~aro_redhatopenshift.v2022_04_01.models.WorkerProfile]
    :ivar apiserver_profile: Access to the Kubernetes API.
    :vartype apiserver_profile: ~aro_redhatopenshift.v2022_04_01.models.APIServerProfile
    :ivar ingress_profiles: Entry points for applications. There is exactly one.
    :vartype ingress_profiles: list[~aro_redhatopenshift.v2022_04_01.models.IngressProfile]
    """

    _attribute_map = {
        "tags": {"key": "tags", "type": "{str}"},
        "provisioning_state": {"key": "properties.provisioningState", "type": "str"},
        "cluster_profile": {"key": "properties.clusterProfile", "type": "ClusterProfile"},
        "console_profile": {"key": "properties.consoleProfile", "type": "ConsoleProfile"},
        "service_principal_profile": {"key": "properties.servicePrincipalProfile", "type": "ServicePrincipalProfile"},
        "network_profile": {"key": "properties.networkProfile", "type": "NetworkProfile"},
        "master_profile": {"key": "properties.masterProfile", "type": "MasterProfile"},
        "worker_profiles": {"key": "properties.workerProfiles", "type": "[WorkerProfile]"},
        "apiserver_profile": {"key": "properties.apiserverProfile", "type": "APIServerProfile"},
        "ingress_profiles": {"key": "properties.ingressProfiles", "type": "[IngressProfile]"},
    }

    def __init__(
        self,
        *,
        tags: Optional[dict[str, str]] = None,
        provisioning_state: Optional[Union[str, "_models.ProvisioningState"]] = None,
        cluster_profile: Optional["_models.ClusterProfile"] = None,
        console_profile: Optional["_models.ConsoleProfile"] = None,
        service_principal_profile: Optional["_models.ServicePrincipalProfile"] = None,
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
        :keyword provisioning_state: State of the last operation. Set by the service. Known values are:
         "AdminUpdating", "Creating", "Deleting", "Failed", "Succeeded", and "Updating".
        :paramtype provisioning_state: str or ~aro_redhatopenshift.v2022_04_01.models.ProvisioningState
        :keyword cluster_profile: Version, domain and resource group of the cluster.
        :paramtype cluster_profile: ~aro_redhatopenshift.v2022_04_01.models.ClusterProfile
        :keyword console_profile: Web console of the cluster.
        :paramtype console_profile: ~aro_redhatopenshift.v2022_04_01.models.ConsoleProfile
        :keyword service_principal_profile: Service principal of the cluster.
        :paramtype service_principal_profile:
         ~aro_redhatopenshift.v2022_04_01.models.ServicePrincipalProfile
        :keyword network_profile: Network of the cluster.
        :paramtype network_profile: ~aro_redhatopenshift.v2022_04_01.models.NetworkProfile
        :keyword master_profile: Machines of the control plane.
        :paramtype master_profile: ~aro_redhatopenshift.v2022_04_01.models.MasterProfile
        :keyword worker_profiles: Groups of worker machines asked for on creation. There is exactly
         one.
        :paramtype worker_profiles: list[~aro_redhatopenshift.v2022_04_01.models.WorkerProfile]
        :keyword apiserver_profile: Access to the Kubernetes API.
        :paramtype apiserver_profile: ~aro_redhatopenshift.v2022_04_01.models.APIServerProfile
        :keyword ingress_profiles: Entry points for applications. There is exactly one.
        :paramtype ingress_profiles: list[~aro_redhatopenshift.v2022_04_01.models.IngressProfile]
        """
        super().__init__(**kwargs)
        self.tags = tags
        self.provisioning_state = provisioning_state
        self.cluster_profile = cluster_profile
        self.console_profile = console_profile
        self.service_principal_profile = service_principal_profile
        self.network_profile = network_profile
        self.master_profile = master_profile
        self.worker_profiles = worker_profiles
        self.apiserver_profile = apiserver_profile
        self.ingress_profiles = ingress_profiles


class Operation(_serialization.Model):
    """One operation of the provider.

    :ivar name: Name of the operation as roles use it: provider, resource type and verb, separated
     by slashes.
    :vartype name: str
    :ivar display: Texts for people.
    :vartype display: ~aro_redhatopenshift.v2022_04_01.models.Display
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
        :paramtype display: ~aro_redhatopenshift.v2022_04_01.models.Display
        :keyword origin: Who may call the operation: user, system, or both separated by a comma.
        :paramtype origin: str
        """
        super().__init__(**kwargs)
        self.name = name
        self.display = display
        self.origin = origin


class OperationList(_serialization.Model):
    """The operations of the provider.

    :ivar value: The operations.
    :vartype value: list[~aro_redhatopenshift.v2022_04_01.models.Operation]
    :ivar next_link: URL of the next page. Absent on the last page.
    :vartype next_link: str
    """

    _attribute_map = {
        "value": {"key": "value", "type": "[Operation]"},
        "next_link": {"key": "nextLink", "type": "str"},
    }

    def __init__(
        self, *, value: Optional[list["_models.Operation"]] = None, next_link: Optional[str] = None, **kwargs: Any
    ) -> None:
        """
        :keyword value: The operations.
        :paramtype value: list[~aro_redhatopenshift.v2022_04_01.models.Operation]
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
    :vartype encryption_at_host: str or ~aro_redhatopenshift.v2022_04_01.models.EncryptionAtHost
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
        :paramtype encryption_at_host: str or ~aro_redhatopenshift.v2022_04_01.models.EncryptionAtHost
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

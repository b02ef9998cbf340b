"""A cluster as the provider takes it, from what the caller asked for."""

import random
import string

from azext_aro._client import models

DEFAULTS = {
    "pod_cidr": "10.128.0.0/14",
    "service_cidr": "172.30.0.0/16",
    "master_vm_size": "Standard_D8s_v5",
    "worker_vm_size": "Standard_D4s_v5",
    "worker_vm_disk_size_gb": 128,
    "worker_count": 3,
    "apiserver_visibility": "Public",
    "ingress_visibility": "Public",
}


def random_id(length=8):
    """A letter, then letters and digits: legal as a label and in every name."""
    choice = random.SystemRandom().choice
    return choice(string.ascii_lowercase) + "".join(
        choice(string.ascii_lowercase + string.digits) for _ in range(length - 1)
    )


def _switch(value):
    return "Enabled" if value else "Disabled"


def build(azure, wanted):
    """The body of a PUT. wanted are the options by name; absent ones take their defaults."""
    m = models()

    def get(name):
        value = wanted.get(name)
        return DEFAULTS.get(name) if value is None else value

    body = m.OpenShiftCluster(location=get("location"), tags=get("tags"))
    body.cluster_profile = m.ClusterProfile(
        pull_secret=get("pull_secret") or None,
        domain=get("domain") or random_id(),
        version=get("version") or None,
        resource_group_id=azure.scope("resourceGroups", get("cluster_resource_group") or "aro-" + random_id()),
        fips_validated_modules=_switch(get("fips_validated_modules")),
    )
    body.network_profile = m.NetworkProfile(
        pod_cidr=get("pod_cidr"),
        service_cidr=get("service_cidr"),
        outbound_type=get("outbound_type") or None,
        load_balancer_profile=outbound_ips(get("load_balancer_managed_outbound_ip_count")),
        preconfigured_nsg=_switch(get("enable_preconfigured_nsg")),
    )
    disks = get("disk_encryption_set")
    body.master_profile = m.MasterProfile(
        vm_size=get("master_vm_size"),
        subnet_id=get("master_subnet"),
        disk_encryption_set_id=disks,
        encryption_at_host=_switch(get("master_encryption_at_host")),
    )
    body.worker_profiles = [
        m.WorkerProfile(
            name="worker",
            vm_size=get("worker_vm_size"),
            disk_size_gb=get("worker_vm_disk_size_gb"),
            subnet_id=get("worker_subnet"),
            count=get("worker_count"),
            disk_encryption_set_id=disks,
            encryption_at_host=_switch(get("worker_encryption_at_host")),
        )
    ]
    body.apiserver_profile = m.APIServerProfile(visibility=get("apiserver_visibility"))
    body.ingress_profiles = [m.IngressProfile(name="default", visibility=get("ingress_visibility"))]
    return body


def outbound_ips(count):
    """The load balancer's part, if a number of addresses was asked for."""
    if count is None:
        return None
    m = models()
    return m.LoadBalancerProfile(managed_outbound_ips=m.ManagedOutboundIPs(count=count))


def service_principal(client_id, client_secret):
    """The credentials of a cluster that has them."""
    return models().ServicePrincipalProfile(client_id=client_id, client_secret=client_secret)


def cluster_identity(resource):
    """The identity of the cluster itself."""
    m = models()
    return m.ManagedServiceIdentity(type="UserAssigned", user_assigned_identities={resource: m.UserAssignedIdentity()})


def operator_identities(identities, upgradeable_to=None):
    """The identities of the operators, by operator."""
    m = models()
    return m.PlatformWorkloadIdentityProfile(
        upgradeable_to=upgradeable_to,
        platform_workload_identities={
            name: m.PlatformWorkloadIdentity(resource_id=resource) for name, resource in identities.items()
        },
    )

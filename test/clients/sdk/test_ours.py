"""Our Python client: a cluster's life in every api-version."""

import base64

import pytest
from aro_redhatopenshift import RedHatOpenShiftClient, api_versions, models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError


# The versions in which a cluster is made ready in `make test`; in the others its creation is canceled, unless --long.
READY = (api_versions()[0], "2023-11-22", api_versions()[-1])


@pytest.mark.proves("our Python client", "create", "read", "update", "delete", "credentials")
@pytest.mark.parametrize("version", api_versions())
def test_life(version, stand, credential, options, place, long):
    with RedHatOpenShiftClient(credential, stand.subscription, api_version=version, **options) as client:
        assert listed(client.operations.list())[0].name
        clusters, here = client.open_shift_clusters, (place.group, "ours")
        poller = clusters.begin_create_or_update(*here, cluster(models(version), place))
        made = clusters.get(*here)
        assert made.name == "ours" and made.provisioning_state in ("Creating", "Succeeded")
        assert [one.id for one in listed(clusters.list_by_resource_group(place.group))] == [made.id]
        assert made.id in [one.id for one in listed(clusters.list())]
        ready = long or version in READY
        if ready:
            live(clusters, here, poller.result(), models(version))
        clusters.begin_delete(*here).result()
        if not ready:
            ends_canceled(poller)
        with pytest.raises(ResourceNotFoundError) as refused:
            clusters.get(*here)
        assert refused.value.error.code == "ResourceNotFound"


@pytest.mark.proves("our Python client", "refusals")
@pytest.mark.parametrize("version", api_versions())
def test_faults_are_typed(version, stand, credential, options, place):
    wanted = cluster(models(version), place)
    wanted.master_profile.vm_size = "Standard_A1"
    with RedHatOpenShiftClient(credential, stand.subscription, api_version=version, **options) as client:
        with pytest.raises(HttpResponseError) as refused:
            client.open_shift_clusters.begin_create_or_update(place.group, "ours", wanted)
    said = refused.value.error
    assert (refused.value.status_code, said.code) == (400, "InvalidParameter")
    assert said.target == "properties.masterProfile.vmSize" and "Standard_A1" in said.message


def ends_canceled(poller):
    """The creation of a cluster that was deleted meanwhile ends as that."""
    with pytest.raises(HttpResponseError):
        poller.result()
    assert poller.status().lower() in ("canceled", "failed")


def listed(clusters):
    """The oldest version answers with a list, later ones with pages."""
    return clusters.value if hasattr(clusters, "value") else list(clusters)


def live(clusters, here, made, m):
    """What can be done with a cluster that is ready."""
    assert made.provisioning_state == "Succeeded"
    if not hasattr(m, "ClusterProfile"):  # the oldest version has other names, and no update but of workers
        assert made.console_url and clusters.get_credentials(*here).kubeadmin_password
        return
    assert made.console_profile.url and clusters.list_credentials(*here).kubeadmin_password
    if hasattr(clusters, "list_admin_credentials"):
        assert b"client-key-data" in base64.b64decode(clusters.list_admin_credentials(*here).kubeconfig)
    changed = clusters.begin_update(*here, m.OpenShiftClusterUpdate(tags={"a": "b"})).result()
    assert changed.tags == {"a": "b"}
    clusters.begin_create_or_update(*here, clusters.get(*here)).result()
    assert clusters.get(*here).tags == {"a": "b"}


def cluster(m, place):
    """A cluster of the version, with what it has not left out."""
    made = m.OpenShiftCluster(location="eastus")
    made.network_profile = m.NetworkProfile(pod_cidr="10.128.0.0/14", service_cidr="172.30.0.0/16")
    made.master_profile = m.MasterProfile(vm_size="Standard_D8s_v3", subnet_id=place.master)
    made.worker_profiles = [
        m.WorkerProfile(name="worker", vm_size="Standard_D4s_v3", disk_size_gb=128, subnet_id=place.worker, count=3)
    ]
    made.service_principal_profile = m.ServicePrincipalProfile(
        client_id=place.principal.client_id, client_secret=place.principal.client_secret
    )
    if not hasattr(m, "ClusterProfile"):
        return made  # the oldest version asks no more
    made.cluster_profile = m.ClusterProfile(domain=place.group, resource_group_id=place.machines)
    made.apiserver_profile = m.APIServerProfile(visibility="Public")
    made.ingress_profiles = [m.IngressProfile(name="default", visibility="Public")]
    return made

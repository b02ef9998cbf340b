"""azure-mgmt-redhatopenshift as it is published: the whole life of a cluster."""

import base64

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.redhatopenshift import AzureRedHatOpenShiftClient, models

from principals import prepare

NAME = "published"


def test_whole_life(stand, credential, options, group):
    prepare(stand, group)
    with AzureRedHatOpenShiftClient(credential, stand.subscription, **options) as client:
        versions = [v.properties.version for v in client.open_shift_versions.list("eastus")]
        assert client.open_shift_versions.get("eastus", versions[-1]).properties.version == versions[-1]
        sets = list(client.platform_workload_identity_role_sets.list("eastus"))
        assert all(one.properties.platform_workload_identity_roles for one in sets)
        assert any(operation.name.endswith("/openShiftClusters/write") for operation in client.operations.list())

        clusters = client.open_shift_clusters
        wanted = cluster(stand, group, versions[-1])
        made = clusters.begin_create_or_update(group[0], NAME, wanted).result()
        assert made.properties.provisioning_state == "Succeeded"
        assert made.properties.cluster_profile.version == versions[-1]
        assert not made.properties.service_principal_profile.client_secret
        assert clusters.get(group[0], NAME).id == made.id
        assert [one.id for one in clusters.list_by_resource_group(group[0])] == [made.id]
        assert made.id in [one.id for one in clusters.list()]
        assert clusters.list_credentials(group[0], NAME).kubeadmin_password
        assert b"client-key-data" in base64.b64decode(clusters.list_admin_credentials(group[0], NAME).kubeconfig)

        changed = clusters.begin_update(group[0], NAME, models.OpenShiftClusterUpdate(tags={"a": "b"})).result()
        assert changed.tags == {"a": "b"} and changed.properties.provisioning_state == "Succeeded"
        # What was read can be written: it changes nothing.
        again = clusters.begin_create_or_update(group[0], NAME, clusters.get(group[0], NAME)).result()
        assert again.as_dict() == clusters.get(group[0], NAME).as_dict()

        clusters.begin_delete(group[0], NAME).result()
        with pytest.raises(ResourceNotFoundError):
            clusters.get(group[0], NAME)


def test_faults_say_where_they_are(stand, credential, options, group):
    wanted = cluster(stand, group, "4.1")
    with AzureRedHatOpenShiftClient(credential, stand.subscription, **options) as client:
        with pytest.raises(HttpResponseError) as refused:
            client.open_shift_clusters.begin_create_or_update(group[0], NAME, wanted)
    assert refused.value.status_code == 400 and "version" in str(refused.value)


def cluster(stand, group, version):
    """A cluster with a service principal."""
    name, master, worker = group
    return models.OpenShiftCluster(
        location="eastus",
        properties=models.OpenShiftClusterProperties(
            cluster_profile=models.ClusterProfile(
                domain=name,
                version=version,
                resource_group_id=f"/subscriptions/{stand.subscription}/resourceGroups/{name}-machines",
            ),
            network_profile=models.NetworkProfile(pod_cidr="10.128.0.0/14", service_cidr="172.30.0.0/16"),
            master_profile=models.MasterProfile(vm_size="Standard_D8s_v5", subnet_id=master),
            worker_profiles=[
                models.WorkerProfile(
                    name="worker", vm_size="Standard_D4s_v5", disk_size_gb=128, subnet_id=worker, count=3
                )
            ],
            apiserver_profile=models.APIServerProfile(visibility="Public"),
            ingress_profiles=[models.IngressProfile(name="default", visibility="Public")],
            service_principal_profile=models.ServicePrincipalProfile(
                client_id=stand.client_id, client_secret=stand.client_secret
            ),
        ),
    )

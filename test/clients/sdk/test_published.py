"""azure-mgmt-redhatopenshift as it is published: the whole life of a cluster, and clients of Kubernetes inside."""

import base64

import inside
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.redhatopenshift import AzureRedHatOpenShiftClient, models

NAME = "published"


@pytest.mark.proves("published Python SDK", "create", "read", "update", "delete", "credentials")
@pytest.mark.proves("Kubernetes' Python client", "inside")
@pytest.mark.proves("Helm", "inside")
def test_whole_life(stand, credential, options, place, tmp_path):
    with AzureRedHatOpenShiftClient(credential, stand.subscription, **options) as client:
        versions = [v.properties.version for v in client.open_shift_versions.list("eastus")]
        assert client.open_shift_versions.get("eastus", versions[-1]).properties.version == versions[-1]
        sets = list(client.platform_workload_identity_role_sets.list("eastus"))
        assert all(one.properties.platform_workload_identity_roles for one in sets)
        assert any(operation.name.endswith("/openShiftClusters/write") for operation in client.operations.list())

        clusters = client.open_shift_clusters
        wanted = cluster(place, versions[-1])
        made = clusters.begin_create_or_update(place.group, NAME, wanted).result()
        assert made.properties.provisioning_state == "Succeeded"
        assert made.properties.cluster_profile.version == versions[-1]
        assert not made.properties.service_principal_profile.client_secret
        assert clusters.get(place.group, NAME).id == made.id
        assert [one.id for one in clusters.list_by_resource_group(place.group)] == [made.id]
        assert made.id in [one.id for one in clusters.list()]
        assert clusters.list_credentials(place.group, NAME).kubeadmin_password
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_bytes(base64.b64decode(clusters.list_admin_credentials(place.group, NAME).kubeconfig))
        inside.python_client(kubeconfig)
        inside.helm(kubeconfig)

        changed = clusters.begin_update(place.group, NAME, models.OpenShiftClusterUpdate(tags={"a": "b"})).result()
        assert changed.tags == {"a": "b"} and changed.properties.provisioning_state == "Succeeded"
        # What was read can be written: it changes nothing.
        again = clusters.begin_create_or_update(place.group, NAME, clusters.get(place.group, NAME)).result()
        assert again.as_dict() == clusters.get(place.group, NAME).as_dict()

        clusters.begin_delete(place.group, NAME).result()
        with pytest.raises(ResourceNotFoundError):
            clusters.get(place.group, NAME)


@pytest.mark.proves("published Python SDK", "refusals")
def test_faults_are_typed(stand, credential, options, place):
    with AzureRedHatOpenShiftClient(credential, stand.subscription, **options) as client:
        with pytest.raises(HttpResponseError) as refused:
            client.open_shift_clusters.begin_create_or_update(place.group, NAME, cluster(place, "4.1"))
        with pytest.raises(ResourceNotFoundError) as absent:
            client.open_shift_clusters.get(place.group, NAME)
    said = refused.value.error
    assert (refused.value.status_code, said.code) == (400, "InvalidParameter")
    assert said.target == "properties.clusterProfile.version" and "version" in said.message
    assert absent.value.error.code == "ResourceNotFound"


def cluster(place, version):
    """A cluster with a service principal."""
    return models.OpenShiftCluster(
        location="eastus",
        properties=models.OpenShiftClusterProperties(
            cluster_profile=models.ClusterProfile(
                domain=place.group,
                version=version,
                resource_group_id=place.machines,
            ),
            network_profile=models.NetworkProfile(pod_cidr="10.128.0.0/14", service_cidr="172.30.0.0/16"),
            master_profile=models.MasterProfile(vm_size="Standard_D8s_v5", subnet_id=place.master),
            worker_profiles=[
                models.WorkerProfile(
                    name="worker", vm_size="Standard_D4s_v5", disk_size_gb=128, subnet_id=place.worker, count=3
                )
            ],
            apiserver_profile=models.APIServerProfile(visibility="Public"),
            ingress_profiles=[models.IngressProfile(name="default", visibility="Public")],
            service_principal_profile=models.ServicePrincipalProfile(
                client_id=place.principal.client_id, client_secret=place.principal.client_secret
            ),
        ),
    )

"""Clients of Kubernetes, unmodified, with the kubeconfig that the service returns: its Python client, and Helm."""

import os
import pathlib
import subprocess

from kubernetes import client, config, watch

# The compiled proof in test/clients/helm.
HELM = pathlib.Path(__file__).parents[3] / ".cache" / "clients-helm"
LIMIT_SECONDS = 180


def python_client(file):
    """Reads versions and nodes, makes a project, and lets a deployment live in it."""
    api = config.new_client_from_config(str(file))
    core, apps, custom = client.CoreV1Api(api), client.AppsV1Api(api), client.CustomObjectsApi(api)
    nodes = core.list_node().items
    ready = [n for n in nodes if any(c.type == "Ready" and c.status == "True" for c in n.status.conditions)]
    assert len(ready) == 6, [n.metadata.name for n in ready]
    assert all(n.metadata.labels["topology.kubernetes.io/region"] == "eastus" for n in nodes)
    version = client.VersionApi(api).get_code().git_version
    assert version.startswith("v1.") and {n.status.node_info.kubelet_version for n in nodes} == {version}
    versions = custom.get_cluster_custom_object("config.openshift.io", "v1", "clusterversions", "version")
    assert versions["status"]["desired"]["version"].startswith("4.")
    request = {"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": {"name": "proof"}}
    custom.create_cluster_custom_object("project.openshift.io", "v1", "projectrequests", request)
    projects = custom.list_cluster_custom_object("project.openshift.io", "v1", "projects")["items"]
    assert "proof" in [one["metadata"]["name"] for one in projects]
    apps.create_namespaced_deployment("proof", deployment())
    assert rolled_out(apps)
    pod = core.list_namespaced_pod("proof", label_selector="app=proof").items[0]
    assert pod.metadata.annotations["openshift.io/scc"] == "restricted-v2"
    assert "simulated" in core.read_namespaced_pod_log(pod.metadata.name, "proof")
    apps.patch_namespaced_deployment_scale("proof", "proof", {"spec": {"replicas": 1}})
    custom.delete_cluster_custom_object("project.openshift.io", "v1", "projects", "proof")


def deployment():
    """Two pods of an image that this machine does not run."""
    labels = {"app": "proof"}
    container = client.V1Container(name="main", image="registry.example.com/nginx:1")
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(match_labels=labels), template=template)
    return client.V1Deployment(metadata=client.V1ObjectMeta(name="proof"), spec=spec)


def rolled_out(apps):
    """Waits until the deployment says that its pods are ready, by a watch."""
    for event in watch.Watch().stream(apps.list_namespaced_deployment, "proof", timeout_seconds=LIMIT_SECONDS):
        one = event["object"]
        if (one.status.ready_replicas or 0) == one.spec.replicas:
            return True
    return False


def helm(file):
    """Installs, upgrades, rolls back and uninstalls a release."""
    done = subprocess.run(
        [HELM, "-test.v", "-test.timeout", "5m"],
        env={**os.environ, "KUBECONFIG": str(file)},
        timeout=LIMIT_SECONDS * 2,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0 and "SKIP" not in done.stdout, done.stdout

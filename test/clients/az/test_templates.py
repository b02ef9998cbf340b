"""az deployment, unmodified, with a cluster in the template: validate, what-if and create reach the resource provider."""

import json
import uuid

import pytest

import life
import principals

NAME = "templated"

TEMPLATE = """{
  // Comments are part of many templates.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "workers": {"type": "int", "defaultValue": 3},
    "clientId": {"type": "string"},
    "clientSecret": {"type": "secureString"},
    "domain": {"type": "string"},
    "addresses": {"type": "int", "defaultValue": 1}
  },
  "variables": {
    "subnets": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet', 'master')]"
  },
  "resources": [{
    "type": "Microsoft.RedHatOpenShift/openShiftClusters",
    "apiVersion": "2023-11-22",
    "name": "templated",
    "location": "[resourceGroup().location]",
    "properties": {
      "clusterProfile": {
        "domain": "[parameters('domain')]",
        "resourceGroupId": "[format('{0}/resourceGroups/{1}-machines', subscription().id, resourceGroup().name)]"
      },
      "servicePrincipalProfile": {"clientId": "[parameters('clientId')]", "clientSecret": "[parameters('clientSecret')]"},
      "networkProfile": {
        "podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16",
        "loadBalancerProfile": {"managedOutboundIps": {"count": "[parameters('addresses')]"}}
      },
      "masterProfile": {"vmSize": "Standard_D8s_v5", "subnetId": "[variables('subnets')]"},
      "workerProfiles": [{
        "name": "worker", "vmSize": "Standard_D4s_v5", "diskSizeGB": 128, "count": "[parameters('workers')]",
        "subnetId": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'vnet', 'worker')]"
      }],
      "apiserverProfile": {"visibility": "Public"},
      "ingressProfiles": [{"name": "default", "visibility": "Public"}]
    }
  }],
  "outputs": {
    "console": {
      "type": "string",
      "value": "[reference(resourceId('Microsoft.RedHatOpenShift/openShiftClusters', 'templated'), '2023-11-22').consoleProfile.url]"
    }
  }
}
"""


@pytest.fixture
def template(tmp_path, stand, group, principal):
    """The options of az deployment that name the template and its parameters."""
    vnet = group[1].rsplit("/subnets/", 1)[0]
    for one in (principal.object_id, principals.rp_object_id(stand)):
        principals.assign(stand, principals.NETWORK_CONTRIBUTOR, vnet, one)
    file = tmp_path / "cluster.json"
    file.write_text(TEMPLATE, encoding="utf-8")
    values = {
        "clientId": principal.client_id,
        "clientSecret": principal.client_secret,
        "domain": "t" + uuid.uuid4().hex[:8],
    }
    parameters = tmp_path / "parameters.json"
    parameters.write_text(
        json.dumps({"contentVersion": "1.0.0.0", "parameters": {k: {"value": v} for k, v in values.items()}}),
        encoding="utf-8",
    )
    return ("--resource-group", group[0], "--template-file", str(file), "--parameters", "@" + str(parameters))


def changes(az, *arguments):
    """The kinds of changes by the names of resources, and the properties that change."""
    answer = az("deployment", "group", "what-if", "--no-pretty-print", "--no-prompt", "true", *arguments)
    found = {}
    for one in answer["changes"]:
        paths = [delta["path"] for delta in one.get("delta") or []]
        found[one["resourceId"].rsplit("/", 1)[-1]] = (one["changeType"], paths)
    return found


@pytest.mark.proves("az deployment", "create", "validate", "refusals", "preview")
@pytest.mark.proves("az tag", "update")
def test_cluster_of_a_template(ours, group, template):
    assert ours("deployment", "group", "validate", *template)["properties"]["provisioningState"] == "Succeeded"
    refused = ours.refused("deployment", "group", "validate", *template, "--parameters", "workers=1")
    assert "workerProfiles" in refused, refused
    assert changes(ours, *template) == {NAME: ("Create", []), "vnet": ("Ignore", [])}

    made = ours("deployment", "group", "create", "--name", "one", *template)
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["outputs"]["console"]["value"].startswith("https://console")
    operations = ours("deployment", "operation", "group", "list", "--resource-group", group[0], "--name", "one")
    kinds = {one["properties"]["provisioningOperation"] for one in operations}
    assert kinds == {"Create", "EvaluateDeploymentOutput"}

    assert changes(ours, *template)[NAME] == ("NoChange", []), "an unchanged redeploy has noise"
    kind, paths = changes(ours, *template, "--parameters", "addresses=2")[NAME]
    assert kind == "Modify" and paths == ["properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"]
    # az 2.91 fails with a stack trace when what-if itself is refused.
    refused = ours.refused("deployment", "group", "validate", *template, "--parameters", "workers=5")
    assert "PropertyChangeNotAllowed" in refused, refused

    cluster = ours("aro", "show", "--resource-group", group[0], "--name", NAME)["id"]
    ours("tag", "update", "--resource-id", cluster, "--operation", "Merge", "--tags", "team=one")
    shown = ours("aro", "show", "--resource-group", group[0], "--name", NAME)
    assert shown["tags"] == {"team": "one"}, "the resource provider has not heard of the tags"
    ours("aro", "delete", "--yes", "--resource-group", group[0], "--name", NAME)
    life.gone(ours, group[0], NAME)

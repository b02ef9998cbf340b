"""The roles that a cluster's service principal and the service need on its network.
az gives them; with the SDKs they are their user's business."""

import uuid

NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
RP_APPLICATION = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"


def prepare(stand, group):
    """Gives both principals their role on the network of the group."""
    vnet = group[1].rsplit("/subnets/", 1)[0]
    for application in (stand.client_id, RP_APPLICATION):
        principal = _principal(stand, application)
        path = f"{vnet}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        definition = f"/subscriptions/{stand.subscription}/providers/Microsoft.Authorization/roleDefinitions/{NETWORK_CONTRIBUTOR}"
        status, answer = stand.request(
            "PUT",
            path,
            "2022-04-01",
            {
                "properties": {
                    "principalId": principal,
                    "principalType": "ServicePrincipal",
                    "roleDefinitionId": definition,
                }
            },
        )
        assert status in (200, 201) or answer["error"]["code"] == "RoleAssignmentExists", answer


def _principal(stand, application):
    status, answer = stand.graph(f"/v1.0/servicePrincipals?$filter=appId%20eq%20'{application}'")
    assert status == 200, answer
    return answer["value"][0]["id"]

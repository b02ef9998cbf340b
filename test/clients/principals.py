"""Applications of the directory and their roles. az makes them for its user; with the SDKs they are the user's business."""

import dataclasses
import uuid

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
RP_APPLICATION = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"


@dataclasses.dataclass
class Principal:
    """An application with a service principal, and nothing that it may do."""

    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    object_id: str
    application: str


def make(stand):
    """A new one. A cluster needs one of its own."""
    made = stand.graph("POST", "/applications", {"displayName": "proof of clients"})
    path = "/applications/" + made["id"]
    secret = stand.graph("POST", path + "/addPassword", {})["secretText"]
    principal = stand.graph("POST", "/servicePrincipals", {"appId": made["appId"]})
    return Principal(made["appId"], secret, principal["id"], path)


def remove(stand, principal):
    """Deletes the application and with it the principal."""
    stand.graph("DELETE", principal.application)


def rp_object_id(stand):
    """The service's principal."""
    return stand.graph("GET", f"/servicePrincipals?$filter=appId%20eq%20'{RP_APPLICATION}'")["value"][0]["id"]


def assign(stand, role, scope, object_id):
    """Gives a principal a role."""
    definition = f"/subscriptions/{stand.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    wanted = {"principalId": object_id, "principalType": "ServicePrincipal", "roleDefinitionId": definition}
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    status, answer = stand.request("PUT", path, "2022-04-01", {"properties": wanted})
    assert status == 201, answer


def replace(stand, group, old, new):
    """Gives an identity the roles that another one has in a group, and the others their roles on it."""
    scope = f"/subscriptions/{stand.subscription}/resourceGroups/{group}"
    _, answer = stand.request("GET", scope + "/providers/Microsoft.Authorization/roleAssignments", "2022-04-01")
    for one in (listed["properties"] for listed in answer["value"]):
        role = one["roleDefinitionId"].rsplit("/", 1)[-1]
        if one["principalId"] == old["principalId"]:
            assign(stand, role, one["scope"], new["principalId"])
        elif one["scope"].lower() == old["id"].lower():
            assign(stand, role, new["id"], one["principalId"])

"""Roles that principals need on resources: which are missing, how to give them, and
the commands by which people give them."""

import uuid

from knack.log import get_logger

from azext_aro._errors import ServiceError

logger = get_logger(__name__)

VERSION = "2022-04-01"
RP_APPLICATION = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"

NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
FEDERATED_CREDENTIAL = "ef318e2a-8334-4a05-9e4a-295a196c6a6e"
ROLE_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
FIRST_PARTY = "42f3c60f-e7b1-46d7-ba56-6de681664342"
NAMES = {
    NETWORK_CONTRIBUTOR: "Network Contributor",
    READER: "Reader",
    FEDERATED_CREDENTIAL: "Azure Red Hat OpenShift Federated Credential",
    FIRST_PARTY: "Azure Red Hat OpenShift First Party Network",
}

ASSIGN = "Microsoft.Authorization/roleAssignments/write"

# A principal that was just made is not known everywhere at once.
REPLICATION_ATTEMPTS = 6
REPLICATION_SECONDS = 5


class Assignment:
    """A role that a principal has, or should have, on a resource."""

    def __init__(self, principal, role, scope, who="", role_name=None):
        self.principal, self.role, self.scope, self.who = principal, role, scope, who
        self.role_name = role_name or NAMES.get(role, role)

    def name(self):
        """The same for the same assignment, so that making it twice makes it once."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join((self.scope, self.principal, self.role)).lower()))

    def command(self):
        """How people make it with az."""
        return (
            "az role assignment create --assignee-object-id {} --assignee-principal-type ServicePrincipal "
            "--role {} --scope {}"
        ).format(self.principal, self.role, self.scope)


def needed(principals, network, disk_encryption_set=None, preconfigured_nsg=False):
    """What service principals, by name, need on the network and the disks' key."""
    kinds = ["routeTable", "natGateway"] + (["networkSecurityGroup"] if preconfigured_nsg else [])
    resources = [network.vnet] + [resource for kind in kinds for resource in network.attached(kind)]
    for who, principal in principals.items():
        for resource in resources:
            yield Assignment(principal, NETWORK_CONTRIBUTOR, resource, who)
        if disk_encryption_set:
            yield Assignment(principal, READER, disk_encryption_set, who)


def missing(azure, wanted):
    """Those of the required assignments that do not exist, at the scope or above it. A
    principal that is still to be made is None: it has no role."""
    seen = {}
    for one in wanted:
        if not one.principal:
            yield one
            continue
        if one.scope not in seen:
            listed = azure.every(one.scope + "/providers/Microsoft.Authorization/roleAssignments", VERSION)
            seen[one.scope] = {_key(assignment) for assignment in listed if _covers(assignment, one.scope)}
        if (one.principal.lower(), one.role.lower()) not in seen[one.scope]:
            yield one


def _covers(assignment, scope):
    at = (assignment["properties"].get("scope") or scope).lower().rstrip("/")
    return (scope.lower() + "/").startswith(at + "/")


def _key(assignment):
    properties = assignment["properties"]
    return properties["principalId"].lower(), properties["roleDefinitionId"].rsplit("/", 1)[-1].lower()


def ensure(azure, wanted):
    """Makes those that are missing."""
    for one in missing(azure, wanted):
        give(azure, one)


def give(azure, assignment):
    """Makes the assignment; one that exists is as good as a new one."""
    body = {
        "properties": {
            "principalId": assignment.principal,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": azure.scope("providers", "Microsoft.Authorization", "roleDefinitions", assignment.role),
        }
    }
    path = assignment.scope + "/providers/Microsoft.Authorization/roleAssignments/" + assignment.name()
    for attempt in range(1, REPLICATION_ATTEMPTS + 1):
        try:
            azure.arm("PUT", path, VERSION, body)
            return
        except ServiceError as error:
            if error.code == "RoleAssignmentExists":
                return
            if error.code != "PrincipalNotFound" or attempt == REPLICATION_ATTEMPTS:
                error.set_recommendation(f"Ask someone who may assign roles to run: {assignment.command()}")
                raise
        azure.sleep(REPLICATION_SECONDS)


def allows(azure, resource, actions):
    """Which of the actions the caller may not do on the resource."""
    entries = azure.every(resource + "/providers/Microsoft.Authorization/permissions", VERSION)
    return [
        action
        for action in actions
        if not any(
            _matches(action, entry.get("actions")) and not _matches(action, entry.get("notActions"))
            for entry in entries
        )
    ]


def _matches(action, patterns):
    from fnmatch import fnmatchcase

    # Roles know no wildcard but the star.
    return any(
        fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]"))
        for pattern in patterns or []
    )

"""A small Azure in memory, with the shapes that the real one answers."""

import types

from azext_aro._client import models
from azext_aro._errors import ServiceError
from azext_aro._roles import RP_APPLICATION

SUBSCRIPTION = "00000000-0000-0000-0000-0000000000a1"
HERE = "/subscriptions/" + SUBSCRIPTION
VNET = HERE + "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet"
MASTER, WORKER = VNET + "/subnets/master", VNET + "/subnets/worker"
DISKS = HERE + "/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/des"
RP_OBJECT, CLIENT_OBJECT = "00000000-0000-0000-0000-00000000000f", "00000000-0000-0000-0000-00000000000c"
CLIENT = "11111111-2222-4333-8444-555555555555"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/"
OPERATORS = {"ingress": "0336e1d3-7a87-462b-b6db-342b63f7802c", "machine-api": "0358943c-7e01-48ba-8889-02cc51d78637"}


class World:
    """Stands for Azure: answers from a table, remembers what was asked."""

    def __init__(self):
        self.subscription, self.calls, self.slept = SUBSCRIPTION, [], 0
        self.answers = {
            ("GET", HERE + "/providers/Microsoft.RedHatOpenShift"): {"registrationState": "Registered"},
            ("GET", HERE + "/resourceGroups/rg"): {"location": "eastus"},
            ("GET", MASTER): {"properties": {"addressPrefix": "10.0.0.0/23"}},
            ("GET", WORKER): {"properties": {"addressPrefixes": ["10.0.2.0/23"]}},
            ("GET", VNET + "/providers/Microsoft.Authorization/permissions"): {
                "value": [{"actions": ["*"], "notActions": []}]
            },
            ("GET", VNET + "/providers/Microsoft.Authorization/roleAssignments"): {"value": []},
            ("POST", HERE + "/resourceGroups/rg/providers/Microsoft.Resources/deployments/aro-validate/validate"): {},
        }
        for operator, actions in {
            "ingress": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
            "machine-api": [
                "Microsoft.Network/virtualNetworks/read",
                "Microsoft.Network/routeTables/join/action",
                "Microsoft.Compute/diskEncryptionSets/read",
            ],
        }.items():
            self.answers["GET", ROLE + OPERATORS[operator]] = {"properties": {"permissions": [{"actions": actions}]}}
        self.principals = {RP_APPLICATION: RP_OBJECT, CLIENT: CLIENT_OBJECT}
        self.directory_closed = False

    def arm(self, method, path, version, body=None, **query):
        self.calls.append((method, path, body))
        if method == "PUT" and "/userAssignedIdentities/" in path and "/roleAssignments/" not in path:
            return identity(path)
        if method == "PUT" and "/roleAssignments/" in path or method == "DELETE":
            answer = self.answers.get((method, path))
            if isinstance(answer, Exception):
                raise answer
            return answer
        answer = self.answers.get((method, path), ServiceError(404, "ResourceNotFound", path + " was not found."))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def provider(self, method, path, version, body):
        return self.arm(method, path, version, body)

    def exists(self, path, version):
        return ("GET", path) in self.answers

    def every(self, path, version, **query):
        if path.endswith("/permissions") and ("GET", path) not in self.answers:
            return [{"actions": ["*"], "notActions": []}]
        return self.arm("GET", path, version, **query)["value"]

    def graph(self, method, path, body=None, **query):
        self.calls.append((method, "graph" + path, body))
        if self.directory_closed:
            raise ServiceError(403, "Authorization_RequestDenied", "Insufficient privileges.")
        if method == "GET" and path == "/servicePrincipals":
            found = self.principals.get(query["$filter"].split("'")[1])
            return {"value": [{"id": found}] if found else []}
        if method == "GET":
            return {"value": [{"id": "application-object"}]}
        if path == "/servicePrincipals":
            self.principals[body["appId"]] = "made-principal"
            return {"id": "made-principal"}
        return (
            {"secretText": "made-secret"}
            if path.endswith("addPassword")
            else {"id": "application-object", "appId": "made-application"}
        )

    def scope(self, *segments):
        return "/".join((HERE,) + segments)

    def caller(self):
        return "ada@contoso.example"

    def sleep(self, seconds):
        self.slept += seconds

    def written(self, part):
        """The bodies of writes to paths that hold the part."""
        return [(path, body) for method, path, body in self.calls if method != "GET" and part in path]

    def assigned(self):
        """The assignments made: principal, role, scope."""
        return {
            (
                body["properties"]["principalId"],
                body["properties"]["roleDefinitionId"].rsplit("/", 1)[-1],
                path.split("/providers/Microsoft.Authorization/")[0],
            )
            for path, body in self.written("/roleAssignments/")
        }


def identity(resource):
    """A managed identity as it is shown."""
    name = resource.rsplit("/", 1)[-1]
    return {
        "id": resource,
        "name": name,
        "location": "eastus",
        "properties": {"principalId": "principal-of-" + name},
    }


class Client:
    """Stands for the provider: keeps what it was sent."""

    def __init__(self, cluster=None):
        self.cluster, self.sent, self.options = cluster, None, None
        self.open_shift_clusters = self
        version = models().OpenShiftVersion
        self.open_shift_versions = types.SimpleNamespace(
            list=lambda location: [_version(version, v) for v in ("4.17.27", "4.9.1", "4.18.2")]
        )
        self.platform_workload_identity_role_sets = types.SimpleNamespace(
            list=lambda location: [role_set("4.1"), role_set("4.18")]
        )

    def get(self, group, name):
        return self.cluster

    def begin_create_or_update(self, group, name, body, **options):
        self.sent, self.options = body.serialize(), options
        return body

    def begin_update(self, group, name, body, **options):
        self.sent, self.options = body.serialize(), options
        return body

    def begin_delete(self, group, name, **options):
        self.sent, self.options = "deleted", options


def _version(kind, text):
    made = kind()
    made.version = text
    return made


def role_set(version):
    m = models()
    roles = [
        m.PlatformWorkloadIdentityRole(operator_name=name, role_definition_id=ROLE + guid)
        for name, guid in OPERATORS.items()
    ]
    return m.PlatformWorkloadIdentityRoleSet(open_shift_version=version, platform_workload_identity_roles=roles)


def cluster(managed=False):
    """A cluster as the provider shows it."""
    m = models()
    made = m.OpenShiftCluster(location="eastus")
    made.cluster_profile = m.ClusterProfile(resource_group_id=HERE + "/resourceGroups/aro-x", version="4.17.27")
    made.network_profile = m.NetworkProfile(preconfigured_nsg="Disabled")
    made.master_profile = m.MasterProfile(subnet_id=MASTER)
    made.worker_profiles = [m.WorkerProfile(subnet_id=WORKER, count=3)]
    if managed:
        identity = HERE + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
        made.identity = m.ManagedServiceIdentity(
            type="UserAssigned", user_assigned_identities={identity + "aro-cluster": m.UserAssignedIdentity()}
        )
        made.cluster_profile.version = "4.18.2"
        made.platform_workload_identity_profile = m.PlatformWorkloadIdentityProfile(
            platform_workload_identities={"ingress": m.PlatformWorkloadIdentity(resource_id=identity + "ingress")}
        )
    else:
        made.service_principal_profile = m.ServicePrincipalProfile(client_id=CLIENT)
    return made


def command():
    """What az hands to a command."""
    return types.SimpleNamespace(
        cli_ctx=types.SimpleNamespace(only_show_errors=True, config=types.SimpleNamespace(getboolean=lambda *_: True))
    )

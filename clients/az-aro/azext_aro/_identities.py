"""The managed identities that a version of OpenShift needs, and their roles."""

from azure.cli.core.azclierror import InvalidArgumentValueError

from azext_aro import _roles
from azext_aro._format import by_number
from azext_aro._roles import Assignment

IDENTITY_VERSION = "2024-11-30"
CLUSTER_IDENTITY = "aro-cluster"


def check_version(client, location, version):
    """The location must have the version."""
    versions = sorted((v.version for v in client.open_shift_versions.list(location)), key=by_number)
    if version not in versions:
        raise InvalidArgumentValueError(
            f"OpenShift {version} cannot be installed in {location}.", "Choose one of " + ", ".join(versions) + "."
        )


def role_set(client, location, version):
    """The operators of a version, the newest by default, and the role of each."""
    sets = list(client.platform_workload_identity_role_sets.list(location))
    if not version:
        version = max((one.open_shift_version for one in sets), key=by_number, default="")
    minor = ".".join(version.split(".")[:2])
    for one in sets:
        if ".".join(one.open_shift_version.split(".")[:2]) == minor:
            return one.platform_workload_identity_roles
    raise InvalidArgumentValueError(
        f"OpenShift {minor} has no managed identities in {location}.",
        "Choose a version of " + ", ".join(sorted(one.open_shift_version for one in sets)) + ".",
    )


class Plan:
    """Which identities there must be and what each may do where. given are the ids of
    those that exist, by operator; the others are, or will be, in the resource group.

    scopes() of an operator's role are the resources that the role is about: the
    role's actions name their types.
    """

    def __init__(self, azure, group, network, roles, disk_encryption_set=None, given=None):
        self.azure, self.group, self.network = azure, group, network
        self.roles, self.disk_encryption_set = roles, disk_encryption_set
        self.given = given or {}

    def identity(self, name):
        """The id of an identity of the plan."""
        return self.given.get(name) or self.azure.scope(
            "resourceGroups", self.group, "providers", "Microsoft.ManagedIdentity", "userAssignedIdentities", name
        )

    def operators(self):
        """The map of operators to identities that a cluster takes."""
        return {role.operator_name: self.identity(role.operator_name) for role in self.roles}

    def scopes(self, role):
        """The resources on which an operator needs its role."""
        path = "/providers/Microsoft.Authorization/roleDefinitions/" + guid(role)
        definition = self.azure.arm("GET", path, _roles.VERSION)
        actions = [
            action.lower() for entry in definition["properties"]["permissions"] for action in entry.get("actions") or []
        ]
        return self._scopes_of(actions)

    def _scopes_of(self, actions):
        network = "microsoft.network/"
        vnets, subnets = network + "virtualnetworks/", network + "virtualnetworks/subnets/"
        found = []
        if any(a.startswith(vnets) and not a.startswith(subnets) for a in actions):
            found.append(self.network.vnet)
        elif any(a.startswith(subnets) for a in actions):
            found += [self.network.master, self.network.worker]
        for kind in ("routeTable", "natGateway", "networkSecurityGroup"):
            if any(a.startswith(network + kind.lower() + "s/") for a in actions):
                found += self.network.attached(kind)
        if self.disk_encryption_set and any(a.startswith("microsoft.compute/diskencryptionsets/") for a in actions):
            found.append(self.disk_encryption_set)
        return found

    def assignments(self, role, operator, cluster):
        """The roles of an operator's principal, and that of the cluster's over it."""
        own, identity = self.identity(CLUSTER_IDENTITY), self.identity(role.operator_name)
        for scope in self.scopes(role):
            yield Assignment(operator, guid(role), scope, f"Identity {_last(identity)}", role.role_definition_name)
        yield Assignment(cluster, _roles.FEDERATED_CREDENTIAL, identity, f"Identity {_last(own)}")

    def service(self, rp):
        """The roles of the service."""
        yield Assignment(rp, _roles.FIRST_PARTY, self.network.vnet, "The service")
        if self.disk_encryption_set:
            yield Assignment(rp, _roles.READER, self.disk_encryption_set, "The service")

    def needed(self, principals, rp):
        """All roles of given identities, whose principals are known, and of the service."""
        for role in self.roles:
            yield from self.assignments(role, principals[role.operator_name], principals[CLUSTER_IDENTITY])
        yield from self.service(rp)

    def make(self, location, rp):
        """Makes the identities and gives them their roles; again, it changes nothing."""
        cluster = self._make(CLUSTER_IDENTITY, location)
        made = [cluster]
        for role in self.roles:
            operator = self._make(role.operator_name, location)
            made.append(operator)
            for one in self.assignments(role, operator["principalId"], cluster["principalId"]):
                _roles.give(self.azure, one)
        for one in self.service(rp):
            _roles.give(self.azure, one)
        return made

    def principal(self, name):
        """The object id of a given identity."""
        return self.azure.arm("GET", self.identity(name), IDENTITY_VERSION)["properties"]["principalId"]

    def _make(self, name, location):
        method, body = ("GET", None) if name in self.given else ("PUT", {"location": location})
        answer = self.azure.arm(method, self.identity(name), IDENTITY_VERSION, body)
        return {
            **{key: answer.get(key) for key in ("id", "name", "type", "location", "tags")},
            **{key: answer["properties"].get(key) for key in ("principalId", "clientId", "tenantId")},
        }

    def commands(self, location, rp):
        """The same as commands for a POSIX shell, to be read and run by people."""
        for name in [CLUSTER_IDENTITY] + [role.operator_name for role in self.roles]:
            yield f"az identity create {_place(self)} --name {name} --location {location}"
        for role in self.roles:
            for one in self.assignments(
                role, _principal_of(self, role.operator_name), _principal_of(self, CLUSTER_IDENTITY)
            ):
                yield one.command()
        for one in self.service(rp):
            yield one.command()


def _principal_of(plan, name):
    return f'"$(az identity show {_place(plan)} --name {name} --query principalId --output tsv)"'


def _place(plan):
    return f"--subscription {plan.azure.subscription} --resource-group {plan.group}"


def plan_of_given(azure, group, network, roles, operators, cluster, disk_encryption_set=None):
    """The plan of a cluster's identity and of operators' identities that exist."""
    roles = [role for role in roles if role.operator_name in operators]
    return Plan(azure, group, network, roles, disk_encryption_set, {**operators, CLUSTER_IDENTITY: cluster})


def guid(role):
    """The name of the definition of an operator's role."""
    return _last(role.role_definition_id)


def _last(resource):
    return resource.rsplit("/", 1)[-1]

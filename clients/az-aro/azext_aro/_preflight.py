"""Whether a cluster could be created: what the CLI can see with the caller's eyes,
and what the provider says of the request itself."""

import ipaddress

from azure.cli.core.azclierror import ForbiddenError
from knack.log import get_logger

from azext_aro import _roles
from azext_aro._cluster import DEFAULTS
from azext_aro._errors import ServiceError, deepest, lines_of, remedy_of

logger = get_logger(__name__)

ERROR, WARNING = "Error", "Warning"
DEPLOYMENT_VERSION = "2024-03-01"
LARGEST_POD_PREFIX = 21
WRAP_COLUMNS = 100

VNET_ACTIONS = ["Microsoft.Network/virtualNetworks/" + verb for verb in ("join/action", "read", "write")] + [
    "Microsoft.Network/virtualNetworks/subnets/" + verb for verb in ("join/action", "read", "write")
]
ROUTE_ACTIONS = ["Microsoft.Network/routeTables/" + verb for verb in ("join/action", "read", "write")]


class Problem:
    """Something that stands in the way, and what to do about it, unless 'az aro create' does that."""

    def __init__(self, kind, name, severity, text, remedy="", mended=False):
        self.kind, self.name, self.severity, self.text, self.remedy = kind, name, severity, text, remedy
        self.mended = mended


def _last(resource):
    return resource.rstrip("/").rsplit("/", 1)[-1]


def permissions(azure, network):
    """What the caller lacks on the network: the service acts with the caller's consent."""
    checks = [("vnet", network.vnet, VNET_ACTIONS)]
    checks += [("route table", table, ROUTE_ACTIONS) for table in network.attached("routeTable")]
    for kind, resource, actions in checks:
        lacking = _roles.allows(azure, resource, actions)
        if lacking:
            yield Problem(
                kind,
                _last(resource),
                ERROR,
                "You may not do " + ", ".join(lacking) + ".",
                f"az role assignment create --assignee {azure.caller()} "
                f"--role {_roles.NETWORK_CONTRIBUTOR} --scope {resource}",
            )


def security_groups(network, preconfigured):
    """Subnets have security groups of their own in one mode, and none in the other."""
    groups = {
        subnet: (network.subnet(subnet).get("networkSecurityGroup") or {}).get("id")
        for subnet in (network.master, network.worker)
    }
    if preconfigured:
        if any(groups.values()) and not all(groups.values()):
            bare = [subnet for subnet, group in groups.items() if not group][0]
            yield Problem(
                "subnet",
                _last(bare),
                ERROR,
                "Of the two subnets only the other one has a network security group.",
                f"az network vnet subnet update --ids {bare} --network-security-group GROUP",
            )
        return
    for subnet, group in groups.items():
        if group:
            yield Problem(
                "subnet",
                _last(subnet),
                ERROR,
                f"The network security group {_last(group)} is attached; without --enable-preconfigured-nsg the "
                "service attaches its own.",
                f"az network vnet subnet update --ids {subnet} --remove networkSecurityGroup",
            )


def addresses(network, pod_cidr, service_cidr):
    """No two ranges may overlap, and the pods need room."""
    ranges = [
        ("--pod-cidr", pod_cidr or DEFAULTS["pod_cidr"]),
        ("--service-cidr", service_cidr or DEFAULTS["service_cidr"]),
    ]
    for subnet, option in ((network.master, "--master-subnet"), (network.worker, "--worker-subnet")):
        ranges += [(option, prefix) for prefix in network.prefixes(subnet)]
    networks = [(option, ipaddress.ip_network(cidr)) for option, cidr in ranges]
    pods = networks[0][1]
    if pods.prefixlen > LARGEST_POD_PREFIX:
        yield Problem(
            "cidr",
            "--pod-cidr",
            ERROR,
            f"{pods} is too small for the pods of a cluster.",
            f"Use a network of /{LARGEST_POD_PREFIX} or larger.",
        )
    for i, (option, one) in enumerate(networks):
        for other_option, other in networks[i + 1:]:
            if one.version == other.version and one.overlaps(other):
                yield Problem(
                    "cidr",
                    option,
                    ERROR,
                    f"{one} overlaps {other} of {other_option}.",
                    f"Choose another range for {option if option.endswith('cidr') else other_option}.",
                )


def role_assignments(azure, wanted):
    """Roles that 'az aro create' would give: their absence only warns, if the caller may give them."""
    may = {}
    for one in _roles.missing(azure, wanted):
        if one.scope not in may:
            may[one.scope] = not _roles.allows(azure, one.scope, [_roles.ASSIGN])
        lacking = f"{one.who} does not have the role {one.role_name}"
        if not may[one.scope]:
            yield Problem(
                "role", _last(one.scope), ERROR, f"{lacking}, and you may not give it.", _remedy(azure, one)
            )
        elif one.principal:
            text = f"{lacking}. 'az aro create' gives it."
            yield Problem("role", _last(one.scope), WARNING, text, one.command(), mended=True)


def _remedy(azure, assignment):
    """Another gives the role; or, to a principal that is still to be made, the right to give it."""
    if assignment.principal:
        return assignment.command()
    return (
        f"az role assignment create --assignee {azure.caller()} "
        f"--role {_roles.ROLE_ADMINISTRATOR} --scope {assignment.scope}"
    )


def given_identities(azure, plan, find_rp):
    """What given identities and the service lack, which az aro does not give.
    It only warns, because another role may allow as much, or the caller may not look."""
    try:
        principals = {}
        for name, identity in plan.given.items():
            try:
                principals[name] = plan.principal(name)
            except ServiceError as error:
                if error.status != 404:
                    raise
                yield Problem(
                    "identity", _last(identity), ERROR, f"There is no identity {identity}.", _creation(identity)
                )
        if len(principals) < len(plan.given):
            return
        for one in _roles.missing(azure, plan.needed(principals, find_rp())):
            text = f"{one.who} does not have the role {one.role_name}."
            yield Problem("role", _last(one.scope), WARNING, text, one.command())
    except (ForbiddenError, ServiceError) as error:
        if getattr(error, "status", 403) not in (401, 403):
            raise
        text = f"Not all roles of the identities and the service were checked: {error}"
        yield Problem("role", plan.group, WARNING, text, " ".join(error.recommendations))


def _creation(identity):
    _, _, subscription, _, group = identity.split("/")[:5]
    return f"az identity create --subscription {subscription} --resource-group {group} --name {_last(identity)}"


def versions(client, location, version):
    """The version must be one of the location's."""
    from azure.cli.core.azclierror import InvalidArgumentValueError
    from azext_aro._identities import check_version

    if not version:
        return
    try:
        check_version(client, location, version)
    except InvalidArgumentValueError as error:
        yield Problem("version", version, ERROR, str(error), " ".join(error.recommendations))


def provider(azure, group, name, body):
    """What the provider says of the cluster: the resource manager asks it when it
    validates a deployment. Secrets are parameters, which no deployment shows."""
    resource = body.serialize()
    resource.update(type="Microsoft.RedHatOpenShift/openShiftClusters", name=name, apiVersion="2025-07-25")
    declared, values = {}, {}
    for profile, member in (("clusterProfile", "pullSecret"), ("servicePrincipalProfile", "clientSecret")):
        holder = resource["properties"].get(profile) or {}
        if holder.get(member):
            declared[member], values[member] = {"type": "securestring"}, {"value": holder[member]}
            holder[member] = f"[parameters('{member}')]"
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": declared,
        "resources": [resource],
    }
    path = azure.scope(
        "resourceGroups", group, "providers", "Microsoft.Resources", "deployments", "aro-validate", "validate"
    )
    try:
        azure.provider(
            "POST",
            path,
            DEPLOYMENT_VERSION,
            {"properties": {"mode": "Incremental", "template": template, "parameters": values}},
        )
    except ServiceError as error:
        yield from _refused(error, name)


def _refused(error, name):
    if error.status == 400:
        for detail in deepest(error.body):
            yield Problem(
                "cluster",
                _last(detail.get("target") or name),
                ERROR,
                "\n".join(lines_of({**detail, "target": None})),
                remedy_of(detail) or "Mend the request as the message says, and try again.",
            )
    elif error.status in (401, 403):
        yield Problem(
            "cluster",
            name,
            WARNING,
            "You may not validate deployments in the resource group, so the service itself was not asked.",
            "Ask for the role Contributor on the resource group.",
        )
    else:
        raise error


def report(problems):
    """A table, and below it what to do, in lines that can be copied."""
    from textwrap import fill
    from tabulate import tabulate

    rows = [[p.kind, p.name, p.severity, fill(p.text, WRAP_COLUMNS)] for p in problems]
    lines = [tabulate(rows, headers=["Type", "Name", "Severity", "Description"], tablefmt="grid")]
    remedies = list(dict.fromkeys(p.remedy for p in problems if p.remedy))
    if remedies:
        lines += ["", "What to do:"] + ["  " + remedy for remedy in remedies]
    return "\n".join(lines)


def judge(problems, brief=False):
    """Raises on errors and logs warnings; in brief, only of what create does not mend."""
    from azure.cli.core.azclierror import ValidationError

    problems = list(problems)
    if any(p.severity == ERROR for p in problems):
        raise ValidationError("This cannot be done as asked:\n" + report(problems))
    if brief:
        problems = [p for p in problems if not p.mended]
    if problems:
        logger.warning(report(problems))

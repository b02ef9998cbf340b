"""The commands. Each is short: it asks the other modules what is needed and the
provider to do it. az passes an argument by its name, hence the long signatures."""

# pylint: disable=too-many-arguments,too-many-locals,unused-argument

import os

from azure.cli.core.azclierror import (
    FileOperationError,
    InvalidArgumentValueError,
    ResourceNotFoundError,
    UnauthorizedError,
)
from knack.log import get_logger

from azext_aro._format import by_number

logger = get_logger(__name__)

# Secrets are in the bodies of some calls; --debug must not print those.
UNLOGGED = {"logging_enable": False}
IDENTITY_DELETE = "Microsoft.ManagedIdentity/userAssignedIdentities/delete"


def aro_create(
    cmd,
    client,
    resource_group_name,
    resource_name,
    master_subnet,
    worker_subnet,
    vnet=None,
    vnet_resource_group_name=None,
    location=None,
    tags=None,
    pull_secret=None,
    domain=None,
    cluster_resource_group=None,
    fips_validated_modules=None,
    client_id=None,
    client_secret=None,
    client_object_id=None,
    rp_object_id=None,
    version=None,
    pod_cidr=None,
    service_cidr=None,
    outbound_type=None,
    enable_preconfigured_nsg=None,
    disk_encryption_set=None,
    master_encryption_at_host=None,
    master_vm_size=None,
    worker_encryption_at_host=None,
    worker_vm_size=None,
    worker_vm_disk_size_gb=None,
    worker_count=None,
    apiserver_visibility=None,
    ingress_visibility=None,
    load_balancer_managed_outbound_ip_count=None,
    enable_managed_identity=None,
    platform_workload_identities=None,
    mi_user_assigned=None,
    no_wait=False,
):
    """Creates a cluster, with the roles and the identities that it needs."""
    wanted = dict(locals())
    from azext_aro._azure import Azure
    from azext_aro._cluster import build, cluster_identity, operator_identities, random_id, service_principal
    from azext_aro._preflight import judge
    from azext_aro._progress import run

    azure = Azure(cmd.cli_ctx)
    _check_registered(azure)
    network = _network(azure, wanted)
    wanted["location"] = location = location or _location_of(azure, resource_group_name)
    wanted["cluster_resource_group"] = cluster_resource_group or "aro-" + random_id()
    if not pull_secret:
        logger.warning("Without --pull-secret the cluster has no samples and operators of Red Hat and its partners.")
    problems = _local_problems(azure, client, network, wanted)
    judge(problems, brief=True)
    if not client_id and not platform_workload_identities:
        _ask_first(azure, client, network, wanted, problems)
    body = build(azure, wanted)
    if enable_managed_identity:
        if not platform_workload_identities:
            plan = _plan(azure, client, network, wanted)
            made = plan.make(location, _rp(azure, rp_object_id))
            mi_user_assigned, platform_workload_identities = made[0]["id"], plan.operators()
        body.identity = cluster_identity(mi_user_assigned)
        body.platform_workload_identity_profile = operator_identities(platform_workload_identities)
    else:
        body.service_principal_profile = service_principal(*_principals_ready(azure, network, wanted))
    return run(
        cmd.cli_ctx,
        lambda **polling: client.open_shift_clusters.begin_create_or_update(
            resource_group_name, resource_name, body, **polling, **UNLOGGED
        ),
        f"Creating {resource_name}",
        no_wait,
    )


def _ask_first(azure, client, network, wanted, problems):
    """Has the service judge the cluster before applications or identities are made for
    it. The service judges again, so not being able to ask is no obstacle."""
    from azext_aro import _preflight
    from azext_aro._errors import ServiceError

    body = _as_created(azure, client, network, wanted, problems)
    try:
        found = list(_preflight.provider(azure, wanted["resource_group_name"], wanted["resource_name"], body))
    except ServiceError as error:
        logger.info("The service was not asked first: %s", error)
        return
    _preflight.judge(problem for problem in found if problem.severity == _preflight.ERROR)


def _check_registered(azure):
    from azext_aro import _directory

    state = azure.arm("GET", azure.scope("providers", "Microsoft.RedHatOpenShift"), "2024-11-01").get(
        "registrationState"
    )
    if state != "Registered":
        raise UnauthorizedError(
            "The subscription is not registered for Azure Red Hat OpenShift.",
            f"Run '{_directory.registration(azure)}' first.",
        )


def _network(azure, wanted):
    from azext_aro._network import Network
    from azext_aro._validators import check_subnets

    check_subnets(wanted["master_subnet"], wanted["worker_subnet"])
    return Network(azure, wanted["master_subnet"], wanted["worker_subnet"])


def _location_of(azure, group):
    return azure.arm("GET", azure.scope("resourceGroups", group), "2024-11-01")["location"]


def _rp(azure, object_id):
    from azext_aro._directory import rp_principal

    return rp_principal(azure, object_id)


def _local_problems(azure, client, network, wanted):
    """What the CLI itself can find, in the order in which people would mend it."""
    from azext_aro import _preflight, _roles

    preconfigured = wanted["enable_preconfigured_nsg"]
    problems = list(_preflight.permissions(azure, network))
    problems += _preflight.security_groups(network, preconfigured)
    problems += _preflight.addresses(network, wanted["pod_cidr"], wanted["service_cidr"])
    unknown = list(_preflight.versions(client, wanted["location"], wanted["version"]))
    if not wanted["enable_managed_identity"]:
        principals = _known_principals(azure, wanted)
        problems += _preflight.role_assignments(
            azure, _roles.needed(principals, network, wanted["disk_encryption_set"], preconfigured)
        )
    elif not unknown:
        problems += _identity_problems(azure, client, network, wanted)
    return problems + unknown


def _identity_problems(azure, client, network, wanted):
    from azext_aro import _preflight

    plan = _plan(azure, client, network, wanted)
    if not plan.given:
        return _preflight.role_assignments(azure, plan.service(_rp(azure, wanted["rp_object_id"])))
    return _preflight.given_identities(azure, plan, lambda: _rp(azure, wanted["rp_object_id"]))


def _known_principals(azure, wanted):
    from azext_aro._directory import find_principal

    rp, found = _rp(azure, wanted["rp_object_id"]), wanted["client_object_id"]
    if wanted["client_id"] and not found:
        found = find_principal(azure, wanted["client_id"], "--client-object-id")
    return {"The service's principal": rp, "The cluster's principal": found}


def _principals_ready(azure, network, wanted):
    """The cluster's credentials, with the roles of both principals in place."""
    from azext_aro import _directory

    if wanted["client_id"]:
        _give_roles(azure, network, wanted, wanted["client_id"])
        return wanted["client_id"], wanted["client_secret"]
    client_id, client_secret = _directory.new_application(azure, wanted["cluster_resource_group"])
    with _directory.taken_back(azure, client_id):
        _give_roles(azure, network, wanted, client_id)
    return client_id, client_secret


def _give_roles(azure, network, wanted, client_id):
    from azext_aro import _directory, _roles

    rp = _rp(azure, wanted["rp_object_id"])
    principal = _directory.ensure_principal(azure, client_id, wanted["client_object_id"])
    _roles.ensure(
        azure,
        list(
            _roles.needed(
                {"cluster": principal, "service": rp},
                network,
                wanted["disk_encryption_set"],
                wanted["enable_preconfigured_nsg"],
            )
        ),
    )


def _plan(azure, client, network, wanted):
    from azext_aro import _identities

    if wanted["version"]:
        _identities.check_version(client, wanted["location"], wanted["version"])
    roles = _identities.role_set(client, wanted["location"], wanted["version"])
    group, disks = wanted["resource_group_name"], wanted["disk_encryption_set"]
    given = wanted.get("platform_workload_identities")
    if given:
        return _identities.plan_of_given(azure, group, network, roles, given, wanted["mi_user_assigned"], disks)
    return _identities.Plan(azure, group, network, roles, disks)


def aro_validate(
    cmd,
    client,
    resource_group_name,
    resource_name,
    master_subnet,
    worker_subnet,
    vnet=None,
    vnet_resource_group_name=None,
    location=None,
    tags=None,
    pull_secret=None,
    domain=None,
    cluster_resource_group=None,
    fips_validated_modules=None,
    client_id=None,
    client_secret=None,
    client_object_id=None,
    rp_object_id=None,
    version=None,
    pod_cidr=None,
    service_cidr=None,
    disk_encryption_set=None,
    enable_preconfigured_nsg=None,
    enable_managed_identity=None,
    platform_workload_identities=None,
    mi_user_assigned=None,
):
    """Tells what would keep a cluster from being created; says nothing if all is well."""
    wanted = dict(locals())
    from azext_aro import _preflight
    from azext_aro._azure import Azure

    azure = Azure(cmd.cli_ctx)
    network = _network(azure, wanted)
    wanted["location"] = location or _location_of(azure, resource_group_name)
    problems = list(_local_problems(azure, client, network, wanted))
    body = _as_created(azure, client, network, wanted, problems)
    if body is not None:
        problems += _preflight.provider(azure, resource_group_name, resource_name, body)
    _preflight.judge(problems)


def _as_created(azure, client, network, wanted, problems):
    """The cluster as create would ask for it. What create makes has stand-ins; None if
    the identities cannot be told, which problems say already."""
    from azext_aro._cluster import build, cluster_identity, operator_identities, service_principal
    from azext_aro._identities import CLUSTER_IDENTITY

    body = build(azure, wanted)
    if not wanted["enable_managed_identity"]:
        body.service_principal_profile = service_principal(
            wanted["client_id"] or "00000000-0000-0000-0000-000000000000", wanted["client_secret"] or "made by create"
        )
        return body
    operators, cluster = wanted["platform_workload_identities"], wanted["mi_user_assigned"]
    if not operators:
        if any(problem.kind == "version" for problem in problems):
            return None
        plan = _plan(azure, client, network, wanted)
        operators, cluster = plan.operators(), plan.identity(CLUSTER_IDENTITY)
    body.identity = cluster_identity(cluster)
    body.platform_workload_identity_profile = operator_identities(operators)
    return body


def aro_list(cmd, client, resource_group_name=None):
    """Lists clusters."""
    clusters = client.open_shift_clusters
    return list(clusters.list_by_resource_group(resource_group_name) if resource_group_name else clusters.list())


def aro_show(cmd, client, resource_group_name, resource_name):
    """Shows a cluster."""
    return client.open_shift_clusters.get(resource_group_name, resource_name)


def aro_list_credentials(cmd, client, resource_group_name, resource_name):
    """The credentials of the cluster's first user."""
    return client.open_shift_clusters.list_credentials(resource_group_name, resource_name, **UNLOGGED)


def aro_get_admin_kubeconfig(cmd, client, resource_group_name, resource_name, file="kubeconfig"):
    """Writes a file that only its owner may read, and never over another."""
    import base64

    if os.path.lexists(file):
        raise FileOperationError(f"The file {file} exists already.", "Give another name with --file, or remove it.")
    answer = client.open_shift_clusters.list_admin_credentials(resource_group_name, resource_name, **UNLOGGED)
    content = base64.b64decode(answer.kubeconfig)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
    except OSError as error:
        raise FileOperationError(
            f"The file {file} cannot be written: {error.strerror}.", "Give another name with --file."
        ) from error


def aro_get_versions(cmd, client, location):
    """The versions that can be installed, oldest first."""
    return sorted((version.version for version in client.open_shift_versions.list(location)), key=by_number)


def aro_update(
    cmd,
    client,
    resource_group_name,
    resource_name,
    tags=None,
    client_id=None,
    client_secret=None,
    client_object_id=None,
    rp_object_id=None,
    refresh_cluster_credentials=None,
    platform_workload_identities=None,
    mi_user_assigned=None,
    upgradeable_to=None,
    load_balancer_managed_outbound_ip_count=None,
    no_wait=False,
):
    """Changes what was asked for, and mends the roles that the cluster needs. Without a change the service
    reconciles the cluster."""
    wanted = dict(locals())
    from azext_aro import _update
    from azext_aro._azure import Azure
    from azext_aro._progress import run

    cluster = client.open_shift_clusters.get(resource_group_name, resource_name)
    body = _update.body(Azure(cmd.cli_ctx), client, cluster, wanted)
    return run(
        cmd.cli_ctx,
        lambda **polling: client.open_shift_clusters.begin_update(
            resource_group_name, resource_name, body, **polling, **UNLOGGED
        ),
        f"Updating {resource_name}",
        no_wait,
    )


def aro_delete(
    cmd, client, resource_group_name, resource_name, delete_identities=None, rp_object_id=None, no_wait=False
):
    """Deletes a cluster, and its identities if asked to."""
    from azext_aro import _roles, _update
    from azext_aro._azure import Azure
    from azext_aro._progress import run
    from azure.core.exceptions import ResourceNotFoundError as Absent

    try:
        cluster = client.open_shift_clusters.get(resource_group_name, resource_name)
    except Absent as error:
        raise ResourceNotFoundError(
            f"There is no cluster {resource_name} in resource group {resource_group_name}.",
            "'az aro list' shows those there are.",
        ) from error
    azure = Azure(cmd.cli_ctx)
    identities = _update.identities_of(cluster)
    if delete_identities:
        if not cluster.platform_workload_identity_profile:
            raise InvalidArgumentValueError(
                "--delete-identities: the cluster has a service principal and no managed identities.",
                "Leave the option out.",
            )
        kept = [one for one in identities if _roles.allows(azure, one, [IDENTITY_DELETE])]
        if kept:
            raise UnauthorizedError(
                "You may not delete the identities " + ", ".join(kept) + ".",
                "Leave --delete-identities out, or ask for the role Managed Identity Contributor.",
            )
        logger.warning("The identities are deleted after the cluster: %s", ", ".join(identities))
    elif identities:
        logger.warning(
            "The cluster's identities are kept. These commands delete them:\n%s",
            "\n".join("az identity delete --ids " + one for one in identities),
        )
    _update.mend_for_deletion(azure, cluster, rp_object_id)
    result = run(
        cmd.cli_ctx,
        lambda **polling: client.open_shift_clusters.begin_delete(resource_group_name, resource_name, **polling),
        f"Deleting {resource_name}",
        no_wait,
    )
    if delete_identities:
        _update.delete_identities(azure, identities)
    return result


def aro_identity_get_required(
    cmd,
    client,
    resource_group_name,
    version,
    master_subnet,
    worker_subnet,
    location=None,
    vnet=None,
    vnet_resource_group_name=None,
    disk_encryption_set=None,
    rp_object_id=None,
):
    """Prints the commands that create-required stands for."""
    azure, plan, location = _planned(cmd, client, dict(locals()))
    logger.warning(
        "These commands create the identities and give them their roles:\n%s",
        "\n".join(plan.commands(location, _rp(azure, rp_object_id))),
    )


def aro_identity_create_required(
    cmd,
    client,
    resource_group_name,
    version,
    master_subnet,
    worker_subnet,
    location=None,
    vnet=None,
    vnet_resource_group_name=None,
    disk_encryption_set=None,
    rp_object_id=None,
):
    """Makes the identities of a version, with their roles; the cluster's comes first."""
    azure, plan, location = _planned(cmd, client, dict(locals()))
    return plan.make(location, _rp(azure, rp_object_id))


def _planned(cmd, client, wanted):
    from azext_aro._azure import Azure

    azure = Azure(cmd.cli_ctx)
    network = _network(azure, wanted)
    wanted["location"] = wanted["location"] or _location_of(azure, wanted["resource_group_name"])
    return azure, _plan(azure, client, network, wanted), wanted["location"]

"""What updating and deleting need to know of a cluster: its identities, the roles to
mend, and the change as the provider takes it."""

from functools import partial

from azure.cli.core.azclierror import AzCLIError, AzureResponseError, InvalidArgumentValueError
from knack.log import get_logger

from azext_aro import _cluster, _directory, _roles
from azext_aro._client import models
from azext_aro._network import Network

logger = get_logger(__name__)

CREDENTIALS = ("client_id", "client_secret", "refresh_cluster_credentials")
IDENTITIES = ("platform_workload_identities", "mi_user_assigned", "upgradeable_to")
OPTIONS = {
    "client_id": "--client-id",
    "client_secret": "--client-secret",
    "refresh_cluster_credentials": "--refresh-credentials",
    "platform_workload_identities": "--assign-platform-workload-identity",
    "mi_user_assigned": "--assign-cluster-identity",
    "upgradeable_to": "--upgradeable-to",
}


def identities_of(cluster):
    """The ids of the cluster's managed identities, its own first."""
    own = list((cluster.identity and cluster.identity.user_assigned_identities) or {})
    profile = cluster.platform_workload_identity_profile
    operators = (profile and profile.platform_workload_identities) or {}
    return list(dict.fromkeys(own + [identity.resource_id for identity in operators.values()]))


def network_of(azure, cluster):
    """The network of a cluster that exists."""
    workers = cluster.worker_profiles_status or cluster.worker_profiles or []
    worker = workers[0].subnet_id if workers else cluster.master_profile.subnet_id
    return Network(azure, cluster.master_profile.subnet_id, worker)


def body(azure, client, cluster, wanted):
    """The body of a PATCH."""
    managed = bool(cluster.platform_workload_identity_profile)
    _check_kind(managed, wanted)
    change = models().OpenShiftClusterUpdate(tags=wanted["tags"])
    if wanted["load_balancer_managed_outbound_ip_count"] is not None:
        change.network_profile = models().NetworkProfile(
            load_balancer_profile=_cluster.outbound_ips(wanted["load_balancer_managed_outbound_ip_count"])
        )
    if managed:
        _change_identities(azure, client, cluster, wanted, change)
    else:
        client_id, client_secret = _mended(azure, cluster, wanted)
        if client_secret or wanted["client_id"]:
            change.service_principal_profile = _cluster.service_principal(client_id, client_secret)
    return change


def _check_kind(managed, wanted):
    wrong = [OPTIONS[name] for name in (CREDENTIALS if managed else IDENTITIES) if wanted[name]]
    if wrong:
        has = (
            "managed identities, not a service principal" if managed else "a service principal, not managed identities"
        )
        raise InvalidArgumentValueError(f"{', '.join(wrong)}: the cluster has {has}.", "Leave the option out.")


def _change_identities(azure, client, cluster, wanted, change):
    """The whole map is sent, so that it is the same whether it is merged or replaced."""
    if not any(wanted[name] for name in IDENTITIES):
        return
    given = wanted["platform_workload_identities"] or {}
    own = wanted["mi_user_assigned"] or next(iter(cluster.identity.user_assigned_identities))
    profile = cluster.platform_workload_identity_profile
    operators = {name: one.resource_id for name, one in (profile.platform_workload_identities or {}).items()}
    operators.update(given)
    # The cluster's identity has a role over that of each operator.
    touched = operators if wanted["mi_user_assigned"] else given
    if touched:
        _tell_missing_roles(azure, client, cluster, wanted, touched, own)
    if wanted["mi_user_assigned"]:
        change.identity = _cluster.cluster_identity(own)
    if not given and not wanted["upgradeable_to"]:
        return
    if wanted["upgradeable_to"]:
        operators.update(_missing_operators(azure, client, cluster, wanted, operators, own))
        change.identity = _cluster.cluster_identity(own)
    change.platform_workload_identity_profile = _cluster.operator_identities(operators, wanted["upgradeable_to"])


def _tell_missing_roles(azure, client, cluster, wanted, operators, own):
    """What the identities of the operators lack, and own, the cluster's: without it the
    service refuses the change."""
    from azext_aro import _identities, _preflight

    version = wanted["upgradeable_to"] or cluster.cluster_profile.version
    plan = _identities.plan_of_given(
        azure,
        wanted["resource_group_name"],
        network_of(azure, cluster),
        _identities.role_set(client, cluster.location, version),
        operators,
        own,
        cluster.master_profile.disk_encryption_set_id,
    )
    find_rp = partial(_directory.rp_principal, azure, wanted["rp_object_id"])
    _preflight.judge(_preflight.given_identities(azure, plan, find_rp))


def _missing_operators(azure, client, cluster, wanted, operators, own):
    """Makes the identities of operators that the target version has and the cluster has
    not; own, the cluster's identity, is given its role over them."""
    from azext_aro import _identities

    roles = [
        role
        for role in _identities.role_set(client, cluster.location, wanted["upgradeable_to"])
        if role.operator_name not in operators
    ]
    if not roles:
        return {}
    disks = cluster.master_profile.disk_encryption_set_id
    given = {_identities.CLUSTER_IDENTITY: own}
    plan = _identities.Plan(azure, wanted["resource_group_name"], network_of(azure, cluster), roles, disks, given)
    plan.make(cluster.location, _directory.rp_principal(azure, wanted["rp_object_id"]))
    return plan.operators()


def _mended(azure, cluster, wanted):
    """The new credentials, if any. Roles that are missing are given again: strictly if
    credentials change, else as far as the caller may."""
    client_id = wanted["client_id"] or cluster.service_principal_profile.client_id
    client_secret = wanted["client_secret"]
    strict = any(wanted[name] for name in CREDENTIALS)
    try:
        if wanted["refresh_cluster_credentials"]:
            return _refreshed(azure, cluster, wanted, client_id)
        _mend_roles(azure, cluster, wanted, client_id, _directory.ensure_principal if strict else _found)
    except AzCLIError as error:
        if strict:
            raise
        logger.info("The roles were not checked: %s", error)
    return client_id, client_secret


def _found(azure, client_id, object_id):
    return object_id or _directory.find_principal(azure, client_id, "--client-object-id")


def _refreshed(azure, cluster, wanted, client_id):
    """A new secret, of a new application if the old one is gone."""
    application = _directory.find_application(azure, client_id)
    if application:
        client_secret = _directory.new_secret(azure, application)
        _mend_roles(azure, cluster, wanted, client_id, _directory.ensure_principal)
        return client_id, client_secret
    group = cluster.cluster_profile.resource_group_id.rsplit("/", 1)[-1]
    client_id, client_secret = _directory.new_application(azure, group)
    with _directory.taken_back(azure, client_id):
        _mend_roles(azure, cluster, wanted, client_id, _directory.ensure_principal)
    return client_id, client_secret


def _mend_roles(azure, cluster, wanted, client_id, find):
    principals = {
        "service": _directory.rp_principal(azure, wanted["rp_object_id"]),
        "cluster": find(azure, client_id, wanted["client_object_id"]),
    }
    give_roles(azure, cluster, {who: one for who, one in principals.items() if one})


def give_roles(azure, cluster, principals):
    """Gives the principals what they need on the cluster's network and disks."""
    preconfigured = cluster.network_profile.preconfigured_nsg == "Enabled"
    _roles.ensure(
        azure,
        list(
            _roles.needed(
                principals, network_of(azure, cluster), cluster.master_profile.disk_encryption_set_id, preconfigured
            )
        ),
    )


def delete_identities(azure, identities):
    """Deletes all that it can: the cluster is gone, so what is left is known only here."""
    from azext_aro._identities import IDENTITY_VERSION

    left = {}
    for one in identities:
        try:
            azure.arm("DELETE", one, IDENTITY_VERSION)
        except AzCLIError as error:
            left[one] = error
    if left:
        raise AzureResponseError(
            "The cluster is deleted, but not these identities:\n"
            + "\n".join(f"{one}: {error}" for one, error in left.items()),
            "az identity delete --ids " + " ".join(left),
        )


def mend_for_deletion(azure, cluster, rp_object_id):
    """The service cannot clean up without its roles. Deletion goes on without them, too:
    the network may be gone already."""
    if cluster.platform_workload_identity_profile:
        return
    try:
        give_roles(azure, cluster, {"service": _directory.rp_principal(azure, rp_object_id)})
    except AzCLIError as error:
        logger.info("The service's roles were not checked: %s", error)

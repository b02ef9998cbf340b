"""What can be told from the arguments themselves, or with one look at what they
name. Each error says what to write instead."""

import ipaddress
import json
import os
import re
import uuid

from azure.cli.core.azclierror import (
    ArgumentUsageError,
    FileOperationError,
    InvalidArgumentValueError,
    MutuallyExclusiveArgumentError,
    RequiredArgumentMissingError,
)

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VERSION = re.compile(r"[4-9]\.[0-9]{1,2}\.[0-9]{1,2}")
UPGRADEABLE = re.compile(r"[4-9]\.(1[4-9]|[2-9][0-9])\.[0-9]{1,2}")

LEAST_WORKERS, LEAST_DISK_GB = 3, 128
LEAST_OUTBOUND_IPS, MOST_OUTBOUND_IPS = 1, 20


def given(value):
    """Whether the option was used; an empty string is no value."""
    return value is not None and value != ""


def validate_pull_secret(namespace):
    """Takes the secret itself or the path of a file that holds it."""
    secret = namespace.pull_secret
    if not given(secret):
        return
    if os.path.exists(secret):
        try:
            with open(secret, encoding="utf-8") as file:
                secret = file.read().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise FileOperationError(f"--pull-secret: {namespace.pull_secret} cannot be read as text.") from error
    try:
        right = isinstance(json.loads(secret), dict)
    except ValueError:
        right = False
    if not right:
        raise InvalidArgumentValueError(
            "--pull-secret is neither a file that exists nor a JSON object.",
            "Download it from https://console.redhat.com/openshift/install/azure/aro-provisioned and give its path.",
        )
    namespace.pull_secret = secret


def validate_domain(namespace):
    """Labels as DNS has them, in lower case."""
    domain = namespace.domain
    if given(domain) and not all(LABEL.fullmatch(label) for label in domain.split(".")):
        raise InvalidArgumentValueError(
            f"--domain '{domain}' is not a DNS name.",
            "Use lower-case letters, digits and hyphens, up to 63 between dots, such as 'shop' or 'shop.example.com'.",
        )


def validate_client_id(namespace):
    """An application is named by its UUID, and is no use without its secret."""
    if not given(namespace.client_id):
        return
    _identities_exclude(namespace, "--client-id")
    namespace.client_id = _uuid(
        "--client-id", namespace.client_id, "az ad app list --display-name NAME --query [].appId"
    )
    if not given(getattr(namespace, "client_secret", None)):
        raise RequiredArgumentMissingError("--client-id needs --client-secret, the application's secret.")


def validate_client_secret(namespace):
    """Creating a cluster needs to know whose the secret is; updating knows."""
    if not given(namespace.client_secret):
        return
    _identities_exclude(namespace, "--client-secret")
    creating = hasattr(namespace, "enable_managed_identity")
    if creating and not given(namespace.client_id):
        raise RequiredArgumentMissingError("--client-secret needs --client-id, the application whose secret it is.")


def _identities_exclude(namespace, option):
    if getattr(namespace, "enable_managed_identity", None):
        raise MutuallyExclusiveArgumentError(
            f"{option} cannot be used with --enable-managed-identity: the cluster has either a service principal or "
            "managed identities."
        )
    for name, flag in (
        ("platform_workload_identities", "--assign-platform-workload-identity"),
        ("mi_user_assigned", "--assign-cluster-identity"),
    ):
        if getattr(namespace, name, None):
            raise MutuallyExclusiveArgumentError(f"{option} cannot be used with {flag}.")


def validate_object_id(attribute, option):
    """A principal's object id, which spares a look into the directory."""

    def validate(namespace):
        value = getattr(namespace, attribute)
        if given(value):
            setattr(namespace, attribute, _uuid(option, value, "az ad sp show --id APPLICATION --query id"))

    return validate


def _uuid(option, value, where):
    try:
        return str(uuid.UUID(value))
    except ValueError as error:
        raise InvalidArgumentValueError(f"{option} '{value}' is not a UUID.", f"'{where}' shows it.") from error


def validate_version(namespace):
    """Three numbers; whether the location has them is asked later."""
    version = namespace.version
    if given(version) and not VERSION.fullmatch(version):
        raise InvalidArgumentValueError(
            f"--version '{version}' is not of the form X.Y.Z, such as 4.17.27.",
            "'az aro get-versions --location LOCATION' lists what can be installed.",
        )


def validate_upgradeable_to(namespace):
    """Managed identities exist from 4.14 on."""
    version = namespace.upgradeable_to
    if given(version) and not UPGRADEABLE.fullmatch(version):
        raise InvalidArgumentValueError(f"--upgradeable-to '{version}' is not a version X.Y.Z from 4.14.0 on.")


def validate_cidr(attribute, option):
    """A network in the form a.b.c.d/n, of its first address."""

    def validate(namespace):
        cidr = getattr(namespace, attribute)
        if not given(cidr):
            return
        try:
            ipaddress.IPv4Network(cidr)
        except ValueError as error:
            hint = "Write an IPv4 network such as 10.128.0.0/14."
            try:
                hint = f"Write {ipaddress.IPv4Network(cidr, strict=False)}, the network that holds this address."
            except ValueError:
                pass
            raise InvalidArgumentValueError(f"{option} '{cidr}' is not an IPv4 network.", hint) from error

    return validate


def validate_outbound_type(namespace):
    """Traffic that leaves by one's own routes cannot come in by a public address."""
    if namespace.outbound_type != "UserDefinedRouting":
        return
    for attribute, option in (
        ("apiserver_visibility", "--apiserver-visibility"),
        ("ingress_visibility", "--ingress-visibility"),
    ):
        if (getattr(namespace, attribute) or "").lower() != "private":
            raise InvalidArgumentValueError(
                f"--outbound-type UserDefinedRouting needs {option} Private: without a public load balancer the "
                "cluster has no public address.",
                f"Add '{option} Private'.",
            )


def validate_visibility(attribute):
    """Either word in any case becomes the service's."""

    def validate(namespace):
        value = getattr(namespace, attribute)
        if given(value):
            setattr(namespace, attribute, value.capitalize())

    return validate


def validate_worker_count(namespace):
    """OpenShift needs three."""
    _range("--worker-count", namespace.worker_count, LEAST_WORKERS, None)


def validate_worker_disk(namespace):
    """The image does not fit smaller disks."""
    _range("--worker-vm-disk-size-gb", namespace.worker_vm_disk_size_gb, LEAST_DISK_GB, None)


def validate_outbound_ips(namespace):
    """Azure's limit for a load balancer of the service."""
    _range(
        "--load-balancer-managed-outbound-ip-count",
        namespace.load_balancer_managed_outbound_ip_count,
        LEAST_OUTBOUND_IPS,
        MOST_OUTBOUND_IPS,
    )


def _range(option, value, least, most):
    if value is None:
        return
    if value < least or most is not None and value > most:
        wanted = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidArgumentValueError(f"{option} is {value}; it must be {wanted}.")


def validate_disk_encryption_set(cmd, namespace):
    """The set must be there, as its id says."""
    from azure.mgmt.core.tools import is_valid_resource_id

    wanted = namespace.disk_encryption_set
    if not given(wanted):
        return
    if not is_valid_resource_id(wanted) or "/diskencryptionsets/" not in wanted.lower():
        raise InvalidArgumentValueError(
            f"--disk-encryption-set '{wanted}' is not the id of a disk encryption set.",
            "'az disk-encryption-set show -g GROUP -n NAME --query id' shows it.",
        )
    _must_exist(cmd, wanted, "2022-03-02", "--disk-encryption-set")


def validate_cluster_resource_group(cmd, namespace):
    """The service makes this group and owns it, so it cannot exist before."""
    name = namespace.cluster_resource_group
    if not given(name):
        return
    azure = _azure(cmd)
    if azure.exists(azure.scope("resourcegroups", name), "2024-11-01"):
        raise InvalidArgumentValueError(
            f"--cluster-resource-group '{name}' exists already; the service makes this group itself.",
            "Choose a name that is free, or leave the option out.",
        )


def validate_vnet(cmd, namespace):
    """A name becomes an id in the virtual network's resource group."""
    if not given(namespace.vnet) or namespace.vnet.startswith("/"):
        return
    namespace.vnet = _azure(cmd).scope(
        "resourceGroups", _vnet_group(namespace), "providers", "Microsoft.Network", "virtualNetworks", namespace.vnet
    )


def _vnet_group(namespace):
    return getattr(namespace, "vnet_resource_group_name", None) or namespace.resource_group_name


def validate_subnet(attribute, option):
    """A name becomes an id in the virtual network; the subnet must be there."""

    def validate(cmd, namespace):
        wanted = getattr(namespace, attribute)
        if not given(wanted):
            return
        if not wanted.startswith("/"):
            if not given(namespace.vnet):
                raise RequiredArgumentMissingError(
                    f"{option} '{wanted}' is a name, so --vnet must say where.",
                    f"Add '--vnet NAME', or give the subnet's id to {option}.",
                )
            validate_vnet(cmd, namespace)
            wanted = namespace.vnet + "/subnets/" + wanted
        check_subnet_id(option, wanted, _azure(cmd).subscription)
        _must_exist(cmd, wanted, "2022-01-01", option)
        setattr(namespace, attribute, wanted)

    return validate


SUBNET = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.network/virtualnetworks/([^/]+)"
    r"/subnets/([^/]+)",
    re.IGNORECASE,
)


def check_subnet_id(option, value, subscription):
    """The id of a subnet of the subscription in use, and nothing below it."""
    match = SUBNET.fullmatch(value)
    if not match:
        raise InvalidArgumentValueError(
            f"{option} '{value}' is not the id of a subnet.",
            "'az network vnet subnet show -g GROUP --vnet-name VNET -n NAME --query id' shows it.",
        )
    if match.group(1).lower() != subscription.lower():
        raise InvalidArgumentValueError(
            f"{option} lies in subscription {match.group(1)}, but {subscription} is in use.",
            f"Choose a subnet of it, or run the command with '--subscription {match.group(1)}'.",
        )


def check_subnets(master, worker):
    """Both subnets are different ones of one virtual network."""
    one, other = SUBNET.fullmatch(master), SUBNET.fullmatch(worker)
    if one.group(2, 3) != other.group(2, 3) and [part.lower() for part in one.group(2, 3)] != [
        part.lower() for part in other.group(2, 3)
    ]:
        raise InvalidArgumentValueError(
            "--master-subnet and --worker-subnet lie in different virtual networks.",
            f"Choose both from '{one.group(3)}' in resource group '{one.group(2)}'.",
        )
    if one.group(4).lower() == other.group(4).lower():
        raise InvalidArgumentValueError(
            f"--master-subnet and --worker-subnet are both '{one.group(4)}'.", "Give each a subnet of its own."
        )


def _must_exist(cmd, resource, version, option):
    from azext_aro._errors import ServiceError

    try:
        _azure(cmd).arm("GET", resource, version)
    except ServiceError as error:
        if error.status != 404:
            raise
        raise InvalidArgumentValueError(
            f"{option}: {resource} does not exist.", "Check the name, or create it first."
        ) from error


def _azure(cmd):
    from azext_aro._azure import Azure

    return Azure(cmd.cli_ctx)


IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[^/]+",
    re.IGNORECASE,
)


def identity_id(cmd, namespace, option, value):
    """A name becomes an id in the cluster's resource group."""
    if "/" not in value:
        return _azure(cmd).scope(
            "resourceGroups",
            namespace.resource_group_name,
            "providers",
            "Microsoft.ManagedIdentity",
            "userAssignedIdentities",
            value,
        )
    if not IDENTITY.fullmatch(value):
        raise InvalidArgumentValueError(
            f"{option} '{value}' is neither the name nor the id of a managed identity.",
            "'az identity show -g GROUP -n NAME --query id' shows the id.",
        )
    return value


def validate_cluster_identity(cmd, namespace):
    """The identity of the cluster itself."""
    if not given(namespace.mi_user_assigned):
        return
    _needs_identities(namespace, "--assign-cluster-identity")
    namespace.mi_user_assigned = identity_id(cmd, namespace, "--assign-cluster-identity", namespace.mi_user_assigned)


def validate_operator_identities(cmd, namespace):
    """Pairs of an operator and its identity become a map of ids."""
    option = "--assign-platform-workload-identity"
    pairs = namespace.platform_workload_identities
    if not pairs:
        return
    _needs_identities(namespace, option)
    identities = {}
    for pair in pairs:
        if len(pair) != 2:
            raise ArgumentUsageError(f"{option} takes an operator's name and an identity's: '{option} ingress my-id'.")
        operator, value = pair
        if operator in identities:
            raise InvalidArgumentValueError(f"{option} names the operator '{operator}' twice.")
        identities[operator] = identity_id(cmd, namespace, option, value)
    namespace.platform_workload_identities = identities


def _needs_identities(namespace, option):
    if hasattr(namespace, "enable_managed_identity") and not namespace.enable_managed_identity:
        raise RequiredArgumentMissingError(
            f"{option} needs --enable-managed-identity true.", "Add '--enable-managed-identity true'."
        )


def validate_managed_identity(namespace):
    """All identities are given or none; to make them, the version must be known."""
    if not getattr(namespace, "enable_managed_identity", None):
        return
    for attribute, option in (("client_id", "--client-id"), ("client_secret", "--client-secret")):
        if given(getattr(namespace, attribute, None)):
            raise MutuallyExclusiveArgumentError(f"--enable-managed-identity cannot be used with {option}.")
    if bool(namespace.platform_workload_identities) != given(namespace.mi_user_assigned):
        raise RequiredArgumentMissingError(
            "--assign-cluster-identity and --assign-platform-workload-identity must be given together.",
            "Give both, or neither: then the identities are created.",
        )
    if not namespace.platform_workload_identities and not given(namespace.version):
        raise RequiredArgumentMissingError(
            "--enable-managed-identity needs --version when no identities are given: which are needed depends on it."
        )


def validate_refresh(namespace):
    """A new secret is either made or given, and only for a service principal."""
    others = (
        ("client_id", "--client-id"),
        ("client_secret", "--client-secret"),
        ("platform_workload_identities", "--assign-platform-workload-identity"),
        ("mi_user_assigned", "--assign-cluster-identity"),
        ("upgradeable_to", "--upgradeable-to"),
    )
    used = [option for attribute, option in others if getattr(namespace, attribute)]
    if namespace.refresh_cluster_credentials and used:
        raise MutuallyExclusiveArgumentError(f"--refresh-credentials cannot be used with {', '.join(used)}.")
    secret = [option for option in used if option.startswith("--client")]
    rest = [option for option in used if not option.startswith("--client")]
    if secret and rest:
        raise MutuallyExclusiveArgumentError(
            f"{', '.join(secret)} cannot be used with {', '.join(rest)}: a cluster has either a service principal or "
            "managed identities."
        )


def validate_delete_identities(namespace):
    """The identities can go only when the cluster is gone."""
    if namespace.delete_identities and namespace.no_wait:
        raise MutuallyExclusiveArgumentError(
            "--delete-identities cannot be used with --no-wait: the identities are deleted after the cluster."
        )

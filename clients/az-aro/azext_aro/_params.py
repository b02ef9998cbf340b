"""What the commands take."""

from azext_aro import _validators as check

VISIBILITIES = ["Private", "Public"]
OUTBOUND_TYPES = ["Loadbalancer", "UserDefinedRouting"]


def load_arguments(loader, _):
    """Describes the arguments of every command."""
    from azure.cli.core.commands.parameters import resource_group_name_type

    with loader.argument_context("aro") as c:
        c.argument("resource_group_name", resource_group_name_type)
        c.argument("resource_name", options_list=["--name", "-n", "--resource-name"], help="Name of the cluster.")
    with loader.argument_context("aro get-versions") as c:
        _location(c, "Location whose versions to list.")
    for scope in ("aro create", "aro validate"):
        with loader.argument_context(scope) as c:
            _network(c)
            _install(c)
            _service_principal(c)
            _managed_identity(c)
    with loader.argument_context("aro create") as c:
        _machines(c)
        _access(c)
    with loader.argument_context("aro validate") as c:
        _preconfigured_nsg(c)
    for scope in ("aro identity get-required", "aro identity create-required"):
        with loader.argument_context(scope) as c:
            _network(c)
            _location(c)
            _version(c, "The version that is to be installed.")
            _rp_object_id(c)
    with loader.argument_context("aro update") as c:
        _update(c)
    with loader.argument_context("aro delete") as c:
        c.argument(
            "delete_identities",
            arg_group="Identity",
            arg_type=_three_state(),
            validator=check.validate_delete_identities,
            help="Delete the cluster's managed identities, too, when the cluster is gone.",
        )
        _rp_object_id(c)
    with loader.argument_context("aro get-admin-kubeconfig") as c:
        c.argument("file", options_list=["--file", "-f"], help="File to write; it must not exist.")


def _three_state():
    from azure.cli.core.commands.parameters import get_three_state_flag

    return get_three_state_flag()


def _location(c, text="Location of the cluster; that of the resource group by default."):
    from azure.cli.core.commands.parameters import get_location_type

    c.argument("location", arg_type=get_location_type(c.command_loader.cli_ctx), help=text)


def _version(c, text):
    c.argument("version", validator=check.validate_version, help=text + " X.Y.Z, as 'az aro get-versions' lists them.")


def _rp_object_id(c):
    c.argument(
        "rp_object_id",
        options_list=["--rp-object-id"],
        validator=check.validate_object_id("rp_object_id", "--rp-object-id"),
        help="Object id of the service principal of Azure Red Hat OpenShift in your directory. Looked up by "
        "default; with it, no right to read the directory is needed.",
    )


def _network(c):
    c.argument(
        "vnet_resource_group_name",
        options_list=["--vnet-resource-group"],
        help="Resource group of the virtual network; that of the cluster by default.",
    )
    c.argument(
        "vnet",
        validator=check.validate_vnet,
        help="Name or id of the virtual network. Needed when subnets are given by name.",
    )
    c.argument(
        "master_subnet",
        validator=check.validate_subnet("master_subnet", "--master-subnet"),
        help="Name or id of the subnet of the control plane.",
    )
    c.argument(
        "worker_subnet",
        validator=check.validate_subnet("worker_subnet", "--worker-subnet"),
        help="Name or id of the subnet of the workers, another one of the same virtual network.",
    )
    c.argument(
        "disk_encryption_set",
        validator=check.validate_disk_encryption_set,
        help="Id of the disk encryption set for the disks of all machines.",
    )


def _install(c):
    from azure.cli.core.commands.parameters import tags_type

    _location(c)
    c.argument("tags", tags_type)
    c.argument(
        "pull_secret",
        validator=check.validate_pull_secret,
        help="Red Hat pull secret: the path of its file, or the JSON itself.",
    )
    c.argument(
        "domain",
        validator=check.validate_domain,
        help="Domain of the cluster: a label below the service's domain, or a domain of your own. Random by "
        "default.",
    )
    c.argument(
        "cluster_resource_group",
        validator=check.validate_cluster_resource_group,
        help="Name of the resource group that the service makes for the machines. It must not exist. Random by "
        "default.",
    )
    c.argument(
        "fips_validated_modules",
        options_list=["--fips-validated-modules", "--fips"],
        arg_type=_three_state(),
        help="Use cryptography that is validated by FIPS 140.",
    )
    c.argument(
        "version",
        options_list=["--version", c.deprecate(target="--install-version", redirect="--version", hide=True)],
        validator=check.validate_version,
        help="Version to install, X.Y.Z; the newest that the service recommends by default. 'az aro get-versions' "
        "lists them.",
    )
    c.argument(
        "pod_cidr",
        validator=check.validate_cidr("pod_cidr", "--pod-cidr"),
        help="Network of the pods, /21 or larger; 10.128.0.0/14 by default.",
    )
    c.argument(
        "service_cidr",
        validator=check.validate_cidr("service_cidr", "--service-cidr"),
        help="Network of the services; 172.30.0.0/16 by default.",
    )


def _service_principal(c):
    c.argument(
        "client_id",
        validator=check.validate_client_id,
        help="Application of the cluster's service principal. A new one is made by default.",
    )
    c.argument("client_secret", validator=check.validate_client_secret, help="Secret of that application.")
    c.argument(
        "client_object_id",
        validator=check.validate_object_id("client_object_id", "--client-object-id"),
        help="Object id of the application's service principal. Looked up by default; with it, no right to read "
        "the directory is needed.",
    )
    _rp_object_id(c)


def _managed_identity(c):
    c.argument(
        "enable_managed_identity",
        options_list=["--enable-managed-identity", "--enable-mi"],
        arg_group="Identity",
        arg_type=_three_state(),
        validator=check.validate_managed_identity,
        help="Use managed identities instead of a service principal. They are created if none are given.",
    )
    _identities(c)


def _identities(c):
    c.argument(
        "platform_workload_identities",
        arg_group="Identity",
        action="append",
        nargs=2,
        metavar=("OPERATOR", "IDENTITY"),
        options_list=["--assign-platform-workload-identity", "--assign-platform-wi"],
        validator=check.validate_operator_identities,
        help="An operator of the cluster and the name or id of its managed identity. Repeat it for each operator.",
    )
    c.argument(
        "mi_user_assigned",
        arg_group="Identity",
        options_list=["--assign-cluster-identity", "--mi-user-assigned"],
        validator=check.validate_cluster_identity,
        help="Name or id of the managed identity of the cluster itself.",
    )


def _machines(c):
    encryption = "Encrypt the {} disks at their hosts."
    c.argument(
        "master_encryption_at_host",
        options_list=["--master-encryption-at-host", "--master-enc-host"],
        arg_type=_three_state(),
        help=encryption.format("control plane's"),
    )
    c.argument("master_vm_size", help="VM size of the control plane; Standard_D8s_v5 by default.")
    c.argument(
        "worker_encryption_at_host",
        options_list=["--worker-encryption-at-host", "--worker-enc-host"],
        arg_type=_three_state(),
        help=encryption.format("workers'"),
    )
    c.argument("worker_vm_size", help="VM size of the workers; Standard_D4s_v5 by default.")
    c.argument(
        "worker_vm_disk_size_gb",
        type=int,
        options_list=["--worker-vm-disk-size-gb", "--worker-disk-gb"],
        validator=check.validate_worker_disk,
        help="Disk size of a worker in GB, at least 128, the default.",
    )
    c.argument(
        "worker_count",
        type=int,
        validator=check.validate_worker_count,
        help="Number of workers, at least 3, the default.",
    )


def _access(c):
    from azure.cli.core.commands.parameters import get_enum_type

    c.argument(
        "outbound_type",
        arg_type=get_enum_type(OUTBOUND_TYPES),
        validator=check.validate_outbound_type,
        help="How the cluster reaches the internet; by a load balancer by default.",
    )
    _preconfigured_nsg(c)
    for name, what in (("apiserver_visibility", "API server"), ("ingress_visibility", "default ingress")):
        c.argument(
            name,
            arg_type=get_enum_type(VISIBILITIES),
            validator=check.validate_visibility(name),
            help=f"Who reaches the {what}; Public by default.",
        )
    _outbound_ips(c)


def _preconfigured_nsg(c):
    c.argument(
        "enable_preconfigured_nsg",
        options_list=["--enable-preconfigured-nsg", "--use-nsg"],
        arg_type=_three_state(),
        help="Use the network security groups that the subnets already have.",
    )


def _outbound_ips(c):
    c.argument(
        "load_balancer_managed_outbound_ip_count",
        type=int,
        validator=check.validate_outbound_ips,
        options_list=["--load-balancer-managed-outbound-ip-count", "--lb-ip-count"],
        help="Number of public addresses for traffic that leaves the cluster, 1 to 20.",
    )


def _update(c):
    from azure.cli.core.commands.parameters import tags_type

    c.argument("tags", tags_type)
    c.argument(
        "client_id", validator=check.validate_client_id, help="New application of the cluster's service principal."
    )
    c.argument("client_secret", validator=check.validate_client_secret, help="New secret of the application.")
    c.argument(
        "client_object_id",
        validator=check.validate_object_id("client_object_id", "--client-object-id"),
        help="Object id of the application's service principal. Looked up by default.",
    )
    _rp_object_id(c)
    c.argument(
        "refresh_cluster_credentials",
        options_list=["--refresh-credentials"],
        arg_type=_three_state(),
        validator=check.validate_refresh,
        help="Make a new secret for the cluster's application and use it.",
    )
    _identities(c)
    c.argument(
        "upgradeable_to",
        arg_group="Identity",
        validator=check.validate_upgradeable_to,
        help="Version X.Y.Z that the cluster's identities must be ready for. Missing ones are created.",
    )
    _outbound_ips(c)

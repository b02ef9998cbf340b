"""What arguments must look like, and what is said of those that do not."""

import json
import types

import pytest
from azure.cli.core.azclierror import AzCLIError, InvalidArgumentValueError, RequiredArgumentMissingError

from azext_aro import _azure, _validators as check
from azext_aro.tests import world as w

CMD = w.command()


def ns(**values):
    return types.SimpleNamespace(**values)


@pytest.fixture(autouse=True)
def fixture_azure(monkeypatch):
    azure = w.World()
    azure.answers["GET", w.HERE + "/resourcegroups/taken"] = {}
    azure.answers["GET", w.DISKS] = {}
    monkeypatch.setattr(_azure, "Azure", lambda cli_ctx: azure)


def outcome(validate, namespace):
    """None, or what was refused."""
    try:
        validate(CMD, namespace) if validate.__code__.co_argcount == 2 else validate(namespace)
        return None
    except AzCLIError as error:
        return type(error)


@pytest.mark.parametrize(
    "value, right",
    [
        ("shop", True),
        ("shop.example.com", True),
        ("a", True),
        ("a" * 63, True),
        ("", True),
        (None, True),
        ("a" * 64, False),
        ("Shop", False),
        ("-shop", False),
        ("shop-", False),
        ("shop..com", False),
        ("shop.", False),
        ("a_b", False),
        ("shop\n", False),
    ],
)
def test_domain(value, right):
    assert (outcome(check.validate_domain, ns(domain=value)) is None) == right


@pytest.mark.parametrize(
    "value, right",
    [
        ("4.17.27", True),
        ("4.9.1", True),
        ("9.99.99", True),
        (None, True),
        ("", True),
        ("4.17", False),
        ("3.11.1", False),
        ("4.17.100", False),
        ("v4.17.1", False),
        ("4.17.1-rc.1", False),
        ("latest", False),
    ],
)
def test_version(value, right):
    assert (outcome(check.validate_version, ns(version=value)) is None) == right


@pytest.mark.parametrize(
    "value, right", [("4.14.0", True), ("4.99.9", True), ("4.13.9", False), ("4.9.1", False), ("4.18", False)]
)
def test_upgradeable_to(value, right):
    assert (outcome(check.validate_upgradeable_to, ns(upgradeable_to=value)) is None) == right


@pytest.mark.parametrize(
    "value, right",
    [
        ("10.0.0.0/16", True),
        (None, True),
        ("10.0.0.1/16", False),
        ("10.0.0.0/33", False),
        ("fd00::/8", False),
        ("ten", False),
    ],
)
def test_cidr(value, right):
    assert (outcome(check.validate_cidr("pod_cidr", "--pod-cidr"), ns(pod_cidr=value)) is None) == right


def test_cidr_with_host_bits_is_told_its_network():
    with pytest.raises(InvalidArgumentValueError) as refused:
        check.validate_cidr("pod_cidr", "--pod-cidr")(ns(pod_cidr="10.0.0.1/16"))
    assert "10.0.0.0/16" in refused.value.recommendations[0]


@pytest.mark.parametrize("count, right", [(None, True), (3, True), (50, True), (2, False), (0, False), (-1, False)])
def test_worker_count(count, right):
    assert (outcome(check.validate_worker_count, ns(worker_count=count)) is None) == right


@pytest.mark.parametrize("size, right", [(None, True), (128, True), (127, False), (0, False)])
def test_worker_disk(size, right):
    assert (outcome(check.validate_worker_disk, ns(worker_vm_disk_size_gb=size)) is None) == right


@pytest.mark.parametrize("count, right", [(None, True), (1, True), (20, True), (0, False), (21, False)])
def test_outbound_ips(count, right):
    assert (outcome(check.validate_outbound_ips, ns(load_balancer_managed_outbound_ip_count=count)) is None) == right


@pytest.mark.parametrize(
    "kind, api, ingress, right",
    [
        ("Loadbalancer", None, None, True),
        (None, None, None, True),
        ("UserDefinedRouting", "Private", "private", True),
        ("UserDefinedRouting", None, None, False),
        ("UserDefinedRouting", "Private", "Public", False),
        ("UserDefinedRouting", "Private", None, False),
    ],
)
def test_outbound_type(kind, api, ingress, right):
    namespace = ns(outbound_type=kind, apiserver_visibility=api, ingress_visibility=ingress)
    assert (outcome(check.validate_outbound_type, namespace) is None) == right


def test_visibility_is_written_as_the_service_does():
    namespace = ns(ingress_visibility="pRIVATE")
    check.validate_visibility("ingress_visibility")(namespace)
    assert namespace.ingress_visibility == "Private"


def test_pull_secret_is_text_or_a_file(tmp_path):
    secret = json.dumps({"auths": {}})
    file = tmp_path / "secret"
    file.write_text(secret + "\n", encoding="utf-8")
    for given in (secret, str(file)):
        namespace = ns(pull_secret=given)
        check.validate_pull_secret(namespace)
        assert namespace.pull_secret == secret
    for wrong in ("[]", "no-such-file", '"x"'):
        with pytest.raises(InvalidArgumentValueError) as refused:
            check.validate_pull_secret(ns(pull_secret=wrong))
        assert wrong not in str(refused.value), "what may be a secret is repeated"
    assert outcome(check.validate_pull_secret, ns(pull_secret=str(tmp_path))) is not None


def creating(**values):
    return ns(
        **{
            **dict(
                client_id=None,
                client_secret=None,
                enable_managed_identity=None,
                platform_workload_identities=None,
                mi_user_assigned=None,
                version=None,
                resource_group_name="rg",
            ),
            **values,
        }
    )


@pytest.mark.parametrize(
    "values, right",
    [
        ({}, True),
        ({"client_id": w.CLIENT, "client_secret": "s"}, True),
        ({"client_id": w.CLIENT}, False),
        ({"client_secret": "s"}, False),
        ({"client_id": "x", "client_secret": "s"}, False),
        ({"client_id": w.CLIENT, "client_secret": "s", "enable_managed_identity": True}, False),
        ({"client_id": w.CLIENT, "client_secret": "s", "mi_user_assigned": "i"}, False),
        ({"enable_managed_identity": True}, False),
        ({"enable_managed_identity": True, "version": "4.17.27"}, True),
        ({"enable_managed_identity": True, "mi_user_assigned": "i"}, False),
        (
            {"enable_managed_identity": True, "mi_user_assigned": "i", "platform_workload_identities": [["a", "b"]]},
            True,
        ),
        ({"mi_user_assigned": "i", "platform_workload_identities": [["a", "b"]]}, False),
    ],
)
def test_who_the_cluster_is(values, right):
    checks = (
        check.validate_client_id,
        check.validate_client_secret,
        check.validate_cluster_identity,
        check.validate_operator_identities,
        check.validate_managed_identity,
    )
    assert all(outcome(one, creating(**values)) is None for one in checks) == right


def test_identities_become_ids():
    other = w.HERE + "/resourcegroups/o/providers/microsoft.managedidentity/userassignedidentities/i"
    namespace = creating(
        enable_managed_identity=True, platform_workload_identities=[["ingress", "my-id"], ["aro-operator", other]]
    )
    check.validate_operator_identities(CMD, namespace)
    here = w.HERE + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/my-id"
    assert namespace.platform_workload_identities == {"ingress": here, "aro-operator": other}
    for wrong in ([["a", "x"], ["a", "y"]], [["a", w.MASTER]]):
        assert outcome(
            check.validate_operator_identities,
            creating(enable_managed_identity=True, platform_workload_identities=wrong),
        )


@pytest.mark.parametrize(
    "values, right",
    [
        ({}, True),
        ({"refresh_cluster_credentials": True}, True),
        ({"refresh_cluster_credentials": True, "client_secret": "s"}, False),
        ({"refresh_cluster_credentials": True, "upgradeable_to": "4.18.1"}, False),
        ({"client_secret": "s", "upgradeable_to": "4.18.1"}, False),
        ({"client_secret": "s"}, True),
        ({"upgradeable_to": "4.18.1", "mi_user_assigned": "i"}, True),
    ],
)
def test_what_update_changes_at_once(values, right):
    namespace = ns(
        **{
            **dict.fromkeys(
                (
                    "client_id",
                    "client_secret",
                    "refresh_cluster_credentials",
                    "platform_workload_identities",
                    "mi_user_assigned",
                    "upgradeable_to",
                )
            ),
            **values,
        }
    )
    assert (outcome(check.validate_refresh, namespace) is None) == right


def subnet(value, vnet=None):
    namespace = ns(master_subnet=value, vnet=vnet, resource_group_name="rg", vnet_resource_group_name=None)
    check.validate_subnet("master_subnet", "--master-subnet")(CMD, namespace)
    return namespace.master_subnet


def test_subnets_become_ids():
    assert subnet("master", "vnet") == w.MASTER
    assert subnet("master", w.VNET) == w.MASTER
    assert subnet(w.MASTER) == w.MASTER
    with pytest.raises(RequiredArgumentMissingError):
        subnet("master")
    for wrong in (w.MASTER + "/x/y", w.VNET, w.MASTER.replace("000a1", "000a2"), w.DISKS):
        with pytest.raises(InvalidArgumentValueError):
            subnet(wrong)
    with pytest.raises(InvalidArgumentValueError) as refused:
        subnet("absent", "vnet")
    assert "does not exist" in str(refused.value)


def test_subnets_are_two_of_one_network():
    check.check_subnets(w.MASTER, w.WORKER.upper())
    for other in (w.MASTER.upper(), w.WORKER.replace("/vnet/", "/other/"), w.WORKER.replace("/rg/", "/other/")):
        with pytest.raises(InvalidArgumentValueError):
            check.check_subnets(w.MASTER, other)


def test_what_must_exist_and_what_must_not():
    assert outcome(check.validate_cluster_resource_group, ns(cluster_resource_group="free")) is None
    assert (
        outcome(check.validate_cluster_resource_group, ns(cluster_resource_group="taken")) is InvalidArgumentValueError
    )
    assert outcome(check.validate_disk_encryption_set, ns(disk_encryption_set=w.DISKS)) is None
    for wrong in (w.DISKS + "2", w.MASTER, "des"):
        assert outcome(check.validate_disk_encryption_set, ns(disk_encryption_set=wrong)) is InvalidArgumentValueError

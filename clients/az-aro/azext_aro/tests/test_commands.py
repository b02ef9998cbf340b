"""Tests of the commands' requests and of what they reject."""

import base64
import os
import stat

import pytest
from azure.cli.core.azclierror import (
    AzureResponseError,
    FileOperationError,
    ForbiddenError,
    InvalidArgumentValueError,
    UnauthorizedError,
    ValidationError,
)

from azext_aro import _azure, _roles, custom
from azext_aro._errors import ServiceError
from azext_aro._remedies import REMEDIES
from azext_aro.tests import world as w


@pytest.fixture(name="azure")
def fixture_azure(monkeypatch):
    azure = w.World()
    monkeypatch.setattr(_azure, "Azure", lambda cli_ctx: azure)
    return azure


def create(azure, client=None, **options):
    client = client or w.Client()
    custom.aro_create(w.command(), client, "rg", "shop", w.MASTER, w.WORKER, no_wait=True, **options)
    return client


def test_create_sends_defaults_and_makes_an_application(azure):
    client = create(azure)
    properties = client.sent["properties"]
    assert client.sent["location"] == "eastus"
    assert properties["servicePrincipalProfile"] == {"clientId": "made-application", "clientSecret": "made-secret"}
    assert properties["masterProfile"] == {
        "vmSize": "Standard_D8s_v5",
        "subnetId": w.MASTER,
        "encryptionAtHost": "Disabled",
    }
    assert properties["workerProfiles"] == [
        {
            "name": "worker",
            "vmSize": "Standard_D4s_v5",
            "diskSizeGB": 128,
            "subnetId": w.WORKER,
            "count": 3,
            "encryptionAtHost": "Disabled",
        }
    ]
    assert properties["networkProfile"] == {
        "podCidr": "10.128.0.0/14",
        "serviceCidr": "172.30.0.0/16",
        "preconfiguredNSG": "Disabled",
    }
    assert properties["ingressProfiles"] == [{"name": "default", "visibility": "Public"}]
    group = properties["clusterProfile"]["resourceGroupId"].rsplit("/", 1)[-1]
    assert group.startswith("aro-") and azure.written("graph/applications")[0][1] == {"displayName": group}
    assert azure.assigned() == {(p, _roles.NETWORK_CONTRIBUTOR, w.VNET) for p in (w.RP_OBJECT, "made-principal")}


def test_create_hides_secrets_from_debug(azure):
    assert create(azure, client_id=w.CLIENT, client_secret="s").options["logging_enable"] is False


def test_create_needs_no_directory_when_object_ids_are_given(azure):
    azure.directory_closed = True
    create(azure, client_id=w.CLIENT, client_secret="s", client_object_id=w.CLIENT_OBJECT, rp_object_id=w.RP_OBJECT)
    assert not [path for _, path, _ in azure.calls if path.startswith("graph")]
    with pytest.raises(ForbiddenError) as refused:
        create(azure, client_id=w.CLIENT, client_secret="s")
    assert "--rp-object-id" in refused.value.recommendations[0]


def test_create_gives_roles_on_all_that_is_attached(azure):
    table = w.VNET.replace("virtualNetworks/vnet", "routeTables/rt")
    azure.answers["GET", w.MASTER]["properties"]["routeTable"] = {"id": table}
    for scope in (table, w.DISKS):
        azure.answers["GET", scope + "/providers/Microsoft.Authorization/roleAssignments"] = {"value": []}
    azure.answers["GET", table + "/providers/Microsoft.Authorization/permissions"] = {
        "value": [{"actions": ["Microsoft.Network/*", "Microsoft.Authorization/*"]}]
    }
    create(azure, client_id=w.CLIENT, client_secret="s", disk_encryption_set=w.DISKS)
    assert azure.assigned() == {
        (p, role, scope)
        for p in (w.RP_OBJECT, w.CLIENT_OBJECT)
        for role, scope in (
            (_roles.NETWORK_CONTRIBUTOR, w.VNET),
            (_roles.NETWORK_CONTRIBUTOR, table),
            (_roles.READER, w.DISKS),
        )
    }


def test_create_gives_no_role_twice(azure):
    azure.answers["GET", w.VNET + "/providers/Microsoft.Authorization/roleAssignments"] = {
        "value": [
            {
                "properties": {
                    "principalId": p.upper(),
                    "scope": scope,
                    "roleDefinitionId": "/x/" + _roles.NETWORK_CONTRIBUTOR,
                }
            }
            for p, scope in ((w.RP_OBJECT, w.HERE), (w.CLIENT_OBJECT, w.MASTER))
        ]
    }
    create(azure, client_id=w.CLIENT, client_secret="s")
    # That of the service is inherited; the other one holds for a subnet only.
    assert azure.assigned() == {(w.CLIENT_OBJECT, _roles.NETWORK_CONTRIBUTOR, w.VNET)}


def test_create_refuses_before_it_makes_anything(azure):
    with pytest.raises(ValidationError):
        create(azure, pod_cidr="10.0.0.0/16")
    with pytest.raises(ValidationError):
        create(azure, version="4.99.1")
    azure.answers["GET", w.HERE + "/providers/Microsoft.RedHatOpenShift"]["registrationState"] = "NotRegistered"
    with pytest.raises(UnauthorizedError) as refused:
        create(azure)
    assert f"az provider register --subscription {w.SUBSCRIPTION} " in refused.value.recommendations[0]
    assert all(method == "GET" for method, _, _ in azure.calls)


def test_create_does_not_speak_of_roles_that_it_gives(azure, caplog):
    create(azure, pull_secret="{}")
    assert not caplog.text


def test_create_makes_nothing_that_the_service_would_refuse(azure):
    path = w.HERE + "/resourceGroups/rg/providers/Microsoft.Resources/deployments/aro-validate/validate"
    azure.answers["POST", path] = ServiceError(400, "InvalidTemplateDeployment", "See details.")
    azure.answers["POST", path].body = {"code": "InvalidParameter", "message": "The VM size is not supported."}
    for options in ({}, {"enable_managed_identity": True, "version": "4.18.2"}):
        with pytest.raises(ValidationError) as refused:
            create(azure, **options)
        assert "The VM size is not supported" in str(refused.value)
    assert not azure.written("graph") and not azure.written("/userAssignedIdentities/") and not azure.assigned()
    for status in (403, 404, 500):  # who cannot ask goes on: the service judges again
        azure.answers["POST", path] = ServiceError(status, "No", "No.")
        assert create(azure).sent


def test_create_makes_identities_with_their_roles(azure):
    table = w.VNET.replace("virtualNetworks/vnet", "routeTables/rt")
    azure.answers["GET", w.WORKER]["properties"]["routeTable"] = {"id": table}
    azure.answers["GET", table + "/providers/Microsoft.Authorization/permissions"] = {"value": [{"actions": ["*"]}]}
    client = create(azure, enable_managed_identity=True, version="4.18.2")
    identity = w.HERE + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
    assert client.sent["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {identity + "aro-cluster": {}}}
    assert client.sent["properties"]["platformWorkloadIdentityProfile"] == {
        "platformWorkloadIdentities": {name: {"resourceId": identity + name} for name in w.OPERATORS}
    }
    assert "servicePrincipalProfile" not in client.sent["properties"]
    assert azure.assigned() == {
        ("principal-of-ingress", w.OPERATORS["ingress"], w.MASTER),
        ("principal-of-ingress", w.OPERATORS["ingress"], w.WORKER),
        ("principal-of-machine-api", w.OPERATORS["machine-api"], w.VNET),
        ("principal-of-machine-api", w.OPERATORS["machine-api"], table),
        ("principal-of-aro-cluster", _roles.FEDERATED_CREDENTIAL, identity + "ingress"),
        ("principal-of-aro-cluster", _roles.FEDERATED_CREDENTIAL, identity + "machine-api"),
        (w.RP_OBJECT, _roles.FIRST_PARTY, w.VNET),
    }


def test_identities_of_a_version_are_those_of_its_minor_version(azure):
    with pytest.raises(InvalidArgumentValueError) as refused:
        create(azure, enable_managed_identity=True, version="4.17.27")  # not those of 4.1
    assert "4.17 has no managed identities" in str(refused.value)


def test_commands_of_required_identities_name_their_subscription(azure, caplog):
    custom.aro_identity_get_required(w.command(), w.Client(), "rg", "4.18.2", w.MASTER, w.WORKER)
    assert IDENTITY_CREATION + "machine-api --location eastus" in caplog.text
    shown = f'"$(az identity show --subscription {w.SUBSCRIPTION} --resource-group rg --name ingress --query principalId'
    assert shown in caplog.text
    assert f"--role {_roles.FIRST_PARTY} --scope {w.VNET}" in caplog.text


def validate(azure, **options):
    custom.aro_validate(w.command(), w.Client(), "rg", "shop", w.MASTER, w.WORKER, **options)


def test_validate_asks_the_service_without_showing_secrets(azure):
    validate(azure, client_id=w.CLIENT, client_secret="hidden", pull_secret='{"a":1}')
    ((path, body),) = azure.written("/deployments/")
    template = body["properties"]["template"]
    assert "hidden" not in str(template) and template["parameters"]["clientSecret"] == {"type": "securestring"}
    assert body["properties"]["parameters"]["clientSecret"] == {"value": "hidden"}
    assert (
        template["resources"][0]["properties"]["servicePrincipalProfile"]["clientSecret"]
        == "[parameters('clientSecret')]"
    )
    assert template["resources"][0]["name"] == "shop"


def test_validate_shows_each_problem_with_its_remedy(azure):
    azure.answers["GET", w.VNET + "/providers/Microsoft.Authorization/permissions"] = {
        "value": [
            {
                "actions": ["Microsoft.Network/*"],
                "notActions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
            }
        ]
    }
    azure.answers["GET", w.WORKER]["properties"]["networkSecurityGroup"] = {"id": "/x/nsg"}
    error = ServiceError(400, "InvalidTemplateDeployment", "See details.")
    error.body = {
        "code": "InvalidTemplateDeployment",
        "message": "See details.",
        "details": [
            {
                "code": "InvalidParameter",
                "message": "The VM size is not supported.",
                "target": "properties.masterProfile.vmSize",
            },
            {"code": "ResourceQuotaExceeded", "message": "Not enough cores."},
            {"code": "OfAnotherService", "message": "No."},
        ],
    }
    azure.answers[
        "POST", w.HERE + "/resourceGroups/rg/providers/Microsoft.Resources/deployments/aro-validate/validate"
    ] = error
    with pytest.raises(ValidationError) as refused:
        validate(azure)
    said = str(refused.value)
    for part in (
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        f"--assignee ada@contoso.example --role {_roles.NETWORK_CONTRIBUTOR}",
        "nsg is attached",
        "--remove networkSecurityGroup",
        "The VM size is not supported",
        "  properties.masterProfile.vmSize: " + REMEDIES["InvalidParameter"],
        "  " + REMEDIES["ResourceQuotaExceeded"],
        "  Mend the request as the message says",
        f"az role assignment create --assignee-object-id {w.RP_OBJECT}",
    ):
        assert part in said, part
    assert "Microsoft.Network/virtualNetworks/read" not in said


def test_validate_only_warns_of_roles_that_create_gives(azure, caplog):
    validate(azure)
    assert "does not have the role Network Contributor" in caplog.text


def test_validate_wants_security_groups_on_both_subnets_or_none(azure):
    azure.answers["GET", w.WORKER]["properties"]["networkSecurityGroup"] = {"id": "/x/nsg"}
    azure.answers["GET", "/x/nsg/providers/Microsoft.Authorization/roleAssignments"] = {"value": []}
    with pytest.raises(ValidationError) as refused:
        validate(azure, enable_preconfigured_nsg=True)
    assert "master" in str(refused.value)
    azure.answers["GET", w.MASTER]["properties"]["networkSecurityGroup"] = {"id": "/x/nsg"}
    validate(azure, enable_preconfigured_nsg=True)


IDENTITIES = w.HERE + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
IDENTITY_CREATION = f"az identity create --subscription {w.SUBSCRIPTION} --resource-group rg --name "


def given_identities(azure, *names):
    """Options that name identities, which exist, and no role has been given to them."""
    for name in names:
        azure.answers["GET", IDENTITIES + name] = w.identity(IDENTITIES + name)
        azure.answers["GET", IDENTITIES + name + "/providers/Microsoft.Authorization/roleAssignments"] = {"value": []}
    for scope in (w.MASTER, w.WORKER):
        azure.answers["GET", scope + "/providers/Microsoft.Authorization/roleAssignments"] = {"value": []}
    return {
        "enable_managed_identity": True,
        "mi_user_assigned": IDENTITIES + "mine",
        "platform_workload_identities": {"ingress": IDENTITIES + "for-ingress"},
    }


def test_validate_shows_the_roles_that_given_identities_lack(azure, caplog):
    validate(azure, **given_identities(azure, "mine", "for-ingress"))
    for principal, role, scope in (
        ("principal-of-for-ingress", w.OPERATORS["ingress"], w.MASTER),
        ("principal-of-for-ingress", w.OPERATORS["ingress"], w.WORKER),
        ("principal-of-mine", _roles.FEDERATED_CREDENTIAL, IDENTITIES + "for-ingress"),
        (w.RP_OBJECT, _roles.FIRST_PARTY, w.VNET),
    ):
        assert _roles.Assignment(principal, role, scope).command() in caplog.text
    assert "Identity mine does not have" in caplog.text and "Identity for-ingress does not" in caplog.text
    assert "machine-api" not in caplog.text and "gives it" not in caplog.text


def test_validate_is_quiet_about_given_identities_that_have_their_roles(azure, caplog):
    options = given_identities(azure, "mine", "for-ingress")
    for principal, role, scope in (
        ("principal-of-for-ingress", w.OPERATORS["ingress"], w.VNET),
        ("principal-of-mine", _roles.FEDERATED_CREDENTIAL, IDENTITIES + "for-ingress"),
        (w.RP_OBJECT, _roles.FIRST_PARTY, w.VNET),
    ):
        entry = {"principalId": principal, "scope": scope, "roleDefinitionId": "/x/" + role}
        for at in {scope} | ({w.MASTER, w.WORKER} if scope == w.VNET else set()):
            path = at + "/providers/Microsoft.Authorization/roleAssignments"
            azure.answers["GET", path]["value"].append({"properties": entry})
    validate(azure, **options)
    assert not caplog.text


def test_validate_names_given_identities_that_are_not_there(azure):
    with pytest.raises(ValidationError) as refused:
        validate(azure, **given_identities(azure, "mine"))
    assert IDENTITY_CREATION + "for-ingress" in str(refused.value)


def test_create_with_given_identities_needs_no_directory(azure, caplog):
    azure.directory_closed = True
    assert create(azure, **given_identities(azure, "mine", "for-ingress")).sent
    assert "were checked" in caplog.text and "--rp-object-id" in caplog.text


def test_create_makes_no_application_when_the_caller_may_not_give_roles(azure):
    azure.answers["GET", w.VNET + "/providers/Microsoft.Authorization/permissions"] = {
        "value": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/write"]}]
    }
    for command in (create, validate):
        with pytest.raises(ValidationError) as refused:
            command(azure)
        said = str(refused.value)
        assert f"--assignee ada@contoso.example --role {_roles.ROLE_ADMINISTRATOR} --scope {w.VNET}" in said
        assert _roles.Assignment(w.RP_OBJECT, _roles.NETWORK_CONTRIBUTOR, w.VNET).command() in said
        with pytest.raises(ValidationError) as refused:
            command(azure, enable_managed_identity=True, version="4.18.2")
        assert _roles.Assignment(w.RP_OBJECT, _roles.FIRST_PARTY, w.VNET).command() in str(refused.value)
    assert not azure.written("graph") and not azure.written("/userAssignedIdentities/")


class Failing(w.World):
    """Refuses what has the word in its path."""

    refused = "/roleAssignments/"

    def arm(self, method, path, version, body=None, **query):
        if method != "GET" and self.refused in path:
            raise ServiceError(409, "RoleAssignmentLimitExceeded", "No more.")
        return super().arm(method, path, version, body, **query)

    def graph(self, method, path, body=None, **query):
        answer = super().graph(method, path, body, **query)
        if self.refused in path:
            raise ServiceError(500, "No", "No.")
        return {"value": []} if (method, path) == ("GET", "/applications") else answer


@pytest.mark.parametrize("refused", ["/roleAssignments/", "/addPassword"])
def test_a_new_application_is_taken_back_when_it_cannot_be_used(monkeypatch, refused):
    azure = Failing()
    azure.refused = refused
    monkeypatch.setattr(_azure, "Azure", lambda cli_ctx: azure)
    back = ("DELETE", "graph/applications(appId='made-application')", None)
    with pytest.raises(ServiceError):
        create(azure)
    assert azure.calls.count(back) == 1
    with pytest.raises(ServiceError):  # whose application is gone
        update(azure, w.cluster(), refresh_cluster_credentials=True)
    assert azure.calls.count(back) == 2
    if refused == "/roleAssignments/":  # no existing application is changed
        with pytest.raises(ServiceError):
            create(azure, client_id=w.CLIENT, client_secret="s")
        assert azure.calls.count(back) == 2


def update(azure, cluster, **options):
    client = w.Client(cluster)
    custom.aro_update(w.command(), client, "rg", "shop", no_wait=True, **options)
    return client.sent


def test_update_sends_what_was_asked_for_and_nothing_else(azure):
    assert update(azure, w.cluster(), tags={"a": "b"}) == {"tags": {"a": "b"}}
    assert update(azure, w.cluster(), tags={}) == {"tags": {}}
    assert update(azure, w.cluster(True), load_balancer_managed_outbound_ip_count=3) == {
        "properties": {"networkProfile": {"loadBalancerProfile": {"managedOutboundIps": {"count": 3}}}}
    }


@pytest.mark.parametrize("managed", [False, True])
def test_update_without_a_change_reconciles_and_renews(azure, managed):
    assert update(azure, w.cluster(managed)) == {}
    azure.directory_closed = True
    assert update(azure, w.cluster(managed)) == {}


def test_update_makes_a_new_secret(azure):
    assert update(azure, w.cluster(), refresh_cluster_credentials=True)["properties"]["servicePrincipalProfile"] == {
        "clientId": w.CLIENT,
        "clientSecret": "made-secret",
    }


def test_update_mends_roles_as_far_as_the_caller_may(azure):
    azure.directory_closed = True
    assert update(azure, w.cluster(), tags={"a": "b"}) == {"tags": {"a": "b"}}
    with pytest.raises(ForbiddenError):
        update(azure, w.cluster(), client_secret="new")


def test_update_keeps_identities_that_it_does_not_change(azure):
    cluster = w.cluster(True)
    cluster.identity.user_assigned_identities = {IDENTITIES + "mine": None}
    azure.answers["GET", IDENTITIES + "mine"] = w.identity(IDENTITIES + "mine")
    sent = update(azure, cluster, upgradeable_to="4.18.2", rp_object_id=w.RP_OBJECT)
    profile = sent["properties"]["platformWorkloadIdentityProfile"]
    assert profile["upgradeableTo"] == "4.18.2" and set(profile["platformWorkloadIdentities"]) == set(w.OPERATORS)
    assert sent["identity"]["userAssignedIdentities"] == {IDENTITIES + "mine": {}}
    # Only the operator that had none gets an identity, and the cluster's own the role over it.
    assert [path for path, _ in azure.written("/userAssignedIdentities/") if "role" not in path] == [
        IDENTITIES + "machine-api"
    ]
    assert ("principal-of-mine", _roles.FEDERATED_CREDENTIAL, IDENTITIES + "machine-api") in azure.assigned()
    assert not any(principal == "principal-of-aro-cluster" for principal, _, _ in azure.assigned())


def test_update_puts_identities_in_the_place_of_others(azure, caplog):
    given = given_identities(azure, "mine", "for-ingress", "aro-cluster")
    own, ingress = given["mi_user_assigned"], given["platform_workload_identities"]
    # One cluster identity replaces another; the operators' are one map.
    identity = {"type": "UserAssigned", "userAssignedIdentities": {own: {}}}
    profile = {"platformWorkloadIdentities": {"ingress": {"resourceId": IDENTITIES + "for-ingress"}}}
    cluster = w.cluster(True)
    assert update(azure, cluster, platform_workload_identities=ingress) == {
        "properties": {"platformWorkloadIdentityProfile": profile}
    }
    assert "Identity for-ingress" in caplog.text and "Identity aro-cluster" in caplog.text
    cluster.platform_workload_identity_profile.platform_workload_identities["ingress"].resource_id = ingress["ingress"]
    caplog.clear()
    assert update(azure, cluster, mi_user_assigned=own) == {"identity": identity}
    assert "Identity for-ingress" in caplog.text and "Identity mine" in caplog.text
    assert "Identity aro-cluster" not in caplog.text
    assert update(azure, cluster, mi_user_assigned=own, platform_workload_identities=ingress) == {
        "identity": identity,
        "properties": {"platformWorkloadIdentityProfile": profile},
    }
    assert not azure.assigned()


def test_update_keeps_the_operators_that_it_does_not_name(azure, caplog):
    cluster = w.cluster(True)
    given_identities(azure, "aro-cluster", "for-machines")
    machines = {"machine-api": IDENTITIES + "for-machines"}
    profile = update(azure, cluster, platform_workload_identities=machines)["properties"][
        "platformWorkloadIdentityProfile"
    ]
    assert profile["platformWorkloadIdentities"] == {
        "ingress": {"resourceId": IDENTITIES + "ingress"},
        "machine-api": {"resourceId": IDENTITIES + "for-machines"},
    }
    federated = _roles.Assignment("principal-of-aro-cluster", _roles.FEDERATED_CREDENTIAL, machines["machine-api"])
    assert federated.command() in caplog.text and "Identity ingress" not in caplog.text


def test_update_refuses_identities_that_are_not_there(azure):
    with pytest.raises(ValidationError) as refused:
        update(azure, w.cluster(True), mi_user_assigned=IDENTITIES + "mine")
    assert IDENTITY_CREATION + "mine" in str(refused.value)


@pytest.mark.parametrize(
    "managed, options",
    [
        (True, {"client_secret": "s"}),
        (True, {"refresh_cluster_credentials": True}),
        (False, {"upgradeable_to": "4.18.2"}),
        (False, {"mi_user_assigned": "x"}),
    ],
)
def test_update_refuses_what_the_cluster_does_not_have(azure, managed, options):
    with pytest.raises(InvalidArgumentValueError):
        update(azure, w.cluster(managed), **options)


def test_delete_keeps_identities_unless_told(azure):
    client = w.Client(w.cluster(True))
    custom.aro_delete(w.command(), client, "rg", "shop", no_wait=True)
    assert client.sent == "deleted" and not azure.written("/userAssignedIdentities/")


def test_delete_mends_roles_as_far_as_the_caller_may(azure):
    for azure.directory_closed in (False, True):
        client = w.Client(w.cluster())
        custom.aro_delete(w.command(), client, "rg", "shop", no_wait=True)
        assert client.sent == "deleted"
    assert azure.assigned() == {(w.RP_OBJECT, _roles.NETWORK_CONTRIBUTOR, w.VNET)}


def test_delete_checks_identities_before_the_cluster_goes(azure):
    client = w.Client(w.cluster(True))
    identity = w.HERE + "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
    for name in ("aro-cluster", "ingress"):
        azure.answers["GET", identity + name + "/providers/Microsoft.Authorization/permissions"] = {
            "value": [{"actions": ["*/read"]}]
        }
    with pytest.raises(UnauthorizedError) as refused:
        custom.aro_delete(w.command(), client, "rg", "shop", delete_identities=True)
    assert "aro-cluster" in str(refused.value) and "ingress" in str(refused.value) and client.sent is None
    with pytest.raises(InvalidArgumentValueError):
        custom.aro_delete(w.command(), w.Client(w.cluster()), "rg", "shop", delete_identities=True)


def test_delete_deletes_the_identities_it_can_and_names_the_rest(azure):
    azure.answers["DELETE", IDENTITIES + "aro-cluster"] = ServiceError(409, "ScopeLocked", "It is locked.")
    with pytest.raises(AzureResponseError) as refused:
        custom.aro_delete(w.command(), w.Client(w.cluster(True)), "rg", "shop", delete_identities=True, no_wait=True)
    assert ("DELETE", IDENTITIES + "ingress", None) in azure.calls
    assert "It is locked" in str(refused.value)
    assert refused.value.recommendations == [f"az identity delete --ids {IDENTITIES}aro-cluster"]


def test_kubeconfig_is_its_owners_alone(tmp_path):
    class Answering(w.Client):
        def list_admin_credentials(self, group, name, **options):
            assert options["logging_enable"] is False
            answer = type("Answer", (), {})()
            answer.kubeconfig = base64.b64encode(b"secret").decode()
            return answer

    file = str(tmp_path / "kubeconfig")
    mask = os.umask(0)
    try:
        custom.aro_get_admin_kubeconfig(w.command(), Answering(), "rg", "shop", file=file)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    with open(file, "rb") as content:
        assert content.read() == b"secret"
    with pytest.raises(FileOperationError):
        custom.aro_get_admin_kubeconfig(w.command(), Answering(), "rg", "shop", file=file)


def test_versions_sort_by_number():
    assert custom.aro_get_versions(w.command(), w.Client(), "eastus") == ["4.9.1", "4.17.27", "4.18.2"]

"""Calls to Azure: tokens stay where they belong, and what passes by is tried again."""

import json
import pathlib
import types

import pytest
from azure.cli.core.azclierror import ForbiddenError
from azure.cli.core.cloud import CloudEndpoints

from azext_aro import _azure, _roles
from azext_aro._errors import ServiceError
from azext_aro.tests import world as w


class Answer:
    def __init__(self, status, body=None, headers=None):
        self.status_code, self.body, self.headers, self.reason = status, body, headers or {}, "Reason"
        self.content = b"x" if body is not None else b""
        self.url = "https://arm.test/x?secret"

    def json(self):
        if isinstance(self.body, str):
            raise ValueError
        return self.body


@pytest.fixture(name="azure")
def fixture_azure():
    azure = object.__new__(_azure.Azure)
    azure.endpoints = types.SimpleNamespace(
        resource_manager="https://arm.test/",
        active_directory_resource_id="https://arm.test",
        microsoft_graph_resource_id="https://graph.test/",
    )
    azure.subscription, azure.slept, azure.asked = w.SUBSCRIPTION, [], []
    azure.sleep = azure.slept.append
    azure.profile = types.SimpleNamespace(
        get_raw_token=lambda resource, subscription: (("Bearer", "token-of-" + resource, {}), None, None)
    )

    def request(method, url, **options):
        azure.asked.append((method, url, options["headers"]["Authorization"], options["params"]))
        return azure.answers.pop(0)

    azure.cli_ctx = types.SimpleNamespace(
        config=types.SimpleNamespace(get=lambda *_, **__: azure.configured),
        cloud=types.SimpleNamespace(endpoints=azure.endpoints, name="Edge"),
    )
    azure.configured = None
    azure._session = types.SimpleNamespace(request=request)  # pylint: disable=protected-access
    return azure


def test_each_service_gets_its_own_token(azure):
    azure.answers = [Answer(200, {"a": 1}), Answer(200, {"value": []})]
    assert azure.arm("GET", "/x", "v1") == {"a": 1}
    azure.graph("GET", "/servicePrincipals", **{"$filter": "f"})
    assert azure.asked == [
        ("GET", "https://arm.test/x", "Bearer token-of-https://arm.test", {"api-version": "v1"}),
        ("GET", "https://graph.test/v1.0/servicePrincipals", "Bearer token-of-https://graph.test/", {"$filter": "f"}),
    ]


def test_a_cloud_without_a_directory_is_told_with_the_way_around_it(azure):
    azure.endpoints = CloudEndpoints(resource_manager="https://arm.test/")
    with pytest.raises(ForbiddenError) as refused:
        azure.graph("GET", "/servicePrincipals")
    assert "The cloud Edge has no directory" in str(refused.value)
    assert "--rp-object-id" in refused.value.recommendations[0] and not azure.asked


def test_lists_are_read_to_their_end_and_nowhere_else(azure):
    azure.answers = [Answer(200, {"value": [1], "nextLink": "https://ARM.test/more"}), Answer(200, {"value": [2]})]
    assert azure.every("/x", "v1") == [1, 2]
    azure.answers = [Answer(200, {"value": [1], "nextLink": "https://evil.test/more"})]
    with pytest.raises(ServiceError):
        azure.every("/x", "v1")
    assert not azure.answers and all("evil" not in url for _, url, _, _ in azure.asked)


def test_no_token_goes_over_plain_http(azure):
    azure.endpoints.resource_manager = "http://arm.test"
    with pytest.raises(ServiceError):
        azure.arm("GET", "/x", "v1")
    assert not azure.asked


def test_what_passes_is_tried_again(azure):
    azure.answers = [Answer(429, {}, {"Retry-After": "7"}), Answer(503, "html"), Answer(200, {})]
    azure.arm("GET", "/x", "v1")
    assert azure.slept == [7, 4]
    azure.answers = [Answer(400, {"error": {"code": "Bad", "message": "So."}})]
    with pytest.raises(ServiceError) as refused:
        azure.arm("GET", "/x", "v1")
    assert (refused.value.status, refused.value.code, str(refused.value)) == (400, "Bad", "(Bad) So.")
    azure.answers = [Answer(500, {})] * _azure.ATTEMPTS
    with pytest.raises(ServiceError):
        azure.arm("GET", "/x", "v1")
    assert not azure.answers


def test_a_post_whose_outcome_is_unknown_is_not_repeated(azure):
    for status in (500, 502, 504):
        azure.answers = [Answer(status, {}), Answer(201, {})]
        with pytest.raises(ServiceError):
            azure.graph("POST", "/applications", {"displayName": "x"})
        assert len(azure.answers) == 1
    azure.answers = [Answer(429, {}), Answer(503, {}), Answer(201, {"id": "x"})]
    assert azure.graph("POST", "/applications", {"displayName": "x"}) == {"id": "x"}


def test_a_success_that_is_no_json_is_an_error_with_words(azure):
    azure.answers = [Answer(200, "<html>sign in</html>")]
    with pytest.raises(ServiceError) as refused:
        azure.arm("GET", "/x", "v1")
    assert "https://arm.test/x is no JSON" in str(refused.value) and refused.value.code == "InvalidResponse"


def test_the_provider_is_asked_where_its_client_goes(azure):
    for configured, url in ((None, "https://arm.test/x"), ("https://other.test/", "https://other.test/x")):
        azure.configured, azure.answers = configured, [Answer(200, {})]
        azure.provider("POST", "/x", "v1", {})
        assert azure.asked[-1][1] == url and azure.asked[-1][2] == "Bearer token-of-https://arm.test"


def test_roles_have_the_names_that_azure_gives_them():
    roles = json.loads((pathlib.Path(__file__).parents[4] / "local/cloud/access/roles.json").read_text("utf-8"))
    names = {role["id"]: role["name"] for role in roles}
    assert {role: names[role] for role in _roles.NAMES} == _roles.NAMES


class Late(w.World):
    """Knows a principal only at the third look."""

    def arm(self, method, path, version, body=None, **query):
        answer = super().arm(method, path, version, body, **query)
        if method == "PUT" and len(self.calls) < 3:
            raise ServiceError(400, "PrincipalNotFound", "It does not exist.")
        return answer


def test_a_new_principal_is_waited_for():
    azure = Late()
    _roles.give(azure, _roles.Assignment(w.RP_OBJECT, _roles.READER, w.DISKS))
    assert len(azure.calls) == 3 and azure.slept == 2 * _roles.REPLICATION_SECONDS
    assert len({path for _, path, _ in azure.calls}) == 1, "each try would make another assignment"


@pytest.mark.parametrize(
    "entries, lacking",
    [
        ([{"actions": ["*"]}], []),
        ([{"actions": ["*"], "notActions": ["Microsoft.Network/*/join/action"]}], ["a/join"]),
        ([{"actions": ["microsoft.network/*"]}], []),
        ([{"actions": ["*/read"]}], ["a/join"]),
        ([], ["a/join"]),
        (
            [{"actions": ["*"], "notActions": ["*/join/action"]}, {"actions": ["Microsoft.Network/vnets/join/action"]}],
            [],
        ),
    ],
)
def test_permissions_are_allowed_by_any_entry_that_does_not_exclude_them(entries, lacking):
    azure = w.World()
    azure.answers["GET", "/r/providers/Microsoft.Authorization/permissions"] = {"value": entries}
    assert bool(_roles.allows(azure, "/r", ["Microsoft.Network/vnets/join/action"])) == bool(lacking)

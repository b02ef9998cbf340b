"""What people read: help, tables, errors and progress."""

import json
import pathlib
import shlex
import types

import azure.cli.core
import pytest
from azure.cli.core.azclierror import (
    AzureResponseError,
    BadRequestError,
    CLIInternalError,
    ForbiddenError,
    ResourceNotFoundError,
)
from azure.core.exceptions import HttpResponseError

from azext_aro import _errors, _format
from azext_aro._help import helps
from azext_aro._remedies import REMEDIES


def examples():
    import yaml

    return [
        (name, example["text"])
        for name, text in helps.items()
        if name.startswith("aro")
        for example in yaml.safe_load(text).get("examples", [])
    ]


@pytest.mark.parametrize("name, text", examples())
def test_examples_parse(parser, name, text):
    assert text.startswith("az " + name)
    parsed = parser[0].parse_args(shlex.split(text)[1:])
    assert parsed.command == name


def test_every_command_has_an_example(parser):
    assert {name for name, _ in examples()} == set(parser[1])


def test_az_is_asked_to_be_as_new_as_the_one_of_these_tests():
    metadata = json.loads((pathlib.Path(_errors.__file__).parent / "azext_metadata.json").read_text("utf-8"))
    assert metadata["azext.minCliCoreVersion"] == azure.cli.core.__version__


def test_the_commands_are_these(parser):
    assert sorted(parser[1]) == [
        "aro " + name
        for name in (
            "create",
            "delete",
            "get-admin-kubeconfig",
            "get-versions",
            "identity create-required",
            "identity get-required",
            "list",
            "list-credentials",
            "show",
            "update",
            "validate",
            "wait",
        )
    ]


def test_table_of_a_cluster():
    row = _format.cluster_table(
        {
            "id": "/subscriptions/s/resourceGroups/rg/providers/x",
            "name": "shop",
            "location": "eastus",
            "provisioningState": "Succeeded",
            "workerProfiles": [{"count": 3}],
            "workerProfilesStatus": [{"count": 2}, {"count": None}, {"count": 2}],
            "consoleProfile": {"url": "u"},
        }
    )
    assert list(row.items()) == [
        ("Name", "shop"),
        ("ResourceGroup", "rg"),
        ("Location", "eastus"),
        ("ProvisioningState", "Succeeded"),
        ("WorkerCount", 4),
        ("URL", "u"),
    ]
    assert _format.cluster_table({"id": None, "consoleProfile": None, "workerProfiles": None})["WorkerCount"] == 0


def refusal(status, body, headers=None):
    error = HttpResponseError("The operation failed.")
    error.status_code = status
    error.response = types.SimpleNamespace(json=lambda: body, headers=headers or {})
    return error


@pytest.mark.parametrize(
    "status, kind",
    [
        (200, AzureResponseError),  # the status of an operation that failed
        (400, BadRequestError),
        (403, ForbiddenError),
        (404, ResourceNotFoundError),
        (409, AzureResponseError),
    ],
)
def test_an_error_says_what_and_where(status, kind):
    error = refusal(
        status,
        {
            "error": {
                "code": "InvalidParameter",
                "message": "Two things are wrong.",
                "details": [
                    {
                        "code": "InvalidParameter",
                        "message": "It is too small.",
                        "target": "properties.workerProfiles[0].count",
                    }
                ],
            }
        },
    )
    with pytest.raises(kind) as raised:
        _errors.explain(error)
    assert str(raised.value).splitlines() == [
        "(InvalidParameter) Two things are wrong.",
        "  (InvalidParameter) It is too small. [properties.workerProfiles[0].count]",
    ]


def caused_by(*codes, code="InvalidParameter", status=400):
    """What the service answers, as az tells it."""
    body = {"code": code, "message": "No.", "details": [{"code": c, "message": "So.", "target": "t"} for c in codes]}
    with pytest.raises(AzureResponseError if status == 200 else BadRequestError) as raised:
        _errors.explain(refusal(status, {"status": "Failed", "error": body}))
    return raised.value.recommendations


def test_an_error_says_what_to_do_about_each_cause():
    assert caused_by() == [REMEDIES["InvalidParameter"]]
    assert caused_by("InvalidCIDRRange", "InvalidResourceID", "InvalidCIDRRange") == [
        "t: " + REMEDIES[code] for code in ("InvalidCIDRRange", "InvalidResourceID")
    ]
    # An operation that failed for a reason of Azure's own.
    assert caused_by("SkuNotAvailable", code="DeploymentFailed", status=200) == [REMEDIES["DeploymentFailed"]]
    assert caused_by("SkuNotAvailable", code="OfAnotherService") == []


def test_what_nobody_expected_has_no_stack_trace_but_with_debug(caplog):
    with caplog.at_level("DEBUG"), pytest.raises(CLIInternalError) as raised:
        try:
            raise KeyError("value")
        except KeyError as error:
            _errors.explain(error)
    assert "KeyError: 'value'" in str(raised.value) and "--debug" in raised.value.recommendations[0]
    assert raised.value.exception_trace is None and "Traceback" in caplog.text
    expected = AzureResponseError("said")
    with pytest.raises(AzureResponseError) as same:
        _errors.explain(expected)
    assert same.value is expected


def test_an_error_without_words_still_says_something():
    with pytest.raises(AzureResponseError) as raised:
        _errors.explain(refusal(409, "no object"))
    assert str(raised.value) == "The operation failed."


def test_a_fault_of_the_service_names_the_correlation_id():
    with pytest.raises(Exception) as raised:
        _errors.explain(
            refusal(
                500,
                {"error": {"code": "InternalServerError", "message": "Sorry."}},
                {"x-ms-correlation-request-id": "c-1"},
            )
        )
    (said,) = raised.value.recommendations
    assert "c-1" in said


@pytest.mark.parametrize(
    "status, words",
    [
        ({"status": "Creating", "percentComplete": 40, "currentStep": "API server ready"}, "40%, API server ready"),
        ({"status": "Creating", "properties": {"currentStep": "validate"}, "percentComplete": 5.0}, "5%, validate"),
        ({"status": "Creating", "percentComplete": 7}, "7%"),
        ({"status": "Creating"}, ""),
        ({"percentComplete": 700}, ""),
        ([], ""),
    ],
)
def test_progress_is_read_from_the_status(status, words):
    from azext_aro._progress import Watched

    watched = Watched()
    watched._note(status)  # pylint: disable=protected-access
    assert watched.words() == words


def test_why_a_step_is_tried_again_is_said_once(monkeypatch):
    from azext_aro import _progress

    said = []
    monkeypatch.setattr(_progress.logger, "warning", lambda text, *parts: said.append(text % parts))
    watched = _progress.Watched()
    role = {"code": "InvalidLinkedVNet", "message": "No role.", "details": [{"code": "Forbidden", "message": "join."}]}
    for error in (None, role, role, None, role, {"code": "QuotaExceeded", "message": "Too few cores."}, "no object", {}):
        watched._note(  # pylint: disable=protected-access
            {"status": "Creating", "percentComplete": 5, "currentStep": "validate", "stepError": error}
        )
    assert said == [
        "The step 'validate' is tried again after InvalidLinkedVNet: No role.; Forbidden: join.",
        "The step 'validate' is tried again after QuotaExceeded: Too few cores.",
    ]

"""The rules of azure-cli for commands, options and their help. Its linter, azdev, runs only beside a checkout of
azure-cli; these are its rules for what an extension has."""

import re

import pytest
import yaml

from azext_aro._help import helps

LONGEST_OPTION = len("--") + 22
# The module that comes with az has these names, too.
OTHER_GROUPS = {"--cluster-resource-group", "--vnet-resource-group"}


@pytest.fixture(name="commands")
def fixture_commands(parser):
    return parser[1]


def entries():
    return {name: yaml.safe_load(text) for name, text in helps.items() if name.split()[0] == "aro"}


def options(commands):
    """Each option that people can give: command, argument and its settings."""
    for name, command in commands.items():
        for argument in command.arguments.values():
            if argument.name not in ("cmd", "client") and not argument.name.startswith("_"):
                yield name, argument, argument.type.settings


def names(settings):
    return [option for option in settings["options_list"] if isinstance(option, str)]


def test_help_is_for_what_there_is(commands):
    groups = {name.rsplit(" ", 1)[0] for name in commands}
    assert set(entries()) == set(commands) | groups
    for name, entry in entries().items():
        assert entry["type"] == ("group" if name in groups else "command"), name
        assert entry["short-summary"], name
        assert not re.search(r"<\w+>", entry["short-summary"] + entry.get("long-summary", "")), name


def test_every_command_has_an_example_of_itself(commands):
    for name in commands:
        examples = entries()[name]["examples"]
        assert examples and all(one["name"] and "az " + name in one["text"] for one in examples), name


def test_options_are_explained_and_named_as_options_are(commands):
    for name, argument, settings in options(commands):
        where = f"{name} {argument.name}"
        assert settings.get("help"), where
        assert names(settings), f"{where} is positional"
        assert min(len(option) for option in names(settings)) <= LONGEST_OPTION, where
        for option in names(settings):
            assert "_" not in option and (option.startswith("--") or len(option) == 2), where
            if option not in OTHER_GROUPS:
                assert not option.endswith("resource-group") or option == "--resource-group", where


def test_location_is_asked_for_only_where_nothing_tells_it(commands):
    for name, argument, settings in options(commands):
        if argument.name == "location" and "resource_group_name" in commands[name].arguments:
            assert not settings.get("required"), name


def test_update_changes_nothing_by_default(commands):
    for name, argument, settings in options(commands):
        if name.endswith(" update"):
            assert not settings.get("default"), argument.name


def test_deletes_ask_and_lists_take_no_ids(commands):
    assert commands["aro delete"].confirmation
    assert "ids" not in commands["aro list"].arguments


def test_who_need_not_wait_can_wait_later(commands):
    assert any(command.supports_no_wait for command in commands.values())
    for name, command in commands.items():
        assert not command.supports_no_wait or name.rsplit(" ", 1)[0] + " wait" in commands, name

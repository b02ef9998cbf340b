"""What several tests need."""

import pytest


@pytest.fixture(scope="session", name="parser")
def fixture_parser():
    """az's own parser with our commands in it, and the commands by name."""
    from azure.cli.core.mock import DummyCli
    from knack.arguments import ignore_type
    from azext_aro import COMMAND_LOADER_CLS

    cli = DummyCli()
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    loader = COMMAND_LOADER_CLS(cli_ctx=cli)
    loader.skip_applicability = True
    cli.invocation.commands_loader = loader
    loader.load_command_table([])
    for command in loader.command_table.values():
        command.load_arguments()
    with loader.argument_context("") as c:
        c.argument("cmd", ignore_type)
    loader.load_arguments("")
    loader._update_command_definitions()  # pylint: disable=protected-access
    made = cli.invocation.parser
    made.load_command_table(loader)
    return made, dict(loader.command_table)

"""az aro: managed OpenShift clusters on Azure.

This module is read at every start of az, so it imports nothing but az itself;
what a command needs is imported when it runs.
"""

from azure.cli.core import AzCommandsLoader

from azext_aro._help import helps  # pylint: disable=unused-import


class AroCommandsLoader(AzCommandsLoader):
    """Tells az which commands there are and what they take."""

    def __init__(self, cli_ctx=None):
        from azure.cli.core.commands import CliCommandType

        super().__init__(
            cli_ctx=cli_ctx,
            custom_command_type=CliCommandType(
                operations_tmpl="azext_aro.custom#{}",
                client_factory=client,
                exception_handler=explain,
            ),
        )

    def load_command_table(self, args):
        from azext_aro.commands import load_command_table

        load_command_table(self, args)
        return self.command_table

    def load_arguments(self, command):
        from azext_aro._params import load_arguments

        load_arguments(self, command)


def client(cli_ctx, *_):
    """The resource provider's client, made when the first command asks for it."""
    from azext_aro._client import cluster_client

    return cluster_client(cli_ctx)


def explain(error):
    """Turns what a command failed with into words; see _errors."""
    from azext_aro._errors import explain as in_words

    in_words(error)


COMMAND_LOADER_CLS = AroCommandsLoader  # pylint: disable=invalid-name

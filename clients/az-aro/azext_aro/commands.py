"""The table of commands."""

from azext_aro._format import cluster_list_table, cluster_table, version_table

IDENTITIES_PROMPT = (
    "This creates managed identities in the resource group and gives them roles on the network. Continue?"
)


def load_command_table(loader, _):
    """Adds every command of az aro."""
    with loader.command_group("aro") as g:
        g.custom_command("create", "aro_create", supports_no_wait=True)
        g.custom_command("delete", "aro_delete", supports_no_wait=True, confirmation=True)
        g.custom_command("list", "aro_list", table_transformer=cluster_list_table)
        g.custom_show_command("show", "aro_show", table_transformer=cluster_table)
        g.custom_command("update", "aro_update", supports_no_wait=True)
        g.custom_wait_command("wait", "aro_show")
        g.custom_command("validate", "aro_validate")
        g.custom_command("list-credentials", "aro_list_credentials")
        g.custom_command("get-admin-kubeconfig", "aro_get_admin_kubeconfig")
        g.custom_command("get-versions", "aro_get_versions", table_transformer=version_table)
    with loader.command_group("aro identity") as g:
        g.custom_command("get-required", "aro_identity_get_required")
        g.custom_command("create-required", "aro_identity_create_required", confirmation=IDENTITIES_PROMPT)

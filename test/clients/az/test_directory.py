"""az with our extension, by a user who cannot read the directory."""

import life
import principals

NAME = "outside"


def test_object_ids_stand_for_the_directory(outsider, stand, principal, group):
    assert "Insufficient privileges" in outsider.refused("ad", "sp", "show", "--id", principal.client_id)
    here = ("--resource-group", group[0], "--name", NAME)
    wanted = (*life.network(group), "--name", NAME)
    own = ("--client-id", principal.client_id, "--client-secret", principal.client_secret)
    refused = outsider.refused("aro", "create", *wanted, *own)
    assert "You may not look up" in refused and "--rp-object-id" in refused

    known = ("--client-object-id", principal.object_id, "--rp-object-id", principals.rp_object_id(stand))
    assert outsider("aro", "create", *wanted, *own, *known)["provisioningState"] == "Succeeded"
    assert outsider("aro", "list-credentials", *here)["kubeadminPassword"]
    outsider("aro", "delete", "--yes", *here)
    life.gone(outsider, group[0], NAME)

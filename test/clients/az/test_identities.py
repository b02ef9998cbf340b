"""az with our extension, and managed identities that others created."""

import life


def test_roles_of_given_identities_are_told_until_they_are_given(ours, group):
    version = ours("aro", "get-versions", "--location", "eastus")[-1]
    for name in ("mine", "for-ingress"):
        ours("identity", "create", "--resource-group", group[0], "--name", name, "--location", "eastus")
    wanted = (*life.network(group), "--name", "given", "--version", version, "--enable-mi", "true")
    wanted += ("--assign-cluster-identity", "mine", "--assign-platform-workload-identity", "ingress", "for-ingress")
    before = ours.run("aro", "validate", *wanted).stderr
    assert life.give_told_roles(ours, before) >= 3, before
    # Now the service itself is the only one to object: seven operators have no identity.
    after = ours.refused("aro", "validate", *wanted)
    assert "does not have the role" in before and "does not have the role" not in after, after
    assert "(PlatformWorkloadIdentityMismatch)" in after and "Specify one identity for each operator" in after, after

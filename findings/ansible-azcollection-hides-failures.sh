#!/usr/bin/env bash
# azure.azcollection 3.12.0 (in ansible 12.3.0), with the packages of its requirements.txt:
#
# 1. azure_rm_openshiftmanagedcluster_info and azure_rm_openshiftmanagedclusterversion_info
#    succeed with an empty result whatever happens: here no connection to Azure is possible
#    and the secret is wrong. A playbook that creates a cluster when none is found cannot
#    tell "none" from "could not ask".
# 2. AZURE_CLOUD_ENVIRONMENT may be a metadata discovery endpoint by its documentation, but
#    always fails: the collection calls azure.cli.core.cloud.get_cloud_from_metadata_endpoint,
#    which azure-cli-core 2.75.0, the version that it requires, does not have, and its handler
#    of that error reads an attribute that exceptions of Python 3 do not have.
#
# Seen: the output below. It fails if that changes. It downloads 250 MB.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip download -q --disable-pip-version-check --no-deps ansible==12.3.0 -d .
python3 -m zipfile -e ansible-12.3.0-*.whl whole
mkdir -p collections/ansible_collections
mv whole/ansible_collections/azure collections/ansible_collections/
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ansible-core==2.19.5 -r collections/ansible_collections/azure/azcollection/requirements.txt
export ANSIBLE_COLLECTIONS_PATH=$dir/collections ANSIBLE_HOME=$dir/home ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false
export AZURE_CLIENT_ID=00000000-0000-0000-0000-000000000001 AZURE_TENANT=00000000-0000-0000-0000-000000000002
export AZURE_SUBSCRIPTION_ID=00000000-0000-0000-0000-000000000003 AZURE_SECRET=wrong
export HTTPS_PROXY=http://127.0.0.1:9 # nothing listens there
ask() { # MODULE ARGUMENTS
  venv/bin/ansible localhost -e "ansible_python_interpreter=$dir/venv/bin/python" -m "azure.azcollection.$1" -a "$2" 2>&1 || true
}
{
  ask azure_rm_openshiftmanagedcluster_info 'resource_group=group name=cluster'
  ask azure_rm_openshiftmanagedclusterversion_info 'location=eastus'
  export AZURE_CLOUD_ENVIRONMENT=https://localhost:9
  ask azure_rm_openshiftmanagedcluster_info 'resource_group=group name=cluster' | grep -o -m1 "'AttributeError' object has no attribute 'message'"
  grep -o 'azure_cloud\.get_cloud_from_metadata_endpoint' collections/ansible_collections/azure/azcollection/plugins/module_utils/azure_rm_common.py | sort -u
  venv/bin/python -c 'from azure.cli.core import cloud, __version__; print(__version__, hasattr(cloud, "get_cloud_from_metadata_endpoint"))'
} >got
cat >want <<'TEXT'
localhost | SUCCESS => {
    "changed": false,
    "clusters": {}
}
localhost | SUCCESS => {
    "changed": false,
    "versions": []
}
'AttributeError' object has no attribute 'message'
azure_cloud.get_cloud_from_metadata_endpoint
2.75.0 False
TEXT
cat got
diff want got

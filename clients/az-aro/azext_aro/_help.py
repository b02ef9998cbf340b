"""What --help says. Examples must parse: the unit tests run each through az's parser."""

from knack.help_files import helps

helps["aro"] = """
type: group
short-summary: Create and run managed OpenShift clusters (Azure Red Hat OpenShift).
"""

helps["aro create"] = """
type: command
short-summary: Create a cluster.
long-summary: |
    The virtual network and both subnets must exist. Without --client-id a new application with a service principal is
    made for the cluster; --enable-managed-identity true does without. The roles that the cluster and the service need on
    the network are given, if you may give them; 'az aro validate' tells what is missing before.
examples:
  - name: Create a cluster.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers
  - name: Create a cluster of a version.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --version 4.17.27
  - name: Create a cluster with five workers and Red Hat's samples and operators.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --worker-count 5 --pull-secret pull-secret.txt
  - name: Create a cluster that only the virtual network reaches.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --apiserver-visibility Private --ingress-visibility Private
  - name: Create a cluster with managed identities, which are made for it.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --enable-managed-identity true --version 4.17.27
  - name: Create a cluster without any right to read the directory.
    text: az aro create -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --client-id 11111111-2222-4333-8444-555555555555 --client-secret SECRET --client-object-id 22222222-3333-4444-8555-666666666666 --rp-object-id 33333333-4444-4555-8666-777777777777
"""

helps["aro validate"] = """
type: command
short-summary: Tell what would keep a cluster from being created.
long-summary: |
    Looks at your permissions, the network, the roles and the version, and asks the service itself about the cluster as
    it would be created. Says nothing if all is well. Each problem comes with what to do; missing roles come with the
    command that gives them.
examples:
  - name: Check what 'az aro create' needs.
    text: az aro validate -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers
  - name: Check a version, too.
    text: az aro validate -g shop-rg -n shop --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --version 4.17.27
"""

helps["aro list"] = """
type: command
short-summary: List clusters.
examples:
  - name: List the clusters of the subscription.
    text: az aro list
  - name: List the clusters of a resource group as a table.
    text: az aro list -g shop-rg -o table
"""

helps["aro show"] = """
type: command
short-summary: Show a cluster.
examples:
  - name: Show a cluster.
    text: az aro show -g shop-rg -n shop
"""

helps["aro update"] = """
type: command
short-summary: Change a cluster.
long-summary: |
    Changes what is named and nothing else. A cluster with a service principal also gets back the roles that someone
    took away. Without a change the service reconciles the cluster: it repairs what belongs to the cluster in Azure, and
    renews certificates and the kubeconfig that 'az aro get-admin-kubeconfig' writes.
examples:
  - name: Reconcile a cluster, and renew its kubeconfig.
    text: az aro update -g shop-rg -n shop
  - name: Make a new secret for the cluster's application.
    text: az aro update -g shop-rg -n shop --refresh-credentials true
  - name: Make a cluster's managed identities ready for a newer version.
    text: az aro update -g shop-rg -n shop --upgradeable-to 4.18.9
  - name: Use three public addresses for traffic that leaves the cluster.
    text: az aro update -g shop-rg -n shop --lb-ip-count 3
"""

helps["aro delete"] = """
type: command
short-summary: Delete a cluster.
long-summary: |
    Network, applications and identities that the service did not make are kept. --delete-identities removes the
    managed identities, too.
examples:
  - name: Delete a cluster.
    text: az aro delete -g shop-rg -n shop
"""

helps["aro wait"] = """
type: command
short-summary: Wait until a cluster is in a certain state.
long-summary: After create, update or delete with --no-wait. It fails if the cluster does.
examples:
  - name: Wait until a cluster is created.
    text: az aro wait -g shop-rg -n shop --created
"""

helps["aro list-credentials"] = """
type: command
short-summary: Show name and password of the cluster's first user, kubeadmin.
examples:
  - name: Show them.
    text: az aro list-credentials -g shop-rg -n shop
"""

helps["aro get-admin-kubeconfig"] = """
type: command
short-summary: Write a kubeconfig of the cluster's administrator.
long-summary: The file is readable by you alone. A file that exists is not written over.
examples:
  - name: Write it to a file of your choice.
    text: az aro get-admin-kubeconfig -g shop-rg -n shop --file shop.kubeconfig
"""

helps["aro get-versions"] = """
type: command
short-summary: List the versions of OpenShift that can be installed in a location.
examples:
  - name: List them.
    text: az aro get-versions --location westeurope
  - name: List them as a table.
    text: az aro get-versions -l westeurope -o table
"""

helps["aro identity"] = """
type: group
short-summary: Prepare the managed identities of a cluster.
"""

helps["aro identity get-required"] = """
type: command
short-summary: Print the commands that create the managed identities of a version, with their roles.
long-summary: |
    For those who review what they run, or who hand it to someone who may assign roles. Nothing is changed. The
    commands are written to the error stream.
examples:
  - name: Print them.
    text: az aro identity get-required -g shop-rg --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --version 4.17.27
"""

helps["aro identity create-required"] = """
type: command
short-summary: Create the managed identities of a version, with their roles.
long-summary: |
    Each operator of the cluster gets an identity of its own name, the cluster itself the identity aro-cluster. Doing it
    again changes nothing.
examples:
  - name: Create them.
    text: az aro identity create-required -g shop-rg --vnet shop-vnet --master-subnet control-plane --worker-subnet workers --version 4.17.27
"""

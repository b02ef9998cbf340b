#!/usr/bin/env bash
# Lets Terraform, with azurerm, azapi and azuread as they are published, make, change and delete a cluster of the local Azure:
#
#   test/clients/terraform.sh [DIRECTORY]
#
# It needs the programs terraform and jq, and the three providers: from the registry, or from DIRECTORY, a mirror in the layout
# of `terraform providers mirror`. `make test` does not run it, as these binaries are not available everywhere.
#
# ARO_LOCAL_* name a local Azure that runs, see with-local-azure.sh; without them it starts one.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -n "${ARO_LOCAL_ORIGIN:-}" ] || exec test/clients/with-local-azure.sh test/clients/terraform.sh "$@"
command -v terraform jq >/dev/null || { echo "terraform.sh needs terraform and jq"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/aro-terraform.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
if [ $# -gt 0 ]; then
  printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$(cd "$OLDPWD" && realpath "$1")" >terraform.rc
  export TF_CLI_CONFIG_FILE=$work/terraform.rc
fi

host=${ARO_LOCAL_ORIGIN#https://}
export ARM_METADATA_HOSTNAME=$host ARM_CLIENT_ID=$ARO_LOCAL_CLIENT_ID ARM_CLIENT_SECRET=$ARO_LOCAL_CLIENT_SECRET
export ARM_TENANT_ID=$ARO_LOCAL_TENANT ARM_SUBSCRIPTION_ID=$ARO_LOCAL_SUBSCRIPTION ARM_RESOURCE_PROVIDER_REGISTRATIONS=none
export ARM_RESOURCE_MANAGER_ENDPOINT=$ARO_LOCAL_ORIGIN ARM_RESOURCE_MANAGER_AUDIENCE=$ARO_LOCAL_ORIGIN ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST=$ARO_LOCAL_ORIGIN
export SSL_CERT_FILE=$ARO_LOCAL_CA ARM_DISABLE_INSTANCE_DISCOVERY=true

cat >main.tf <<'END'
terraform {
  required_providers {
    azurerm = { source = "hashicorp/azurerm" }
    azapi   = { source = "azure/azapi" }
    azuread = { source = "hashicorp/azuread" }
  }
}

provider "azurerm" {
  features {}
}

variable "team" {
  default = "one"
}

variable "rotation" {
  default = "first"
}

resource "azuread_application" "cluster" {
  display_name = "terraform-cluster"
}

resource "azuread_service_principal" "cluster" {
  client_id = azuread_application.cluster.client_id
}

resource "azuread_service_principal_password" "cluster" {
  service_principal_id = azuread_service_principal.cluster.id
  rotate_when_changed  = { rotation = var.rotation }
}

data "azuread_service_principal" "rp" {
  client_id = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"
}

resource "azurerm_resource_group" "cluster" {
  name     = "terraform"
  location = "eastus"
}

resource "azurerm_virtual_network" "cluster" {
  name                = "vnet"
  resource_group_name = azurerm_resource_group.cluster.name
  location            = "eastus"
  address_space       = ["10.0.0.0/22"]
}

resource "azurerm_subnet" "cluster" {
  for_each             = { master = "10.0.0.0/23", worker = "10.0.2.0/23" }
  name                 = each.key
  resource_group_name  = azurerm_resource_group.cluster.name
  virtual_network_name = azurerm_virtual_network.cluster.name
  address_prefixes     = [each.value]

  lifecycle {
    ignore_changes = all # the cluster's operator changes them
  }
}

resource "azurerm_role_assignment" "cluster" {
  for_each             = { cluster = azuread_service_principal.cluster.object_id, rp = data.azuread_service_principal.rp.object_id }
  scope                = azurerm_virtual_network.cluster.id
  role_definition_name = "Network Contributor"
  principal_id         = each.value
}

resource "azurerm_redhat_openshift_cluster" "cluster" {
  name                = "terraform"
  resource_group_name = azurerm_resource_group.cluster.name
  location            = "eastus"
  tags                = { team = var.team }

  cluster_profile {
    domain  = "terraform"
    version = "4.19.24"
  }
  network_profile {
    pod_cidr     = "10.128.0.0/14"
    service_cidr = "172.30.0.0/16"
  }
  main_profile {
    vm_size   = "Standard_D8s_v5"
    subnet_id = azurerm_subnet.cluster["master"].id
  }
  worker_profile {
    vm_size      = "Standard_D4s_v5"
    disk_size_gb = 128
    node_count   = 3
    subnet_id    = azurerm_subnet.cluster["worker"].id
  }
  api_server_profile {
    visibility = "Public"
  }
  ingress_profile {
    visibility = "Public"
  }
  service_principal {
    client_id     = azuread_application.cluster.client_id
    client_secret = azuread_service_principal_password.cluster.value
  }
  depends_on = [azurerm_role_assignment.cluster]
}

data "azapi_resource" "cluster" {
  type        = "Microsoft.RedHatOpenShift/openShiftClusters@2023-11-22"
  resource_id = azurerm_redhat_openshift_cluster.cluster.id
}

output "state" {
  value = data.azapi_resource.cluster.output.properties.provisioningState
}
END

# empty fails if a plan wants to change what was just applied.
empty() { terraform plan -input=false -detailed-exitcode "$@" >plan.txt || { cat plan.txt; echo "the plan is not empty"; exit 1; }; }

terraform init -input=false -no-color >/dev/null
terraform apply -input=false -auto-approve -no-color
empty
terraform apply -input=false -auto-approve -no-color -var team=two -var rotation=second
empty -var team=two -var rotation=second
[ "$(terraform output -json | jq -r .state.value)" = Succeeded ]
terraform destroy -input=false -auto-approve -no-color -var team=two -var rotation=second
echo "Terraform made, changed and deleted a cluster, in ${SECONDS} s"

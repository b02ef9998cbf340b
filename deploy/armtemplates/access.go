package armtemplates

// Role definitions of Azure.
const (
	roleReader                  = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	roleContributor             = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	roleNetworkContributor      = "4d97b98b-1d4f-4787-a291-c67834d212e7"
	roleDNSZoneContributor      = "befefa01-2a29-4197-83a8-272ff33ce314"
	roleACRPull                 = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
	roleBlobDataContributor     = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	roleVaultSecretsOfficer     = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
	roleVaultSecretsUser        = "4633458b-17de-408a-b874-0445c86b69e6"
	roleVaultCertificateOfficer = "a4417e6f-fecd-4de8-b567-7b0420556985"
	// roleCosmosDataContributor is a role of Cosmos DB's own, without Azure's.
	roleCosmosDataContributor = "00000000-0000-0000-0000-000000000002"
)

const roleAssignmentKind = "Microsoft.Authorization/roleAssignments"

// RoleAssignment has the properties of a role assignment.
type RoleAssignment struct {
	RoleDefinitionID string `json:"roleDefinitionId"`
	PrincipalID      string `json:"principalId"`
	PrincipalType    string `json:"principalType"`
}

// allow assigns a role to the principal that a parameter names, on a resource of the
// template, or on its group if kind is empty.
func allow(principal, role, kind string, names ...string) Resource {
	scope := "resourceGroup().id"
	r := Resource{
		Type: roleAssignmentKind, APIVersion: authorizationAPI,
		Properties: RoleAssignment{"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '" + role + "')]", param(principal), "ServicePrincipal"},
	}
	if kind != "" {
		scope = idOf(kind, names...)
		r.Scope = "[" + scope + "]"
		r.DependsOn = []string{r.Scope}
	}
	r.Name = "[guid(" + scope + ", " + inner(param(principal)) + ", '" + role + "')]"
	return r
}

const (
	identityKind = "Microsoft.ManagedIdentity/userAssignedIdentities"
	// identityName is the service's own identity.
	identityName = "[concat('aro-rp-', parameters('location'))]"
)

// identities are those of the service's machines.
func identities() *Template {
	t := newTemplate(Resource{Type: identityKind, APIVersion: identityAPI, Name: identityName, Location: here})
	reference := "reference(" + idOf(identityKind, identityName) + ", '" + identityAPI + "')"
	t.output("identityId", resourceID(identityKind, identityName))
	t.output("identityClientId", "["+reference+".clientId]")
	return t.output("identityPrincipalId", "["+reference+".principalId]")
}

const vaultKind = "Microsoft.KeyVault/vaults"

// Vault is a key vault.
type Vault struct {
	TenantID                  string       `json:"tenantId"`
	SKU                       VaultSKU     `json:"sku"`
	EnableRBACAuthorization   bool         `json:"enableRbacAuthorization"`
	EnableSoftDelete          bool         `json:"enableSoftDelete"`
	EnablePurgeProtection     Bool         `json:"enablePurgeProtection,omitempty"`
	SoftDeleteRetentionInDays int          `json:"softDeleteRetentionInDays"`
	NetworkACLs               *NetworkACLs `json:"networkAcls,omitempty"`
}

// VaultSKU of a key vault.
type VaultSKU struct {
	Family string `json:"family"`
	Name   string `json:"name"`
}

// NetworkACLs select the networks that may reach a key vault or a storage account.
type NetworkACLs struct {
	Bypass              string        `json:"bypass"`
	DefaultAction       string        `json:"defaultAction"`
	IPRules             any           `json:"ipRules,omitempty"`
	VirtualNetworkRules []NetworkRule `json:"virtualNetworkRules"`
}

// NetworkRule lets a subnet through.
type NetworkRule struct {
	ID     string `json:"id"`
	Action string `json:"action,omitempty"`
}

// vaults are the service's own secrets (-svc), the clusters' certificates (-cls), and the
// credentials of clusters' identities (-msi). Only the machines' subnet and the addresses
// from which the service is deployed reach them.
func vaults() *Template {
	names := map[string]string{}
	for _, suffix := range []string{"svc", "cls", "msi"} {
		names[suffix] = join(param("vaultPrefix"), "-"+suffix)
	}
	vault := func(suffix string) Resource {
		return Resource{Type: vaultKind, APIVersion: vaultAPI, Name: names[suffix], Location: here, Properties: Vault{
			TenantID: "[subscription().tenantId]", SKU: VaultSKU{"A", "standard"}, EnableRBACAuthorization: true, EnableSoftDelete: true,
			// Credentials of clusters' identities come and go with their clusters, whose
			// names must be free again.
			EnablePurgeProtection:     map[bool]Bool{true: true, false: nil}[suffix != "msi"],
			SoftDeleteRetentionInDays: 90,
			NetworkACLs: &NetworkACLs{Bypass: "AzureServices", DefaultAction: "Deny", IPRules: param("deployerAddresses"),
				VirtualNetworkRules: []NetworkRule{{ID: subnetID(serviceNetwork, serviceSubnet)}}},
		}}
	}
	t := newTemplate(vault("svc"), vault("cls"), vault("msi"),
		allow("identityPrincipalId", roleVaultSecretsUser, vaultKind, names["svc"]),
		allow("identityPrincipalId", roleVaultSecretsOfficer, vaultKind, names["msi"]),
		allow("firstPartyPrincipalId", roleVaultCertificateOfficer, vaultKind, names["cls"]),
		allow("firstPartyPrincipalId", roleVaultSecretsUser, vaultKind, names["cls"]),
		allow("deployerPrincipalId", roleVaultSecretsOfficer, vaultKind, names["svc"]),
		allow("deployerPrincipalId", roleVaultCertificateOfficer, vaultKind, names["svc"]),
	)
	t.text("vaultPrefix", "Begin of the vaults' names, which are unique in all of Azure; at most 20 characters.")
	t.text("identityPrincipalId", "Principal of the service's own identity.")
	t.text("firstPartyPrincipalId", "Principal of the first-party application.")
	t.text("deployerPrincipalId", "Principal that deploys, and puts secrets into the service vault.")
	t.parameter("deployerAddresses", "array", []string{}, "Addresses from which the service is deployed, as rules {\"value\": \"ADDRESS\"}.")
	for output, suffix := range map[string]string{"serviceVault": "svc", "clusterVault": "cls", "identityVault": "msi"} {
		t.output(output, "[reference("+idOf(vaultKind, names[suffix])+", '"+vaultAPI+"').vaultUri]")
	}
	return t
}

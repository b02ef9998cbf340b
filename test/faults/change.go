package faults

func updates() []Fault {
	classic := []Fault{
		hang("API server ready", AtOnce),
		busy("API server certificate", "GET", "^/vaults/aro-cls/secrets/UID-apiserver"),
		busy("ingress certificate", "GET", "^/vaults/aro-cls/secrets/UID-ingress"),
		busy("order certificates", "GET", "^/vaults/aro-cls/certificates/UID-apiserver/pending$"),
		busy("issuer of certificates", "GET", "^/vaults/aro-cls/certificates/UID-[^/]+/policy$"),
		hang("network type", "outbound addresses"),
		hang("record version", "network type"),
		hang("secrets of the service principal", "record version"),
		hang("credentials of the operator", "secrets of the service principal"),
		hang("record workers", "credentials of the operator"),
		{Step: "validate", What: "the client secret is wrong", Secret: "wrong", Code: "InvalidServicePrincipalCredentials", Target: principal},
		{Step: "validate", What: "the network is gone", Calls: &Calls{Method: "GET", Path: "/resourceGroups/NAME/.*/virtualNetworks/vnet$", Answer: absent}, Code: "InvalidLinkedVNet", Target: "properties.masterProfile.subnetId"},
		expired("find service principal"),
		{Step: "roles of the service principal", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "deny others", What: "a policy denies the deployment", Calls: &Calls{Method: "PUT", Path: "/NAME-managed/.*/deployments/denyassignment$", Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "start machines", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/.*/virtualMachines/[^/]+/instanceView$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "choose outbound addresses", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/.*/loadBalancers/[^/]+$", Nth: 2, Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "outbound addresses", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/.*/publicIPAddresses$", Answer: disabled}, Code: "InvalidSubscriptionState"},
	}
	modern := on(Modern, []Fault{
		hang("secrets of identities", "record version"),
		{Step: "fetch cluster identity", What: "the identity's subscription is disabled", Calls: &Calls{Path: "^/msi/.*/NAME", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "read operator identities", What: "an identity is gone", Calls: &Calls{Method: "GET", Path: "/resourceGroups/NAME/.*/userAssignedIdentities/image-registry$", Answer: absent}, Code: "InvalidPlatformWorkloadIdentity", Target: registry},
		{Step: "roles of identities", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "federate identities", What: "a policy denies federated credentials", Calls: &Calls{Method: "PUT", Path: "/resourceGroups/NAME/.*/federatedIdentityCredentials/", Answer: denied}, Code: "RequestDisallowedByPolicy"},
	})
	return all(update, classic, modern)
}

// deletes are in the order of their steps: a delete that failed continues at the same
// step.
func deletes() []Fault {
	classic := []Fault{
		{Step: "remove domain", What: "the record is locked", Calls: &Calls{Method: "DELETE", Path: "/dnsZones/.*/A/.*NAME$", Answer: locked}, Code: "ScopeLocked"},
		{Step: "remove link to the API", What: "the private endpoint is locked", Calls: &Calls{Method: "DELETE", Path: "/privateEndpoints/rp-pe-UID$", Answer: locked}, Code: "ScopeLocked"},
		{Step: "remove roles", What: "role assignments are locked", Calls: &Calls{Method: "DELETE", Path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments/", Answer: locked}, Code: "ScopeLocked"},
		{Step: "remove resources", What: "a machine is locked", Calls: &Calls{Method: "DELETE", Path: "/NAME-managed/.*/virtualMachines/[^/]+-master-0$", Answer: locked}, Code: "ScopeLocked"},
		busy("remove certificates", "DELETE", "^/vaults/aro-cls/certificates/UID"),
	}
	modern := on(Modern, []Fault{
		{Step: "remove token issuer", What: "the service's storage is away", Calls: &Calls{Method: "DELETE", Path: "^/blob/aroidc/.*UID", Answer: away}, Code: "ServiceUnavailable"},
		busy("forget cluster identity", "DELETE", "^/vaults/aro-msi/secrets/.*UID"),
	})
	return all(remove, classic, modern)
}

package faults

func creates() []Fault {
	return all(create, booting(waits()), booting(changes()), resources(), modern(), encrypted())
}

// waits are for what OpenShift does when its machines run.
func waits() []Fault {
	return []Fault{
		hang("bootstrap complete", "deploy machines"),
		hang("API server ready", "bootstrap complete"),
		hang("API server restarted", "API server certificate"),
		hang("workers ready", "API server restarted"),
		hang("deploy operator", "API server ready"),
		hang("create Cluster object", "workers ready"),
		hang("console exists", "create Cluster object"),
		hang("console ready", "brand console"),
		hang("cluster version ready", "disable updates"),
		hang("ingress ready", "ingress certificate"),
		hang("operator ready", "ingress ready"),
		hang("operators settled", "sync Cluster object"),
		busy("API server certificate", "GET", "^/vaults/aro-cls/secrets/UID-apiserver"),
		busy("ingress certificate", "GET", "^/vaults/aro-cls/secrets/UID-ingress"),
		{Step: "remove ignition", What: "the storage account is away", Calls: &Calls{Method: "DELETE", Path: "^/blob/clusterSUFFIX/ignition", Answer: away}, Code: "ServiceUnavailable"},
	}
}

// changes need running machines too, but are not waited for as long.
func changes() []Fault {
	return []Fault{
		hang("brand console", "console exists"),
		hang("disable samples", "console ready"),
		hang("disable operator hub", "disable samples"),
		hang("disable updates", "disable operator hub"),
		hang("sync Cluster object", "operator ready"),
		hang("record workers", "operators settled"),
		{Step: "record cluster data", What: "the storage account is away", Calls: &Calls{Method: "GET", Path: "^/blob/clusterSUFFIX/aro/graph$", Nth: 4, Answer: away}, Code: "ServiceUnavailable"},
		{Step: "remove bootstrap machine", What: "the machine is locked", Calls: &Calls{Method: "DELETE", Path: "/NAME-managed/.*/virtualMachines/[^/]+-bootstrap$", Answer: locked}, Code: "ScopeLocked"},
		{Step: "make kubeconfigs", What: "the storage account is away", Calls: &Calls{Method: "GET", Path: "^/blob/clusterSUFFIX/aro/graph$", Nth: 3, Answer: away}, Code: "ServiceUnavailable"},
	}
}

// resources are made before machines.
func resources() []Fault {
	return []Fault{
		{Step: "run installer", What: "the installer never ends", Installer: Hangs, Code: "DeploymentFailed"},
		{Step: "run installer", What: "the installer ends without a word", Installer: Exits, Code: "DeploymentFailed"},
		{Step: "run installer", What: "the installer writes no result", Installer: Garbage, Code: "DeploymentFailed"},
		{Step: "run installer", What: "a lock hides the storage account's signatures", Calls: &Calls{Method: "POST", Path: "/NAME-managed/.*/listAccountSas$", Answer: locked}, Code: "ScopeLocked"},
		busy("order certificates", "POST", "^/vaults/aro-cls/certificates/UID-apiserver/create$"),
		{Step: "validate", What: "the client secret is wrong", Secret: "wrong", Code: "InvalidServicePrincipalCredentials", Target: principal},
		{Step: "validate", What: "the network is gone", Calls: &Calls{Method: "GET", Path: "/resourceGroups/NAME/.*/virtualNetworks/vnet$", Answer: absent}, Code: "InvalidLinkedVNet", Target: "properties.masterProfile.subnetId"},
		expired("find service principal"),
		{Step: "choose packet size", What: "the subscription is disabled", On: Alone, Calls: &Calls{Method: "GET", Path: "/features/MTU3900$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "reserve domain", What: "another cluster was faster", Calls: &Calls{Method: "PUT", Path: "/dnsZones/.*/A/api.NAME$", Answer: taken}, Code: "DuplicateDomain", Target: "properties.clusterProfile.domain"},
		{Step: "managed resource group", What: "a policy denies the group", Calls: &Calls{Method: "PUT", Path: "/resourceGroups/NAME-managed$", Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "prepare subnets", What: "a policy denies the subnet", On: Alone, Calls: &Calls{Method: "PUT", Path: "/resourceGroups/NAME/.*/subnets/master$", Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "deploy network and storage", What: "a policy denies load balancers", Calls: &Calls{Method: "PUT", Path: "/NAME-managed/.*/loadBalancers/", Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "attach security group", What: "a policy denies the subnet", On: Alone, Calls: &Calls{Method: "PUT", Path: "/resourceGroups/NAME/.*/subnets/master$", Nth: 2, Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "address of the API", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/.*/loadBalancers/[^/]+-internal$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "address of routes", What: "the subscription is disabled", Calls: &Calls{Method: "GET", Path: "/NAME-managed/.*/publicIPAddresses/[^/]+-default-v4$", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "link to the API", What: "a policy denies private endpoints", Calls: &Calls{Method: "PUT", Path: "/privateEndpoints/rp-pe-UID$", Answer: denied}, Code: "RequestDisallowedByPolicy"},
		{Step: "deploy machines", What: "the quota does not suffice", Calls: &Calls{Method: "PUT", Path: "/NAME-managed/.*/virtualMachines/[^/]+-master-0$", Answer: quota}, Code: "ResourceQuotaExceeded"},
	}
}

func modern() []Fault {
	return append(on(Modern, booting([]Fault{hang("remove file storage class", "operator ready")})), on(Modern, []Fault{
		{Step: "publish token issuer", What: "the service's storage is away", Calls: &Calls{Method: "PUT", Path: "^/blob/aroidc/.*UID", Answer: away}, Code: "ServiceUnavailable"},
		{Step: "fetch cluster identity", What: "the identity's subscription is disabled", Calls: &Calls{Path: "^/msi/.*/NAME", Answer: disabled}, Code: "InvalidSubscriptionState"},
		{Step: "read operator identities", What: "an identity is gone", Calls: &Calls{Method: "GET", Path: "/resourceGroups/NAME/.*/userAssignedIdentities/image-registry$", Answer: absent}, Code: "InvalidPlatformWorkloadIdentity", Target: registry},
		{Step: "federate identities", What: "a policy denies federated credentials", Calls: &Calls{Method: "PUT", Path: "/resourceGroups/NAME/.*/federatedIdentityCredentials/", Answer: denied}, Code: "RequestDisallowedByPolicy"},
	})...)
}

func encrypted() []Fault {
	return on(Encrypted, booting([]Fault{hang("encrypted storage class", "operator ready")}))
}

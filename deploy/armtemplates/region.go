package armtemplates

const (
	zoneKind          = "Microsoft.Network/dnsZones"
	recordAKind       = "Microsoft.Network/dnsZones/A"
	recordNSKind      = "Microsoft.Network/dnsZones/NS"
	storageKind       = "Microsoft.Storage/storageAccounts"
	blobContainerKind = "Microsoft.Storage/storageAccounts/blobServices/containers"
	registryKind      = "Microsoft.ContainerRegistry/registries"
	replicationKind   = "Microsoft.ContainerRegistry/registries/replications"
	actionGroupKind   = "Microsoft.Insights/actionGroups"
	alertKind         = "Microsoft.Insights/metricAlerts"
	scaleSetKind      = "Microsoft.Compute/virtualMachineScaleSets"
	recordTTL         = 3600
)

// Registry is a container registry.
type Registry struct {
	AdminUserEnabled     bool   `json:"adminUserEnabled"`
	AnonymousPullEnabled bool   `json:"anonymousPullEnabled"`
	DataEndpointEnabled  bool   `json:"dataEndpointEnabled"`
	PublicNetworkAccess  string `json:"publicNetworkAccess"`
}

// RegistryReplication is a region of a registry.
type RegistryReplication struct {
	RegionEndpointEnabled bool `json:"regionEndpointEnabled"`
}

// StorageAccount is a storage account.
type StorageAccount struct {
	AllowBlobPublicAccess    bool   `json:"allowBlobPublicAccess"`
	AllowSharedKeyAccess     bool   `json:"allowSharedKeyAccess"`
	MinimumTLSVersion        string `json:"minimumTlsVersion"`
	SupportsHTTPSTrafficOnly bool   `json:"supportsHttpsTrafficOnly"`
}

// BlobContainer of a storage account.
type BlobContainer struct {
	PublicAccess string `json:"publicAccess"`
}

// RecordSet of a DNS zone.
type RecordSet struct {
	TTL       int       `json:"TTL"`
	ARecords  []ARecord `json:"ARecords,omitempty"`
	NSRecords any       `json:"NSRecords,omitempty"`
}

// ARecord is an address of a name.
type ARecord struct {
	IPv4Address string `json:"ipv4Address"`
}

func blobs(name string, public bool) []Resource {
	access := map[bool]string{true: "Blob", false: "None"}[public]
	return []Resource{
		{Type: storageKind, APIVersion: storageAPI, Name: name, Location: here, Kind: "StorageV2", SKU: &SKU{Name: "Standard_GRS"},
			Properties: StorageAccount{public, false, "TLS1_2", true}},
		{Type: blobContainerKind, APIVersion: storageAPI, Name: join(name, "/default/$web"), DependsOn: []string{resourceID(storageKind, name)}, Properties: BlobContainer{access}},
	}
}

// global is what all regions share.
func global() *Template {
	registry := param("registry")
	t := newTemplate(
		Resource{Type: registryKind, APIVersion: registryAPI, Name: registry, Location: here, SKU: &SKU{Name: "Premium"}, Properties: Registry{DataEndpointEnabled: true, PublicNetworkAccess: "Enabled"}},
		Resource{Type: zoneKind, APIVersion: dnsAPI, Name: param("serviceDomain"), Location: "global"},
		Resource{Type: zoneKind, APIVersion: dnsAPI, Name: param("clusterDomain"), Location: "global"},
		allow("identityPrincipalId", roleACRPull, registryKind, registry),
	)
	t.Resources = append(t.Resources, blobs(param("versionStorage"), false)...)
	t.Resources = append(t.Resources, allow("deployerPrincipalId", roleBlobDataContributor, storageKind, param("versionStorage")))
	t.text("registry", "Name of the container registry, unique in all of Azure.")
	t.text("serviceDomain", "Domain below which regions of the service have names.")
	t.text("clusterDomain", "Domain below which clusters have names.")
	t.text("versionStorage", "Storage account that records which version each region runs.")
	t.text("identityPrincipalId", "Principal of the service's own identity in the region.")
	t.text("deployerPrincipalId", "Principal that deploys.")
	t.output("registryLoginServer", "[reference("+idOf(registryKind, registry)+", '"+registryAPI+"').loginServer]")
	return t.output("versionEndpoint", "[reference("+idOf(storageKind, param("versionStorage"))+", '"+storageAPI+"').primaryEndpoints.blob]")
}

// replication is the registry's copy in a region.
func replication() *Template {
	return newTemplate(Resource{Type: replicationKind, APIVersion: registryAPI, Name: "[concat(parameters('registry'), '/', parameters('location'))]", Location: here,
		Properties: RegistryReplication{true}}).text("registry", "Name of the container registry.")
}

// region is everything of a region that all builds of the service share.
func region() *Template {
	zone := "[concat(parameters('location'), '.', parameters('clusterDomain'))]"
	t := newTemplate(balancer()...)
	t.Resources = append(t.Resources, database()...)
	t.Resources = append(t.Resources, blobs(param("issuerStorage"), true)...)
	t.Resources = append(t.Resources,
		Resource{Type: zoneKind, APIVersion: dnsAPI, Name: zone, Location: "global"},
		allow("identityPrincipalId", roleContributor, ""),
		allow("identityPrincipalId", roleBlobDataContributor, storageKind, param("issuerStorage")),
		allow("firstPartyPrincipalId", roleNetworkContributor, ""),
		allow("firstPartyPrincipalId", roleDNSZoneContributor, zoneKind, zone),
	)
	t.Resources = append(t.Resources, alerts()...)
	t.text("clusterDomain", "Domain below which clusters have names; the region's zone is below it.")
	t.text("databaseAccount", "Name of the Cosmos DB account, unique in all of Azure.")
	t.text("issuerStorage", "Storage account of the OpenID documents of clusters with workload identities.")
	t.text("identityPrincipalId", "Principal of the service's own identity.")
	t.text("firstPartyPrincipalId", "Principal of the first-party application.")
	t.text("actionGroupId", "Action group that alerts call.")
	t.parameter("databaseThroughput", "int", defaultThroughput, "Request units a second of the database.")
	t.parameter("frontendPort", "int", 443, "Port of the public address.")
	t.parameter("servicePort", "int", 8443, "Port at which the machines serve.")
	t.parameter("portalPort", "int", 444, "Port of the public address at which browsers reach the portal.")
	t.parameter("portalSshPort", "int", 2222, "Port of the public address at which ssh reaches the portal.")
	t.parameter("zones", "array", []string{"1", "2", "3"}, "Availability zones; empty in regions without.")
	t.output("publicAddress", "[reference("+idOf(publicIPKind, publicIPName)+", '"+networkAPI+"').ipAddress]")
	t.output("databaseEndpoint", "[reference("+idOf(accountKind, param("databaseAccount"))+", '"+databaseAPI+"').documentEndpoint]")
	t.output("issuerEndpoint", "[reference("+idOf(storageKind, param("issuerStorage"))+", '"+storageAPI+"').primaryEndpoints.blob]")
	t.Outputs["nameServers"] = Output{"array", "[reference(" + idOf(zoneKind, zone) + ", '" + dnsAPI + "').nameServers]"}
	return t
}

// records are the names of a region in the zones that all regions share.
func records() *Template {
	address := func(name string) Resource {
		return Resource{Type: recordAKind, APIVersion: dnsAPI, Name: "[concat(parameters('serviceDomain'), '/" + name + ".', parameters('location'))]",
			Properties: RecordSet{TTL: recordTTL, ARecords: []ARecord{{param("publicAddress")}}}}
	}
	t := newTemplate(
		address("rp"), address("portal"),
		Resource{Type: recordNSKind, APIVersion: dnsAPI, Name: "[concat(parameters('clusterDomain'), '/', parameters('location'))]",
			Properties: RecordSet{TTL: recordTTL, NSRecords: param("nameServers")}},
	)
	t.text("serviceDomain", "Domain below which regions of the service have names.")
	t.text("clusterDomain", "Domain below which clusters have names.")
	t.text("publicAddress", "Address of the region's load balancer.")
	return t.parameter("nameServers", "array", nil, "Name servers of the region's zone, as {\"nsdname\": NAME}.")
}

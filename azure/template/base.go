package template

// Base has all Azure resources of a cluster that are created before its machines.
type Base struct {
	Cluster
	Storage
	// OutboundIPs are the names of the public IPs for outbound traffic only.
	OutboundIPs []string
	// ServiceSubscription is approved automatically for private endpoints to the
	// API server.
	ServiceSubscription string
	Access
}

// Template returns the template, which has no parameters.
func (b *Base) Template() map[string]any {
	r := b.Storage.resources(&b.Cluster)
	r = append(r, b.securityGroup(), b.internalBalancer(), b.linkService())
	if b.PublicOutbound {
		r = append(r, b.publicIPs()...)
		r = append(r, b.publicBalancer())
	}
	r = append(r, b.Access.roleAssignments()...)
	if b.WorkloadIdentity {
		r = append(r, b.blobRole())
	}
	return document(object{}, append(r, b.Access.denyAssignment()))
}

// Storage is the cluster's two storage accounts.
type Storage struct {
	// Account stores the ignition and the installer's graph; RegistryAccount is
	// for the cluster's image registry.
	Account, RegistryAccount string
	// Subnets may access them; the rest of the network may not.
	Subnets []string
	// WorkloadIdentity clusters do not use account keys.
	WorkloadIdentity bool
	// Unencrypted omits the encryption settings, which cannot change.
	Unencrypted bool
}

// Template returns a template with the accounts alone.
func (s *Storage) Template(c *Cluster) map[string]any { return document(object{}, s.resources(c)) }

func (s *Storage) resources(c *Cluster) list {
	cluster, registry := s.account(c, s.Account), s.account(c, s.RegistryAccount)
	if s.WorkloadIdentity {
		cluster["properties"].(object)["sasPolicy"] = object{"sasExpirationPeriod": "0.01:00:00", "expirationAction": "Log"}
	}
	return list{
		cluster, s.container(c, s.Account, "ignition"), s.container(c, s.Account, "aro"),
		registry, s.container(c, s.RegistryAccount, "image-registry"),
	}
}

func (s *Storage) account(c *Cluster, name string) object {
	rules := list{}
	for _, id := range s.Subnets {
		rules = append(rules, object{"id": id, "action": "Allow"})
	}
	properties := object{
		"allowBlobPublicAccess": false, "allowCrossTenantReplication": false,
		"supportsHttpsTrafficOnly": true, "minimumTlsVersion": "TLS1_2",
		"networkAcls": object{"bypass": "AzureServices", "defaultAction": "Deny", "virtualNetworkRules": rules},
	}
	if s.WorkloadIdentity {
		properties["allowSharedKeyAccess"] = false
	}
	if !s.Unencrypted {
		service := object{"enabled": true, "keyType": "Account"}
		properties["encryption"] = object{
			"keySource": "Microsoft.Storage", "requireInfrastructureEncryption": true,
			"services": object{"blob": service, "file": service, "queue": service, "table": service},
		}
	}
	account := c.resource(accountKind, storageAPI, name, properties)
	account["kind"] = "StorageV2"
	account["sku"] = object{"name": "Standard_LRS"}
	return account
}

func (s *Storage) container(c *Cluster, account, name string) object {
	return object{
		"type": containerKind, "apiVersion": storageAPI, "name": account + "/default/" + name,
		"dependsOn": list{c.id(accountKind, account)},
	}
}

// securityGroup allows access to the API server from the internet, if it is public.
// The cloud controller adds the rules for routes.
func (b *Base) securityGroup() object {
	rules := list{}
	if b.PublicAPI {
		rules = append(rules, object{"name": "apiserver_in", "properties": object{
			"protocol": "Tcp", "direction": "Inbound", "access": "Allow", "priority": 120,
			"sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "6443",
		}})
	}
	return b.resource(groupKind, networkAPI, b.name("-nsg"), object{"securityRules": rules})
}

// linkService is the target of the service's private endpoint.
func (b *Base) linkService() object {
	ours := object{"subscriptions": list{b.ServiceSubscription}}
	o := b.resource(linkServiceKind, networkAPI, b.name("-pls"), object{
		"loadBalancerFrontendIpConfigurations": refs(b.id(balancerKind+"/frontendIPConfigurations", b.name("-internal"), InternalFrontend)),
		"ipConfigurations": list{object{"name": b.name("-pls-nic"), "properties": object{
			"privateIPAllocationMethod": "Dynamic", "privateIPAddressVersion": "IPv4", "primary": true, "subnet": ref(b.MasterSubnetID),
		}}},
		"visibility": ours, "autoApproval": ours,
	})
	o["dependsOn"] = list{b.id(balancerKind, b.name("-internal"))}
	return o
}

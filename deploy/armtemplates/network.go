package armtemplates

import (
	"fmt"

	"github.com/aro-rp/aro/deploy/machine"
)

// Names that `aro rp` expects, and those of the load balancer.
const (
	serviceNetwork  = "rp-vnet"
	serviceSubnet   = "rp-subnet"
	endpointNetwork = "rp-pe-vnet-001"
	endpointSubnet  = "rp-pe-subnet"
	balancerName    = "rp-lb"
	frontendName    = "rp-frontend"
	poolName        = "rp-backend"
	probeName       = "rp-probe"
	portalProbeName = "portal-probe"
	publicIPName    = "rp-pip"
	// portalPort is where machines serve the portal, sshPort where they serve its SSH.
	portalPort, sshPort = machine.PortalPort, machine.SSHPort
)

const (
	networkKind       = "Microsoft.Network/virtualNetworks"
	subnetKind        = "Microsoft.Network/virtualNetworks/subnets"
	peeringKind       = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
	securityGroupKind = "Microsoft.Network/networkSecurityGroups"
	balancerKind      = "Microsoft.Network/loadBalancers"
	publicIPKind      = "Microsoft.Network/publicIPAddresses"
)

func subnetID(network, subnet string) string { return resourceID(subnetKind, network, subnet) }

// SecurityGroup is a network security group.
type SecurityGroup struct {
	SecurityRules []SecurityRule `json:"securityRules,omitempty"`
}

// SecurityRule of a network security group.
type SecurityRule struct {
	Name       string                 `json:"name"`
	Properties SecurityRuleProperties `json:"properties"`
}

// SecurityRuleProperties select the traffic that a rule allows.
type SecurityRuleProperties struct {
	Description              string  `json:"description,omitempty"`
	Protocol                 string  `json:"protocol"`
	Direction                string  `json:"direction"`
	Access                   string  `json:"access"`
	Priority                 int     `json:"priority"`
	SourceAddressPrefix      string  `json:"sourceAddressPrefix,omitempty"`
	SourceAddressPrefixes    Strings `json:"sourceAddressPrefixes,omitempty"`
	SourcePortRange          string  `json:"sourcePortRange"`
	DestinationAddressPrefix string  `json:"destinationAddressPrefix"`
	DestinationPortRange     string  `json:"destinationPortRange"`
}

// VirtualNetwork is a virtual network.
type VirtualNetwork struct {
	AddressSpace AddressSpace `json:"addressSpace"`
	Subnets      []Subnet     `json:"subnets"`
}

// AddressSpace of a virtual network.
type AddressSpace struct {
	AddressPrefixes []string `json:"addressPrefixes"`
}

// Subnet of a virtual network.
type Subnet struct {
	Name       string           `json:"name"`
	Properties SubnetProperties `json:"properties"`
}

// SubnetProperties of a subnet.
type SubnetProperties struct {
	AddressPrefix                  string            `json:"addressPrefix"`
	NetworkSecurityGroup           Ref               `json:"networkSecurityGroup"`
	PrivateEndpointNetworkPolicies string            `json:"privateEndpointNetworkPolicies,omitempty"`
	ServiceEndpoints               []ServiceEndpoint `json:"serviceEndpoints"`
}

// ServiceEndpoint of a subnet.
type ServiceEndpoint struct {
	Service   string   `json:"service"`
	Locations []string `json:"locations"`
}

// Peering of two virtual networks.
type Peering struct {
	AllowVirtualNetworkAccess bool `json:"allowVirtualNetworkAccess"`
	AllowForwardedTraffic     bool `json:"allowForwardedTraffic"`
	RemoteVirtualNetwork      Ref  `json:"remoteVirtualNetwork"`
}

// network is the service's networks. No rule allows SSH to the service's own machines.
func network() *Template {
	inbound := func(name string, priority int, rule SecurityRuleProperties) SecurityRule {
		rule.Protocol, rule.Direction, rule.Access, rule.Priority = "Tcp", "Inbound", "Allow", priority
		rule.SourcePortRange, rule.DestinationAddressPrefix, rule.DestinationPortRange = "*", "*", param("servicePort")
		return SecurityRule{name, rule}
	}
	portal := inbound("rp_in_portal", 140, SecurityRuleProperties{Description: "Browsers of those who run the service; the portal asks who they are", SourceAddressPrefix: param("portalSource")})
	portal.Properties.DestinationPortRange = fmt.Sprint(portalPort)
	ssh := inbound("rp_in_portal_ssh", 150, SecurityRuleProperties{Description: "SSH to machines of clusters; the portal asks for a password for one login", SourceAddressPrefix: param("portalSource")})
	ssh.Properties.DestinationPortRange = fmt.Sprint(sshPort)
	group := func(name string, rules ...SecurityRule) Resource {
		return Resource{Type: securityGroupKind, APIVersion: networkAPI, Name: name, Location: here, Properties: SecurityGroup{rules}}
	}
	vnet := func(name, subnet, group string, policies string, services ...string) Resource {
		p := SubnetProperties{AddressPrefix: param(name + "Prefix"), NetworkSecurityGroup: Ref{resourceID(securityGroupKind, group)}, PrivateEndpointNetworkPolicies: policies}
		for _, service := range services {
			p.ServiceEndpoints = append(p.ServiceEndpoints, ServiceEndpoint{service, []string{"*"}})
		}
		return Resource{Type: networkKind, APIVersion: networkAPI, Name: name, Location: here, DependsOn: []string{resourceID(securityGroupKind, group)},
			Properties: VirtualNetwork{AddressSpace{[]string{param(name + "Prefix")}}, []Subnet{{subnet, p}}}}
	}
	peering := func(from, to string) Resource {
		return Resource{Type: peeringKind, APIVersion: networkAPI, Name: from + "/peering-" + to,
			DependsOn:  []string{resourceID(networkKind, from), resourceID(networkKind, to)},
			Properties: Peering{true, false, Ref{resourceID(networkKind, to)}}}
	}
	t := newTemplate(
		group("rp-nsg",
			inbound("rp_in_arm", 120, SecurityRuleProperties{Description: "Azure Resource Manager", SourceAddressPrefix: param("armSource")}),
			inbound("rp_in_admin", 130, SecurityRuleProperties{Description: "Engineers' tools; the service asks for their certificate", SourceAddressPrefix: param("adminSource")}),
			portal, ssh),
		group("rp-pe-nsg"),
		vnet(serviceNetwork, serviceSubnet, "rp-nsg", "", "Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.AzureCosmosDB", "Microsoft.ContainerRegistry"),
		vnet(endpointNetwork, endpointSubnet, "rp-pe-nsg", "Disabled", "Microsoft.Storage"),
		peering(serviceNetwork, endpointNetwork), peering(endpointNetwork, serviceNetwork),
	)
	t.Resources[1].Properties = SecurityGroup{[]SecurityRule{}}
	t.parameter(serviceNetwork+"Prefix", "string", "10.0.0.0/24", "Addresses of the service's machines.")
	t.parameter(endpointNetwork+"Prefix", "string", "10.0.4.0/22", "Addresses of the private endpoints of clusters.")
	t.parameter("servicePort", "string", "8443", "Port at which the machines serve.")
	t.parameter("armSource", "string", "AzureResourceManager", "Source of Azure Resource Manager's requests: a service tag or a prefix.")
	t.parameter("portalSource", "string", "VirtualNetwork", "Source of browsers and ssh that reach the portal: a service tag or a prefix.")
	return t.parameter("adminSource", "string", "GenevaActions", "Source of engineers' requests: a service tag or a prefix.")
}

// PublicIP is a public address.
type PublicIP struct {
	PublicIPAllocationMethod string `json:"publicIPAllocationMethod"`
	PublicIPAddressVersion   string `json:"publicIPAddressVersion"`
}

// LoadBalancer is a load balancer.
type LoadBalancer struct {
	FrontendIPConfigurations []Frontend      `json:"frontendIPConfigurations"`
	BackendAddressPools      []Named         `json:"backendAddressPools"`
	LoadBalancingRules       []BalancingRule `json:"loadBalancingRules"`
	Probes                   []Probe         `json:"probes"`
	OutboundRules            []OutboundRule  `json:"outboundRules"`
}

// Named is a part that has only a name.
type Named struct {
	Name string `json:"name"`
}

// Frontend of a load balancer.
type Frontend struct {
	Name       string `json:"name"`
	Properties struct {
		PublicIPAddress Ref `json:"publicIPAddress"`
	} `json:"properties"`
}

// BalancingRule of a load balancer.
type BalancingRule struct {
	Name       string                  `json:"name"`
	Properties BalancingRuleProperties `json:"properties"`
}

// BalancingRuleProperties select what a rule forwards.
type BalancingRuleProperties struct {
	Protocol                string `json:"protocol"`
	FrontendPort            Int    `json:"frontendPort"`
	BackendPort             Int    `json:"backendPort"`
	LoadDistribution        string `json:"loadDistribution"`
	IdleTimeoutInMinutes    int    `json:"idleTimeoutInMinutes"`
	EnableTCPReset          bool   `json:"enableTcpReset"`
	DisableOutboundSnat     bool   `json:"disableOutboundSnat"`
	FrontendIPConfiguration Ref    `json:"frontendIPConfiguration"`
	BackendAddressPool      Ref    `json:"backendAddressPool"`
	Probe                   Ref    `json:"probe"`
}

// Probe of a load balancer.
type Probe struct {
	Name       string          `json:"name"`
	Properties ProbeProperties `json:"properties"`
}

// ProbeProperties describe the health probe of machines.
type ProbeProperties struct {
	Protocol          string `json:"protocol"`
	Port              Int    `json:"port"`
	RequestPath       string `json:"requestPath"`
	IntervalInSeconds int    `json:"intervalInSeconds"`
	NumberOfProbes    int    `json:"numberOfProbes"`
	ProbeThreshold    int    `json:"probeThreshold"`
}

// OutboundRule of a load balancer.
type OutboundRule struct {
	Name       string `json:"name"`
	Properties struct {
		Protocol                 string `json:"protocol"`
		IdleTimeoutInMinutes     int    `json:"idleTimeoutInMinutes"`
		FrontendIPConfigurations []Ref  `json:"frontendIPConfigurations"`
		BackendAddressPool       Ref    `json:"backendAddressPool"`
	} `json:"properties"`
}

func balancerPart(part, name string) Ref {
	return Ref{resourceID(balancerKind+"/"+part, balancerName, name)}
}

// balancer forwards requests to the machines that are ready. A machine whose service stops reports
// that it is not, two probes before it closes its port.
func balancer() []Resource {
	frontend := Frontend{Name: frontendName}
	frontend.Properties.PublicIPAddress = Ref{resourceID(publicIPKind, publicIPName)}
	outbound := OutboundRule{Name: "outbound"}
	outbound.Properties.Protocol, outbound.Properties.IdleTimeoutInMinutes = "All", 30
	outbound.Properties.FrontendIPConfigurations = []Ref{balancerPart("frontendIPConfigurations", frontendName)}
	outbound.Properties.BackendAddressPool = balancerPart("backendAddressPools", poolName)
	return []Resource{
		{Type: publicIPKind, APIVersion: networkAPI, Name: publicIPName, Location: here, SKU: &SKU{Name: "Standard"}, Zones: param("zones"), Properties: PublicIP{"Static", "IPv4"}},
		{Type: balancerKind, APIVersion: networkAPI, Name: balancerName, Location: here, SKU: &SKU{Name: "Standard"}, DependsOn: []string{resourceID(publicIPKind, publicIPName)}, Properties: LoadBalancer{
			FrontendIPConfigurations: []Frontend{frontend},
			BackendAddressPools:      []Named{{poolName}},
			LoadBalancingRules: []BalancingRule{
				balance("rp", param("frontendPort"), param("servicePort"), probeName),
				balance("portal", param("portalPort"), portalPort, portalProbeName),
				balance("portal-ssh", param("portalSshPort"), sshPort, portalProbeName),
			},
			Probes:        []Probe{ready(probeName, param("servicePort")), ready(portalProbeName, portalPort)},
			OutboundRules: []OutboundRule{outbound},
		}},
	}
}

// balance is a rule that spreads connections over the machines that a probe finds ready.
func balance(name string, from, to Int, probe string) BalancingRule {
	return BalancingRule{name, BalancingRuleProperties{
		Protocol: "Tcp", FrontendPort: from, BackendPort: to, LoadDistribution: "Default", IdleTimeoutInMinutes: 30, EnableTCPReset: true, DisableOutboundSnat: true,
		FrontendIPConfiguration: balancerPart("frontendIPConfigurations", frontendName), BackendAddressPool: balancerPart("backendAddressPools", poolName), Probe: balancerPart("probes", probe),
	}}
}

// ready is a probe that asks a process whether it is ready.
func ready(name string, port Int) Probe {
	return Probe{name, ProbeProperties{Protocol: "Https", Port: port, RequestPath: "/healthz/ready", IntervalInSeconds: 5, NumberOfProbes: 2, ProbeThreshold: 2}}
}

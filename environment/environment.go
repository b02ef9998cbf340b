// Package environment is what differs between the places the service runs in:
// production, development and test. Whoever asks where something is, or whether
// something is done here, asks an Environment; nothing else in the service knows
// what kind of place it is in.
//
// It holds words and addresses, no clients and no I/O, and it reads no
// environment variables: cmd/aro does.
package environment

import (
	"strings"
	"time"
)

// InVault marks a setting's value as the name of a secret in the ServiceVault.
const InVault = "keyvault:"

// Environment is one place the service runs in, as its operators describe it.
type Environment struct {
	Mode Mode
	// Location is the Azure region served; Domain the DNS zone below which
	// clusters get names, such as eastus.aroapp.io.
	Location, Domain string
	// TenantID, SubscriptionID and ResourceGroup are the service's own.
	TenantID, SubscriptionID, ResourceGroup string
	// FirstPartyClientID is the application as which the service acts on
	// customers' resources.
	FirstPartyClientID string
	// ServiceVault, ClusterVault and IdentityVault are URLs of key vaults: of the
	// service's own secrets, of clusters' certificates, and of cluster identities'
	// credentials.
	ServiceVault, ClusterVault, IdentityVault string
	// OIDCStorage is the URL of the blob container that holds the OpenID documents
	// of workload identity clusters; OIDCIssuer the URL below which readers find them.
	OIDCStorage, OIDCIssuer string
	// RegistryDomain is the host of the registry that mirrors OpenShift's images.
	RegistryDomain string
	// CertificateIssuer names the issuer of clusters' certificates in ClusterVault.
	CertificateIssuer string
	// MSIAudience is the token audience of the managed identity data plane.
	MSIAudience string
	// IdentityHosts are the hosts of that data plane; see model.IdentityHosts.
	IdentityHosts []string
}

// Mode is the kind of place.
type Mode string

// The kinds. Test is development with time scaled down for the test suite.
const (
	Production  Mode = "production"
	Development Mode = "development"
	Test        Mode = "test"
)

// PrivateEndpointSubnetID is where the service puts its private endpoints to clusters.
func (e *Environment) PrivateEndpointSubnetID() string {
	return e.subnetID("rp-pe-vnet-001", "rp-pe-subnet")
}

// SubnetID is where the service itself runs, and calls the storage of clusters from.
func (e *Environment) SubnetID() string { return e.subnetID("rp-vnet", "rp-subnet") }

func (e *Environment) subnetID(network, subnet string) string {
	return "/subscriptions/" + e.SubscriptionID + "/resourceGroups/" + e.ResourceGroup +
		"/providers/Microsoft.Network/virtualNetworks/" + network + "/subnets/" + subnet
}

// FullDomain completes a cluster's domain: a single label is a name below Domain.
func (e *Environment) FullDomain(domain string) string {
	if strings.Contains(domain, ".") {
		return domain
	}
	return domain + "." + e.Domain
}

// ManagedName returns the label of a cluster's domain below Domain, and false
// when the domain is the customer's own.
func (e *Environment) ManagedName(domain string) (label string, managed bool) {
	label, found := strings.CutSuffix(e.FullDomain(domain), "."+e.Domain)
	return label, found && label != "" && !strings.Contains(label, ".")
}

// DelegatedDomain reports whether names below Domain resolve on the internet.
// Where they do not, kubeconfigs name the address beside the name, and trust the
// cluster's own authority.
func (e *Environment) DelegatedDomain() bool { return e.Mode == Production }

// Patience is how long a check waits for a permission to take effect: Azure
// caches role assignments for five minutes.
func (e *Environment) Patience() time.Duration {
	return e.pick(6*time.Minute, 20*time.Second, 2*time.Second)
}

// RefusalPatience is how long a step goes on that Azure refuses, where that may be
// because a change of the customer has not spread yet.
func (e *Environment) RefusalPatience() time.Duration {
	return e.pick(6*time.Minute, time.Minute, 5*time.Second)
}

// PatienceStep is the time between two such checks.
func (e *Environment) PatienceStep() time.Duration {
	return e.pick(30*time.Second, 2*time.Second, 200*time.Millisecond)
}

// PollEvery is the time between two looks at a long-running operation of Azure,
// which a Retry-After header overrides.
func (e *Environment) PollEvery() time.Duration {
	return e.pick(10*time.Second, time.Second, time.Second)
}

// RetryDelay is the first pause before a call to Azure is repeated; it doubles.
func (e *Environment) RetryDelay() time.Duration {
	return e.pick(2*time.Second, 500*time.Millisecond, 50*time.Millisecond)
}

// StepTimeout is how long a step may take that may take d in production. Tests
// wait for what never comes.
func (e *Environment) StepTimeout(d time.Duration) time.Duration { return e.pick(d, d, d/20) }

// RefreshEvery is how old secrets from key vaults may become.
func (e *Environment) RefreshEvery() time.Duration {
	return e.pick(time.Hour, time.Hour, time.Minute)
}

func (e *Environment) pick(production, development, test time.Duration) time.Duration {
	switch e.Mode {
	case Development:
		return development
	case Test:
		return test
	}
	return production
}

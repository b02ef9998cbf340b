// Package environment describes the differences between the environments that the
// service runs in: production, development and test. Code that depends on the
// environment, or on the address of a service, uses an Environment; nothing else in
// the service knows the kind of environment.
//
// It has values only, no clients and no I/O, and reads no environment variables:
// cmd/aro does.
package environment

import (
	"strings"
	"time"
)

// InVault is the prefix of a setting's value that names a secret in the
// ServiceVault.
const InVault = "keyvault:"

// Environment is one environment, as its operators configure it.
type Environment struct {
	Mode Mode
	// Location is the Azure region of the service; Domain the DNS zone in which
	// clusters get names, such as eastus.aroapp.io.
	Location, Domain string
	// TenantID, SubscriptionID and ResourceGroup are those of the service.
	TenantID, SubscriptionID, ResourceGroup string
	// FirstPartyClientID is the application with which the service accesses
	// customers' resources.
	FirstPartyClientID string
	// ServiceVault, ClusterVault and IdentityVault are URLs of key vaults: for the
	// service's own secrets, for clusters' certificates, and for cluster
	// identities' credentials.
	ServiceVault, ClusterVault, IdentityVault string
	// OIDCStorage is the URL of the blob container with the OpenID documents of
	// workload identity clusters; OIDCIssuer the URL at which clients read them.
	OIDCStorage, OIDCIssuer string
	// RegistryDomain is the host of the registry that mirrors OpenShift's images.
	RegistryDomain string
	// CertificateIssuer is the name of the issuer of clusters' certificates in
	// ClusterVault.
	CertificateIssuer string
	// MSIAudience is the token audience of the managed identity data plane.
	MSIAudience string
	// IdentityHosts are the hosts of that data plane; see model.IdentityHosts.
	IdentityHosts []string
	// Refresh is the maximum age of secrets read from key vaults; 0 for that of the mode.
	Refresh time.Duration
}

// Mode is the kind of environment.
type Mode string

// The modes. Test is development with time scaled down for the test suite.
const (
	Production  Mode = "production"
	Development Mode = "development"
	Test        Mode = "test"
)

// PrivateEndpointSubnetID returns the subnet for the service's private endpoints to
// clusters.
func (e *Environment) PrivateEndpointSubnetID() string {
	return e.subnetID("rp-pe-vnet-001", "rp-pe-subnet")
}

// SubnetID returns the subnet in which the service runs, and from which it calls the
// storage of clusters.
func (e *Environment) SubnetID() string { return e.subnetID("rp-vnet", "rp-subnet") }

func (e *Environment) subnetID(network, subnet string) string {
	return "/subscriptions/" + e.SubscriptionID + "/resourceGroups/" + e.ResourceGroup +
		"/providers/Microsoft.Network/virtualNetworks/" + network + "/subnets/" + subnet
}

// FullDomain returns the full domain of a cluster: a single label is a name below
// Domain.
func (e *Environment) FullDomain(domain string) string {
	if strings.Contains(domain, ".") {
		return domain
	}
	return domain + "." + e.Domain
}

// ManagedName returns the label of a cluster's domain below Domain, and false if
// the domain is the customer's own.
func (e *Environment) ManagedName(domain string) (label string, managed bool) {
	label, found := strings.CutSuffix(e.FullDomain(domain), "."+e.Domain)
	return label, found && label != "" && !strings.Contains(label, ".")
}

// DelegatedDomain reports whether names below Domain resolve on the internet.
// Otherwise kubeconfigs contain the address beside the name, and the cluster's own
// certificate authority.
func (e *Environment) DelegatedDomain() bool { return e.Mode == Production }

// Patience is how long a check waits for a permission to take effect: Azure caches
// role assignments for five minutes.
func (e *Environment) Patience() time.Duration {
	return e.pick(6*time.Minute, 20*time.Second, 2*time.Second)
}

// RefusalPatience is how long a step that Azure refuses is retried, if the cause
// may be a change of the customer that has not taken effect yet.
func (e *Environment) RefusalPatience() time.Duration {
	return e.pick(6*time.Minute, time.Minute, 5*time.Second)
}

// PatienceStep is the time between two such checks.
func (e *Environment) PatienceStep() time.Duration {
	return e.pick(30*time.Second, 2*time.Second, 200*time.Millisecond)
}

// PollEvery is the time between two polls of a long-running operation of Azure. A
// Retry-After header overrides it.
func (e *Environment) PollEvery() time.Duration {
	return e.pick(10*time.Second, time.Second, time.Second)
}

// RetryDelay is the delay before the first retry of a call to Azure; it doubles.
func (e *Environment) RetryDelay() time.Duration {
	return e.pick(2*time.Second, 500*time.Millisecond, 50*time.Millisecond)
}

// StepTimeout returns the timeout of a step whose timeout in production is d.
func (e *Environment) StepTimeout(d time.Duration) time.Duration { return e.pick(d, d, d/20) }

// RefreshEvery is the maximum age of secrets read from key vaults.
func (e *Environment) RefreshEvery() time.Duration {
	if e.Refresh > 0 {
		return e.Refresh
	}
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

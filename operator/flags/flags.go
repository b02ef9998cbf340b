// Package flags lists the operator's flags, which turn its parts on and off. They
// are kept in the Cluster object as text; flags that are not listed are kept too,
// for older and newer operators.
package flags

import (
	"maps"
	"strconv"

	"github.com/aro-rp/aro/arm"
)

// Name is the name of a flag.
type Name string

// Flags that turn a controller on and off.
const (
	AlertWebhook        Name = "aro.alertwebhook.enabled"
	AutoSizedNodes      Name = "aro.autosizednodes.enabled"
	AzureSubnets        Name = "aro.azuresubnets.enabled"
	Banner              Name = "aro.banner.enabled"
	Checker             Name = "aro.checker.enabled"
	CloudProviderConfig Name = "aro.cloudproviderconfig.enabled"
	CPMS                Name = "aro.cpms.enabled"
	Dnsmasq             Name = "aro.dnsmasq.enabled"
	EtcHosts            Name = "aro.etchosts.enabled"
	GenevaLogging       Name = "aro.genevalogging.enabled"
	GuardRails          Name = "aro.guardrails.enabled"
	ImageConfig         Name = "aro.imageconfig.enabled"
	Ingress             Name = "aro.ingress.enabled"
	Machine             Name = "aro.machine.enabled"
	MachineHealthCheck  Name = "aro.machinehealthcheck.enabled"
	MachineSet          Name = "aro.machineset.enabled"
	Monitoring          Name = "aro.monitoring.enabled"
	NetworkPolicy       Name = "aro.ccopprof.enabled"
	NodeDrainer         Name = "aro.nodedrainer.enabled"
	PullSecret          Name = "aro.pullsecret.enabled"
	RBAC                Name = "aro.rbac.enabled"
	RouteFix            Name = "aro.routefix.enabled"
	StorageAccounts     Name = "aro.storageaccounts.enabled"
	UpgradeOperator     Name = "rh.srep.muo.enabled"
	Workaround          Name = "aro.workaround.enabled"
)

// Flags that configure a controller.
const (
	AzureSubnetsNSG              Name = "aro.azuresubnets.nsg.managed"
	AzureSubnetsServiceEndpoints Name = "aro.azuresubnets.serviceendpoint.managed"
	DnsmasqRestart               Name = "aro.restartdnsmasq.enabled"
	EtcHostsManaged              Name = "aro.etchosts.managed"
	ForceReconciliation          Name = "aro.forcereconciliation"
	LogProfile                   Name = "aro.genevalogging.otel.profile"
	LogProfileMaster             Name = "aro.genevalogging.otel.master.profile"
	LogProfileWorker             Name = "aro.genevalogging.otel.worker.profile"
	LogPullSpec                  Name = "aro.genevalogging.otel.pullSpec"
	GuardRailsManaged            Name = "aro.guardrails.deploy.managed"
	GuardRailsMethod             Name = "aro.guardrails.method"
	GatekeeperPullSpec           Name = "aro.guardrails.deploy.pullspec"
	GatekeeperMinutes            Name = "aro.guardrails.reconciliationMinutes"
	MachineHealthCheckManaged    Name = "aro.machinehealthcheck.managed"
	PullSecretManaged            Name = "aro.pullsecret.managed"
	UpgradeOperatorManaged       Name = "rh.srep.muo.managed"
	UpgradeOperatorPullSpec      Name = "rh.srep.muo.deploy.pullspec"
	WorkaroundCopyFail           Name = "aro.workaround.copyfail.enabled"
	WorkaroundDirtyFrag          Name = "aro.workaround.dirtyfrag.enabled"
)

// PolicyManaged is the flag that makes a guardrails policy exist.
func PolicyManaged(policy string) Name { return Name("aro.guardrails.policies." + policy + ".managed") }

// PolicyEnforcement returns the flag that sets what a guardrails policy does with a request that
// violates it: deny, warn or dryrun.
func PolicyEnforcement(policy string) Name {
	return Name("aro.guardrails.policies." + policy + ".enforcement")
}

// GatekeeperResource returns the flag of a resource of one of Gatekeeper's deployments, manager or
// audit: requests.cpu, requests.mem or limit.mem.
func GatekeeperResource(deployment, resource string) Name {
	return Name("aro.guardrails.deploy." + deployment + "." + resource)
}

// GatekeeperWebhook returns a flag of Gatekeeper's validatingwebhook or mutatingwebhook: managed,
// which is true for requests to fail without an answer, or timeoutSeconds.
func GatekeeperWebhook(webhook, setting string) Name {
	return Name("aro.guardrails." + webhook + "." + setting)
}

// Flag is one flag.
type Flag struct {
	Name Name
	// Default is its value in new clusters. A flag without one is not in the map of a
	// new cluster.
	Default string
	Meaning string
}

// All lists the flags, by name.
func All() []Flag {
	return []Flag{
		{AlertWebhook, "true", "Give receivers of alerts that have no destination one that answers."},
		{AutoSizedNodes, "true", "Let nodes size what they reserve for the system; false removes that setting."},
		{AzureSubnets, "true", "Watch over the cluster's subnets."},
		{AzureSubnetsNSG, "true", "Keep the network security groups on the subnets. False where the customer brings them."},
		{AzureSubnetsServiceEndpoints, "true", "Keep the service endpoints on the subnets."},
		{Banner, "false", "Show the service's messages in the console."},
		{NetworkPolicy, "true", "Close the profiling port of the cloud credential operator."},
		{Checker, "true", "Check the internet, the service principal, the cluster's DNS and the router's certificate."},
		{CloudProviderConfig, "true", "Keep outbound SNAT of load balancers off."},
		{CPMS, "false", "Allow an active ControlPlaneMachineSet; it is deleted otherwise."},
		{Dnsmasq, "true", "Keep the name server of the nodes configured."},
		{EtcHosts, "true", "Watch over the nodes' /etc/hosts."},
		{EtcHostsManaged, "true", "Write the nodes' /etc/hosts; false removes what was written."},
		{ForceReconciliation, "false", "Allow changes that restart nodes outside upgrades."},
		{GenevaLogging, "true", "Run the exporters of the service's logs."},
		{LogProfile, "minimal-logs", "What they export: max-logs, reduced-logs or minimal-logs."},
		{LogProfileMaster, "", "The same for the masters alone."},
		{LogProfileWorker, "", "The same for the workers alone."},
		{LogPullSpec, "", "Image of the exporters; a fixed one by default."},
		{GatekeeperResource("audit", "limit.mem"), "", "Memory that Gatekeeper's audit may use; 512Mi by default."},
		{GatekeeperResource("audit", "requests.cpu"), "", "CPU that it requests; 100m by default."},
		{GatekeeperResource("audit", "requests.mem"), "", "Memory that it requests; 512Mi by default."},
		{GatekeeperResource("manager", "limit.mem"), "", "Memory that Gatekeeper's webhook may use; 512Mi by default."},
		{GatekeeperResource("manager", "requests.cpu"), "", "CPU that it requests; 100m by default."},
		{GatekeeperResource("manager", "requests.mem"), "", "Memory that it requests; 512Mi by default."},
		{GatekeeperPullSpec, "", "Image of Gatekeeper; a fixed one by default."},
		{GatekeeperWebhook("mutatingwebhook", "managed"), "", "What happens to changes that Gatekeeper's mutating webhook does not answer: true refuses them, false lets them pass, which is the default."},
		{GatekeeperWebhook("mutatingwebhook", "timeoutSeconds"), "", "How long it may take; 1 by default."},
		{GatekeeperWebhook("validatingwebhook", "managed"), "", "What happens to changes that Gatekeeper's validating webhook does not answer: true refuses them, false lets them pass, which is the default."},
		{GatekeeperWebhook("validatingwebhook", "timeoutSeconds"), "", "How long it may take; 3 by default."},
		{GatekeeperMinutes, "", "How often Gatekeeper's constraints are looked at; 60 minutes by default."},
		{GuardRailsManaged, "true", "Make the guardrails; false removes them."},
		{GuardRails, "true", "Watch over the guardrails."},
		{GuardRailsMethod, "auto", "How they are enforced: gatekeeper, vap, or auto for what the cluster's version has."},
		{PolicyEnforcement("aro-machine-config-deny"), "dryrun", "What happens to changes of the service's MachineConfigs."},
		{PolicyManaged("aro-machine-config-deny"), "true", "Guard the service's MachineConfigs."},
		{PolicyEnforcement("aro-machines-deny"), "deny", "What happens to deletions of master Machines."},
		{PolicyManaged("aro-machines-deny"), "true", "Guard master Machines."},
		{PolicyEnforcement("aro-nodes-deny"), "deny", "What happens to deletions of master Nodes."},
		{PolicyManaged("aro-nodes-deny"), "true", "Guard master Nodes."},
		{PolicyEnforcement("aro-privileged-namespace-deny"), "dryrun", "What happens to changes in the platform's namespaces."},
		{PolicyManaged("aro-privileged-namespace-deny"), "true", "Guard the platform's namespaces."},
		{ImageConfig, "true", "Keep the service's registries allowed."},
		{Ingress, "true", "Keep two replicas of the default router at least."},
		{Machine, "true", "Check the machines."},
		{MachineHealthCheck, "true", "Watch over the replacement of broken workers."},
		{MachineHealthCheckManaged, "true", "Replace broken workers; false removes what does."},
		{MachineSet, "true", "Keep two workers at least."},
		{Monitoring, "false", "Keep monitoring without storage and retention of its own."},
		{NodeDrainer, "true", "Finish drains of nodes that take longer than an hour."},
		{PullSecret, "true", "Watch over the global pull secret."},
		{PullSecretManaged, "true", "Keep the service's logins in it."},
		{RBAC, "true", "Keep the roles of the service's engineers."},
		{DnsmasqRestart, "false", "Restart the nodes' name server whenever an interface comes or goes."},
		{RouteFix, "true", "Remove what worked around a fault of the network in OpenShift 4.6 and 4.7."},
		{StorageAccounts, "true", "Keep the storage accounts open to the subnets of the cluster and the service."},
		{WorkaroundCopyFail, "true", "Keep nodes from CVE-2026-31431 until they have the fix."},
		{WorkaroundDirtyFrag, "true", "Keep nodes from CVE-2026-31432 until they have the fix."},
		{Workaround, "true", "Work around known faults of OpenShift's releases."},
		{UpgradeOperatorPullSpec, "", "Image of the managed upgrade operator; a fixed one by default."},
		{UpgradeOperator, "true", "Watch over the managed upgrade operator."},
		{UpgradeOperatorManaged, "true", "Run it; false removes it."},
	}
}

// Flags are the flags of one cluster.
type Flags map[string]string

// Defaults are the flags of a new cluster.
func Defaults() Flags {
	f := Flags{}
	for _, flag := range All() {
		if flag.Default != "" {
			f[string(flag.Name)] = flag.Default
		}
	}
	return f
}

// True reports whether a flag is true, in any case. One that is missing is not.
func (f Flags) True(name Name) bool { return arm.EqualFold(f[string(name)], "true") }

// False reports whether a flag is false, in any case. One that is missing is not.
func (f Flags) False(name Name) bool { return arm.EqualFold(f[string(name)], "false") }

// Value is a flag as it is written, or otherwise where it is missing.
func (f Flags) Value(name Name, otherwise string) string {
	if value, is := f[string(name)]; is {
		return value
	}
	return otherwise
}

// NonEmpty is Value where empty text is no value either.
func (f Flags) NonEmpty(name Name, otherwise string) string {
	if value := f[string(name)]; value != "" {
		return value
	}
	return otherwise
}

// Number is a flag that is a positive number; anything else counts as otherwise.
func (f Flags) Number(name Name, otherwise int) int {
	if n, err := strconv.Atoi(f[string(name)]); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// With returns the flags with others laid over them.
func (f Flags) With(others Flags) Flags {
	merged := Flags{}
	maps.Copy(merged, f)
	maps.Copy(merged, others)
	return merged
}

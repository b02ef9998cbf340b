package cluster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// Plans returns the plan of each kind of operation.
func Plans(d Dependencies) map[model.OperationKind][]Step {
	s := newSteps(d)
	return map[model.OperationKind][]Step{
		model.Create:      s.explained(s.create()),
		model.Update:      s.explained(s.update()),
		model.AdminUpdate: s.explained(s.adminUpdate()),
		model.Delete:      s.explained(s.remove()),
	}
}

// Timeouts of steps. Short steps write a document or make one query; calls wait for an answer of
// Azure; changes for Azure to create something; rollouts for OpenShift to restart components.
const (
	short   = 10 * time.Minute
	call    = 15 * time.Minute
	change  = 30 * time.Minute
	rollout = 30 * time.Minute
)

// create creates a cluster: validation and identity, names, resources, install assets, machines,
// and then whatever turns an OpenShift cluster into one of this service. Billing begins when the
// cluster's machines are requested.
func (s *steps) create() []Step {
	return slices.Concat(s.createAzure(), s.createOpenShift())
}

func (s *steps) createAzure() []Step {
	return []Step{
		{Name: "fetch cluster identity", Do: s.identity.fetchClusterIdentity, Timeout: call, Only: workloadIdentity},
		{Name: "read operator identities", Do: s.identity.readOperatorIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "validate", Do: s.choices.validateCreate, Timeout: call},
		{Name: "find service principal", Do: s.identity.findServicePrincipal, Timeout: short, Only: servicePrincipal},
		{Name: "find resource provider", Do: s.identity.findOurselves, Timeout: call},
		{Name: "choose zones", Do: s.choices.chooseZones, Timeout: short},
		{Name: "choose names", Do: s.choices.chooseNames, Timeout: short},
		{Name: "choose packet size", Do: s.choices.chooseMTU, Timeout: short},
		{Name: "reserve domain", Do: s.dns.reserveDomain, Timeout: short, Only: s.dns.managed},
		{Name: "choose token issuer", Do: s.issuer.chooseIssuer, Timeout: short, Only: workloadIdentity},
		{Name: "publish token issuer", Do: s.issuer.publishIssuer, Timeout: short, Only: workloadIdentity},
		{Name: "managed resource group", Do: s.resources.ensureGroup, Timeout: call},
		{Name: "prepare subnets", Do: s.network.prepareSubnets, Timeout: call},
		{Name: "choose outbound addresses", Do: s.outbound.chooseOutboundIPs, Timeout: short, Only: balanced},
		{Name: "deploy network and storage", Do: s.resources.deployBase, Timeout: change},
		{Name: "attach security group", Do: s.network.attachSecurityGroup, Timeout: call, Only: ownSecurityGroup},
		{Name: "federate identities", Do: s.federation.federateIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "address of the API", Do: s.network.recordAPIAddress, Timeout: call},
		{Name: "address of routes", Do: s.network.recordIngressAddress, Timeout: call},
		{Name: "link to the API", Do: s.link.linkAPIServer, Timeout: call},
		{Name: "order certificates", Do: s.certificates.orderCertificates, Timeout: call, Only: s.certificates.signed},
		{Name: "run installer", Do: s.installation.runInstaller, Timeout: call},
		{Name: "deploy machines", Do: s.machines.deployMachines, Timeout: time.Hour},
	}
}

func (s *steps) createOpenShift() []Step {
	return []Step{
		{Name: "make kubeconfigs", Do: s.credentials.makeKubeconfigs, Timeout: short},
		{Name: "begin billing", Do: s.billing.beginBilling, Timeout: short},
		{Name: "bootstrap complete", Do: s.openshift.bootstrapComplete, Timeout: time.Hour},
		{Name: "API server ready", Do: s.openshift.apiServerReady, Timeout: rollout},
		{Name: "deploy operator", Do: s.operator.deployOperator, Timeout: rollout, Only: operated},
		{Name: "remove bootstrap machine", Do: s.machines.removeBootstrap, Timeout: change},
		{Name: "remove ignition", Do: s.graph.removeIgnition, Timeout: call},
		{Name: "API server certificate", Do: s.certificates.configureAPIServerCertificate, Timeout: change},
		{Name: "API server restarted", Do: s.openshift.apiServerReady, Timeout: rollout},
		{Name: "workers ready", Do: s.openshift.workersReady, Timeout: rollout},
		{Name: "create Cluster object", Do: s.operator.createClusterObject, Timeout: short, Only: operated},
		{Name: "console exists", Do: s.openshift.consoleExists, Timeout: rollout},
		{Name: "brand console", Do: s.openshift.brandConsole, Timeout: short},
		{Name: "console ready", Do: s.openshift.consoleReady, Timeout: rollout},
		{Name: "disable samples", Do: s.openshift.disableSamples, Timeout: short, Only: withoutPullSecret},
		{Name: "disable operator hub", Do: s.openshift.disableOperatorHub, Timeout: short, Only: withoutPullSecret},
		{Name: "disable updates", Do: s.openshift.disableUpdates, Timeout: short},
		{Name: "cluster version ready", Do: s.openshift.clusterVersionReady, Timeout: rollout},
		{Name: "record cluster data", Do: s.openshift.recordClusterData, Timeout: short},
		{Name: "record principals", Do: s.access.recordPrincipals, Timeout: short},
		{Name: "ingress certificate", Do: s.certificates.configureIngressCertificate, Timeout: change},
		{Name: "ingress ready", Do: s.openshift.ingressReady, Timeout: rollout},
		{Name: "operator ready", Do: s.operator.operatorReady, Timeout: rollout, Only: operated},
		{Name: "encrypted storage class", Do: s.openshift.configureStorageClass, Timeout: short, Only: withEncryptedWorkers},
		{Name: "remove file storage class", Do: s.openshift.removeFileStorageClass, Timeout: short, Only: workloadIdentity},
		{Name: "sync Cluster object", Do: s.operator.syncClusterObject, Timeout: short, Only: operated},
		{Name: "operators settled", Do: s.openshift.operatorsSettled, Timeout: rollout},
		{Name: "record workers", Do: s.openshift.recordWorkers, Timeout: short},
	}
}

// update makes a running cluster match what its customer changed, above all its identities and its
// outbound addresses, and repairs what changed outside of the service.
func (s *steps) update() []Step {
	return slices.Concat([]Step{
		{Name: "fetch cluster identity", Do: s.identity.fetchClusterIdentity, Timeout: call, Only: workloadIdentity},
		{Name: "read operator identities", Do: s.identity.readOperatorIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "restore rights", Do: s.removal.restoreRights, Timeout: call},
		{Name: "validate", Do: s.observation.validateUpdate, Timeout: call},
		{Name: "find service principal", Do: s.identity.findServicePrincipal, Timeout: short, Only: servicePrincipal},
		{Name: "find resource provider", Do: s.identity.findOurselves, Timeout: call},
		{Name: "roles of identities", Do: s.access.renewIdentityRoles, Timeout: call, Only: workloadIdentity},
		{Name: "federate identities", Do: s.federation.federateIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "roles of the service principal", Do: s.access.renewPrincipalRoles, Timeout: call, Only: servicePrincipal},
		{Name: "deny others", Do: s.access.denyOthers, Timeout: call},
		{Name: "start machines", Do: s.machines.startMachines, Timeout: change},
		{Name: "API server ready", Do: s.openshift.apiServerReady, Timeout: rollout},
	}, s.renewCertificates(nil), []Step{
		{Name: "user's kubeconfig", Do: s.credentials.fixUserKubeconfig, Timeout: short},
		{Name: "choose outbound addresses", Do: s.outbound.renameOutboundIPs, Timeout: short, Only: balanced},
		{Name: "outbound addresses", Do: s.outbound.reconcileOutbound, Timeout: change, Only: balanced},
		{Name: "network type", Do: s.openshift.reconcileNetworkType, Timeout: short},
		{Name: "record version", Do: s.openshift.recordVersion, Timeout: short},
		{Name: "secrets of identities", Do: s.credentials.identitySecrets, Timeout: short, Only: workloadIdentity},
		{Name: "secrets of the service principal", Do: s.credentials.updateClusterSecrets, Timeout: short, Only: servicePrincipal},
		{Name: "credentials of the operator", Do: s.operator.renewOperator, Timeout: rollout},
		{Name: "rights of former principals", Do: s.access.removeFormerRights, Timeout: rollout},
		{Name: "record workers", Do: s.openshift.recordWorkers, Timeout: short},
	})
}

// renewCertificates issues certificates that are missing or from another issuer, and puts the
// newest into the cluster. Only selects clusters for all of its steps.
func (s *steps) renewCertificates(only func(*model.Cluster) bool) []Step {
	signed := both(only, s.certificates.signed)
	return []Step{
		{Name: "order certificates", Do: s.certificates.orderCertificates, Timeout: call, Only: signed},
		{Name: "issuer of certificates", Do: s.certificates.correctCertificateIssuer, Timeout: call, Only: signed},
		{Name: "API server certificate", Do: s.certificates.configureAPIServerCertificate, Timeout: change, Only: signed},
		{Name: "ingress certificate", Do: s.certificates.configureIngressCertificate, Timeout: change, Only: signed},
	}
}

// adminUpdate maintains a cluster as its maintenance task requires. The build is recorded last,
// because it implies that all steps before it succeeded.
func (s *steps) adminUpdate() []Step {
	all, every := task(model.Everything), task(model.MaintenanceTasks()...)
	certificates, inside := task(model.Everything, model.CertificatesRenewal), task(model.Everything, model.MigrateLoadBalancer)
	reached := task(model.Everything, model.CertificatesRenewal, model.OperatorUpdate, model.SyncClusterObject)
	return slices.Concat([]Step{
		{Name: "find task", Do: refuseTask, Timeout: time.Minute, Only: foreignTask},
		{Name: "begin billing", Do: s.billing.beginBilling, Timeout: short, Only: every},
		{Name: "fetch cluster identity", Do: s.identity.fetchClusterIdentity, Timeout: call, Only: both(every, workloadIdentity)},
		{Name: "read operator identities", Do: s.identity.readOperatorIdentities, Timeout: call, Only: both(every, workloadIdentity)},
		{Name: "find service principal", Do: s.identity.findLostServicePrincipal, Timeout: short, Only: both(every, servicePrincipal)},
		{Name: "find resource provider", Do: s.identity.findOurselves, Timeout: call, Only: every},
		{Name: "infra id", Do: s.choices.recordInfraID, Timeout: short, Only: every},
		{Name: "managed resource group", Do: s.resources.ensureGroup, Timeout: call, Only: all},
		{Name: "deny others", Do: s.access.denyOthers, Timeout: call, Only: all},
		{Name: "prepare subnets", Do: s.network.prepareSubnets, Timeout: call, Only: all},
		{Name: "roles of identities", Do: s.access.renewIdentityRoles, Timeout: call, Only: both(all, workloadIdentity)},
		{Name: "roles of the service principal", Do: s.access.renewPrincipalRoles, Timeout: call, Only: both(all, servicePrincipal)},
		{Name: "internal address", Do: s.balancer.recordInternalAddress, Timeout: call, Only: every},
	}, s.migrateBalancer(task(model.MigrateLoadBalancer)), []Step{
		{Name: "rules for SSH", Do: s.balancer.restoreSSH, Timeout: call, Only: inside},
		{Name: "pools of masters", Do: s.balancer.restorePools, Timeout: call, Only: inside},
		{Name: "start machines", Do: s.machines.startMachines, Timeout: change, Only: reached},
		{Name: "API server ready", Do: s.openshift.apiServerReady, Timeout: rollout, Only: reached},
		{Name: "registry's storage account", Do: s.maintenance.recordRegistryAccount, Timeout: short, Only: both(all, withoutRegistryAccount)},
		{Name: "settings of storage", Do: s.resources.renewStorage, Timeout: change, Only: all},
		{Name: "make kubeconfigs", Do: s.credentials.makeKubeconfigs, Timeout: short, Only: all},
		{Name: "user's kubeconfig", Do: s.credentials.fixUserKubeconfig, Timeout: short, Only: task(model.Everything, model.CertificatesRenewal, model.KubeconfigRenewal)},
		{Name: "machine config server's certificate", Do: s.maintenance.renewMachineConfigCertificate, Timeout: short, Only: certificates},
		{Name: "user data of machines", Do: s.maintenance.pointUserData, Timeout: short, Only: certificates},
	}, s.renewCertificates(certificates), s.updateOperator(both(task(model.Everything, model.OperatorUpdate), operated)), []Step{
		{Name: "sync Cluster object", Do: s.operator.syncClusterObject, Timeout: short, Only: both(task(model.Everything, model.OperatorUpdate, model.SyncClusterObject), operated)},
		{Name: "address of the router", Do: s.maintenance.followRouter, Timeout: short, Only: all},
		{Name: "size of packets", Do: s.maintenance.recordMTU, Timeout: short, Only: both(all, withoutMTU)},
		{Name: "network type", Do: s.openshift.reconcileNetworkType, Timeout: short, Only: all},
		{Name: "record version", Do: s.openshift.recordVersion, Timeout: short, Only: all},
		{Name: "record workers", Do: s.openshift.recordWorkers, Timeout: short, Only: all},
		{Name: "record build", Do: s.maintenance.recordBuild, Timeout: short, Only: all},
	})
}

// updateOperator replaces the operator in the cluster by that of this build. The Cluster object
// must be updated after it, because only the new operator knows new flags.
func (s *steps) updateOperator(only func(*model.Cluster) bool) []Step {
	return []Step{
		{Name: "deploy operator", Do: s.operator.deployOperator, Timeout: short, Only: only},
		{Name: "operator ready", Do: s.operator.operatorReady, Timeout: change, Only: only},
		{Name: "operator replaced", Do: s.operator.operatorReplaced, Timeout: short, Only: only},
	}
}

// migrateBalancer gives the internal balancer's frontend its zones, see migration.
func (s *steps) migrateBalancer(only func(*model.Cluster) bool) []Step {
	return []Step{
		{Name: "choose zones", Do: s.choices.chooseZones, Timeout: short, Only: only},
		{Name: "add temporary frontend", Do: s.balancer.addTemporaryFrontend, Timeout: call, Only: only},
		{Name: "link temporary frontend", Do: s.balancer.linkTemporaryFrontend, Timeout: call, Only: only},
		{Name: "remove frontend without zones", Do: s.balancer.removeFrontend, Timeout: call, Only: only},
		{Name: "add frontend with zones", Do: s.balancer.addZonalFrontend, Timeout: call, Only: only},
		{Name: "link frontend with zones", Do: s.balancer.linkLastingFrontend, Timeout: call, Only: only},
		{Name: "remove temporary frontend", Do: s.balancer.removeTemporaryFrontend, Timeout: call, Only: only},
	}
}

// remove deletes a cluster in any state of creation: first what would recreate resources, then the
// resources, then the identities. The customer's resources stay. Billing ends when nothing is left
// that costs money.
func (s *steps) remove() []Step {
	return []Step{
		{Name: "restore rights", Do: s.removal.restoreRights, Timeout: call, Only: made},
		{Name: "remove domain", Do: s.dns.removeDomain, Timeout: short, Only: both(made, s.dns.managed)},
		{Name: "remove link to the API", Do: s.link.unlinkAPIServer, Timeout: change, Only: made},
		{Name: "remove token issuer", Do: s.issuer.unpublishIssuer, Timeout: short, Only: both(made, workloadIdentity)},
		{Name: "remove roles", Do: s.access.removeRoles, Timeout: call, Only: made},
		{Name: "remove resources", Do: s.removal.removeResources, Timeout: time.Hour, Only: made},
		{Name: "remove federated credentials", Do: s.federation.unfederate, Timeout: short, Only: both(made, workloadIdentity)},
		{Name: "forget cluster identity", Do: s.identity.forgetClusterIdentity, Timeout: short, Only: workloadIdentity},
		{Name: "remove certificates", Do: s.certificates.removeCertificates, Timeout: short, Only: both(made, s.certificates.signed)},
		{Name: "end billing", Do: s.billing.endBilling, Timeout: short},
	}
}

// made selects clusters of which resources may exist: names are chosen and stored before. Deleting
// any other cluster needs no token.
func made(c *model.Cluster) bool {
	return c.Internal.InfraID != "" || c.Internal.StorageSuffix != "" || c.Internal.SSHKey != ""
}

// both selects clusters that both select; nil selects all.
func both(a, b func(*model.Cluster) bool) func(*model.Cluster) bool {
	if a == nil {
		return b
	}
	return func(c *model.Cluster) bool { return a(c) && b(c) }
}

// task selects clusters whose maintenance task is one of these.
func task(these ...model.MaintenanceTask) func(*model.Cluster) bool {
	return func(c *model.Cluster) bool { return slices.Contains(these, taskOf(c)) }
}

func taskOf(c *model.Cluster) model.MaintenanceTask {
	return cmp.Or(c.Internal.MaintenanceTask, model.Everything)
}

// foreignTask selects clusters with a task of another release.
func foreignTask(c *model.Cluster) bool {
	return taskOf(c) != model.KubeconfigRenewal && !slices.Contains(model.MaintenanceTasks(), taskOf(c))
}

// refuseTask fails the maintenance, because this release has no step for the task.
func refuseTask(_ context.Context, w *Work) error {
	return arm.RequestNotAllowed.Errorf("This release of the service does not know the maintenance task %q. Repeat the request when all of it has been upgraded.", taskOf(w.Resource()))
}

package cluster

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

// Plans gives the plan of each kind of operation.
func Plans(d Dependencies) map[model.OperationKind][]pipeline.Step {
	s := newSteps(d)
	return map[model.OperationKind][]pipeline.Step{
		model.Create:      s.explained(s.create()),
		model.Update:      s.explained(s.update()),
		model.AdminUpdate: s.explained(s.adminUpdate()),
		model.Delete:      s.explained(s.remove()),
	}
}

// Times of steps. Short ones write a document or ask one question; calls wait
// for Azure to answer; changes for Azure to make something; rollouts for
// OpenShift to restart what changed.
const (
	short   = 10 * time.Minute
	call    = 15 * time.Minute
	change  = 30 * time.Minute
	rollout = 30 * time.Minute
)

// create makes a cluster out of nothing: who it is and whether it can be, its
// names, its resources, what it starts from, its machines, and then whatever
// turns an OpenShift cluster into this service's. Billing begins once the
// cluster's machines are asked for.
func (s *steps) create() []pipeline.Step {
	return slices.Concat(s.createAzure(), s.createOpenShift())
}

func (s *steps) createAzure() []pipeline.Step {
	return []pipeline.Step{
		{Name: "fetch cluster identity", Do: s.fetchClusterIdentity, Timeout: call, Only: workloadIdentity},
		{Name: "read operator identities", Do: s.readOperatorIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "find service principal", Do: s.findServicePrincipal, Timeout: call, Only: servicePrincipal},
		{Name: "find resource provider", Do: s.findOurselves, Timeout: call},
		{Name: "validate", Do: s.validateFor(model.Create), Timeout: call},
		{Name: "choose zones", Do: s.chooseZones, Timeout: short},
		{Name: "choose names", Do: s.chooseNames, Timeout: short},
		{Name: "choose packet size", Do: s.chooseMTU, Timeout: short},
		{Name: "reserve domain", Do: s.reserveDomain, Timeout: short, Only: s.managed},
		{Name: "choose token issuer", Do: s.chooseIssuer, Timeout: short, Only: workloadIdentity},
		{Name: "publish token issuer", Do: s.publishIssuer, Timeout: short, Only: workloadIdentity},
		{Name: "managed resource group", Do: s.ensureGroup, Timeout: call},
		{Name: "prepare subnets", Do: s.prepareSubnets, Timeout: call},
		{Name: "choose outbound addresses", Do: s.chooseOutboundIPs, Timeout: short, Only: balanced},
		{Name: "deploy network and storage", Do: s.deployBase, Timeout: change},
		{Name: "attach security group", Do: s.attachSecurityGroup, Timeout: call, Only: ownSecurityGroup},
		{Name: "federate identities", Do: s.federateIdentities, Timeout: call, Only: workloadIdentity},
		{Name: "address of the API", Do: s.recordAPIAddress, Timeout: call},
		{Name: "address of routes", Do: s.recordIngressAddress, Timeout: call},
		{Name: "link to the API", Do: s.linkAPIServer, Timeout: call},
		{Name: "order certificates", Do: s.orderCertificates, Timeout: call, Only: s.signed},
		{Name: "run installer", Do: s.runInstaller, Timeout: call},
		{Name: "deploy machines", Do: s.deployMachines, Timeout: change},
	}
}

func (s *steps) createOpenShift() []pipeline.Step {
	return []pipeline.Step{
		{Name: "make kubeconfigs", Do: s.makeKubeconfigs, Timeout: short},
		{Name: "begin billing", Do: s.beginBilling, Timeout: short},
		{Name: "bootstrap complete", Do: s.bootstrapComplete, Timeout: time.Hour},
		{Name: "API server ready", Do: s.apiServerReady, Timeout: rollout},
		{Name: "remove bootstrap machine", Do: s.removeBootstrap, Timeout: change},
		{Name: "remove ignition", Do: s.removeIgnition, Timeout: call},
		{Name: "API server certificate", Do: s.configureAPIServerCertificate, Timeout: change},
		{Name: "API server restarted", Do: s.apiServerReady, Timeout: rollout},
		{Name: "workers ready", Do: s.workersReady, Timeout: rollout},
		{Name: "console exists", Do: s.consoleExists, Timeout: rollout},
		{Name: "brand console", Do: s.brandConsole, Timeout: short},
		{Name: "console ready", Do: s.consoleReady, Timeout: rollout},
		{Name: "disable samples", Do: s.disableSamples, Timeout: short, Only: withoutPullSecret},
		{Name: "disable operator hub", Do: s.disableOperatorHub, Timeout: short, Only: withoutPullSecret},
		{Name: "disable updates", Do: s.disableUpdates, Timeout: short},
		{Name: "cluster version ready", Do: s.clusterVersionReady, Timeout: rollout},
		{Name: "record cluster data", Do: s.recordClusterData, Timeout: short},
		{Name: "ingress certificate", Do: s.configureIngressCertificate, Timeout: change},
		{Name: "ingress ready", Do: s.ingressReady, Timeout: rollout},
		{Name: "encrypted storage class", Do: s.configureStorageClass, Timeout: short, Only: withEncryptedWorkers},
		{Name: "remove file storage class", Do: s.removeFileStorageClass, Timeout: short, Only: workloadIdentity},
		{Name: "operators settled", Do: s.operatorsSettled, Timeout: rollout},
		{Name: "record workers", Do: s.recordWorkers, Timeout: short},
	}
}

// update makes a running cluster match what its customer changed, above all its
// identity and its outbound addresses, and mends what moved meanwhile.
func (s *steps) update() []pipeline.Step {
	return []pipeline.Step{
		{Name: "fetch cluster identity", Do: s.fetchClusterIdentity, Timeout: call, Only: workloadIdentity},
	}
}

// adminUpdate maintains a cluster as far as its task says. The build is recorded
// last: it vouches for all that stands before it.
func (s *steps) adminUpdate() []pipeline.Step {
	all := task(model.Everything)
	return []pipeline.Step{
		{Name: "find task", Do: refuseTask, Timeout: time.Minute, Only: foreignTask},
		{Name: "record build", Do: s.recordBuild, Timeout: short, Only: all},
	}
}

// remove takes a cluster away, whatever was made of it. Billing ends when there
// is nothing left that costs money.
func (s *steps) remove() []pipeline.Step {
	return []pipeline.Step{
		{Name: "end billing", Do: s.endBilling, Timeout: short},
	}
}

// task selects clusters whose maintenance task is one of these.
func task(these ...model.MaintenanceTask) func(*model.Cluster) bool {
	return func(c *model.Cluster) bool { return slices.Contains(these, taskOf(c)) }
}

func taskOf(c *model.Cluster) model.MaintenanceTask {
	return cmp.Or(c.Internal.MaintenanceTask, model.Everything)
}

// foreignTask selects clusters whose task only another release knows.
func foreignTask(c *model.Cluster) bool {
	return !slices.Contains(model.MaintenanceTasks(), taskOf(c))
}

// refuseTask fails the maintenance: to end well without a step would be a lie.
func refuseTask(_ context.Context, w *pipeline.Work) error {
	return arm.RequestNotAllowed.Errorf("This release of the service does not know the maintenance task %q. Repeat the request when all of it has been upgraded.", taskOf(w.Cluster()))
}

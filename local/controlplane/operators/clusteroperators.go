package operators

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/local/platform"
)

// facts are what operators look at.
type facts struct {
	nodes
	ingress  bool // the default router serves
	console  bool // the console is enabled
	degraded string
	rollout  string // what the API servers are rolling out; empty when settled
}

// verdict is how an operator finds its operand.
type verdict struct {
	available, progressing bool
	degraded               string // empty: it is not
	message                string
}

// without is the verdict on an operand of which something is missing; nothing if that is empty.
func (v verdict) without(missing string) verdict {
	if missing != "" && v.available {
		v.available, v.progressing, v.message = false, true, missing
	}
	return v
}

// check computes the state of an operand.
type check func(f facts) verdict

// onMasters needs a master to run on.
func onMasters(f facts) verdict {
	return verdict{available: f.readyMasters > 0, progressing: f.readyMasters == 0, message: fmt.Sprintf("%d of %d masters are ready", f.readyMasters, masters)}
}

// onEveryMaster has a part of the operand on each of them.
func onEveryMaster(f facts) verdict {
	v := onMasters(f)
	v.progressing = f.masters < masters
	if len(f.sleeping) > 0 {
		v.degraded = "the master nodes are not ready: " + strings.Join(f.sleeping, ", ")
	}
	return v
}

// apiServer rolls out certificates, too.
func apiServer(f facts) verdict {
	v := onEveryMaster(f)
	if f.rollout != "" {
		v.progressing, v.message = true, f.rollout
	}
	return v
}

// onWorkers needs a worker, besides a master for the operator.
func onWorkers(f facts) verdict {
	enough := f.enoughWorkers() && f.readyMasters > 0
	return verdict{available: enough, progressing: !enough, message: fmt.Sprintf("%d of %d workers are ready", f.readyWorkers, f.wantedWorkers)}
}

func ingress(f facts) verdict {
	v := onWorkers(f)
	v.available = v.available && f.ingress
	v.progressing, v.degraded = !v.available, f.degraded
	return v
}

// behindIngress has a route that must be reachable.
func behindIngress(f facts) verdict {
	v := onMasters(f)
	if !ingress(f).available {
		return verdict{progressing: true, message: "the route is not reachable before ingress is available"}
	}
	return v
}

func console(f facts) verdict {
	if !f.console {
		return verdict{available: f.readyMasters > 0, message: "no console is wanted"}
	}
	return behindIngress(f)
}

// checks are the operators of a release, by the names of their ClusterOperators.
var checks = map[string]check{
	"authentication": behindIngress, "cloud-controller-manager": onMasters, "cloud-credential": onMasters,
	"cluster-autoscaler": onMasters, "config-operator": onMasters, "console": console,
	"control-plane-machine-set": onMasters, "csi-snapshot-controller": onMasters, "dns": onMasters,
	"etcd": onEveryMaster, "image-registry": onWorkers, "ingress": ingress, "insights": onMasters,
	"kube-apiserver": apiServer, "kube-controller-manager": onEveryMaster, "kube-scheduler": onEveryMaster,
	"kube-storage-version-migrator": onMasters, "machine-api": onMasters, "machine-approver": onMasters,
	"machine-config": onMasters, "marketplace": onMasters, "monitoring": onWorkers, "network": onMasters,
	"node-tuning": onMasters, "openshift-apiserver": onMasters, "openshift-controller-manager": onMasters,
	"openshift-samples": onMasters, "operator-lifecycle-manager": onMasters,
	"operator-lifecycle-manager-catalog": onMasters, "operator-lifecycle-manager-packageserver": onMasters,
	"service-ca": onMasters, "storage": onMasters,
}

// clusterOperators reports on every operand. During an update, an operator reports that it is
// progressing before it has the new version.
func (o *operators) clusterOperators(ctx context.Context) (time.Duration, error) {
	f, err := o.facts(ctx)
	if err != nil {
		return 0, err
	}
	var version configv1.ClusterVersion
	if err := o.client.Get(ctx, client.ObjectKey{Name: "version"}, &version); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	desired := version.Status.Desired.Version
	if desired == "" {
		return 0, nil // the cluster version comes first
	}
	var errs []error
	for name, check := range checks {
		missing, err := o.unavailable(ctx, name)
		if err == nil {
			err = o.reportOperator(ctx, name, desired, check(f).without(missing))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("cluster operator %s: %w", name, err))
		}
	}
	return 0, errors.Join(errs...)
}

func (o *operators) facts(ctx context.Context) (facts, error) {
	n, err := o.nodes(ctx)
	if err != nil {
		return facts{}, err
	}
	f := facts{nodes: n}
	router := defaultIngress()
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(router), router); client.IgnoreNotFound(err) != nil {
		return f, err
	}
	for _, condition := range router.Status.Conditions {
		switch holds := condition.Status == operatorv1.ConditionTrue; condition.Type {
		case operatorv1.OperatorStatusTypeAvailable:
			f.ingress = holds
		case operatorv1.OperatorStatusTypeDegraded:
			if holds {
				f.degraded = condition.Message
			}
		}
	}
	var operator operatorv1.Console
	err = o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &operator)
	if client.IgnoreNotFound(err) != nil {
		return f, err
	}
	f.console = err == nil && operator.Spec.ManagementState != operatorv1.Removed
	f.rollout, err = o.rollout(ctx)
	return f, err
}

// rollout reports whether an API server still runs an older revision than it should.
func (o *operators) rollout(ctx context.Context) (string, error) {
	var servers operatorv1.KubeAPIServer
	if err := o.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &servers); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	for _, node := range servers.Status.NodeStatuses {
		if node.CurrentRevision < servers.Status.LatestAvailableRevision {
			return fmt.Sprintf("NodeInstallerProgressing: %s is at revision %d of %d", node.NodeName, node.CurrentRevision, servers.Status.LatestAvailableRevision), nil
		}
	}
	return "", nil
}

func (o *operators) reportOperator(ctx context.Context, name, desired string, v verdict) error {
	operator := &configv1.ClusterOperator{ObjectMeta: the(name)}
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(operator), operator); err != nil {
		return client.IgnoreNotFound(err) // it comes back, as all defaults do
	}
	status := operator.Status.DeepCopy()
	installed := operatorVersion(status)
	updating := installed != "" && installed != desired
	if updating && holds(status.Conditions, configv1.OperatorProgressing) && v.available {
		setVersion(status, desired) // the roll-out was announced before
		updating = false
	} else if installed == "" && v.available {
		setVersion(status, desired)
	}
	message := v.message
	if updating {
		v.progressing, message = true, "working towards "+desired
	}
	setCondition(&status.Conditions, configv1.OperatorAvailable, v.available, word(v.available, "AsExpected", "NotAvailable"), v.message)
	setCondition(&status.Conditions, configv1.OperatorProgressing, v.progressing, word(v.progressing, "Progressing", "AsExpected"), message)
	setCondition(&status.Conditions, configv1.OperatorDegraded, v.degraded != "", word(v.degraded != "", "Degraded", "AsExpected"), v.degraded)
	setCondition(&status.Conditions, configv1.OperatorUpgradeable, true, "AsExpected", "")
	status.RelatedObjects = relatedObjects(name)
	if equality.Semantic.DeepEqual(status, &operator.Status) {
		return nil
	}
	operator.Status = *status
	return o.client.Status().Update(ctx, operator)
}

// relatedObjects are where an operator's workloads are.
func relatedObjects(operator string) (all []configv1.ObjectReference) {
	for _, namespace := range platform.Namespaces(operator) {
		all = append(all, configv1.ObjectReference{Resource: "namespaces", Name: namespace})
	}
	return all
}

// operand is the name of the version that the whole release has.
const operand = "operator"

func operatorVersion(status *configv1.ClusterOperatorStatus) string {
	for _, version := range status.Versions {
		if version.Name == operand {
			return version.Version
		}
	}
	return ""
}

func setVersion(status *configv1.ClusterOperatorStatus, version string) {
	for i := range status.Versions {
		if status.Versions[i].Name == operand {
			status.Versions[i].Version = version
			return
		}
	}
	status.Versions = append(status.Versions, configv1.OperandVersion{Name: operand, Version: version})
}

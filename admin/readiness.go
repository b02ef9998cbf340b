package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/labstack/echo/v4"
	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/preflight"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/model"
)

// AdminValidateResize checks all that a resize of the control plane needs, and changes nothing.
func (a *API) AdminValidateResize(ec echo.Context, _, _, _ string, p api.AdminValidateResizeParams) error {
	c := ec.(*call)
	size, err := masterSize(p.VMSize)
	if err != nil {
		return err
	}
	c.Subject = size
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		k, err := a.open(c)
		if err != nil {
			return err
		}
		defer k.Close()
		nodes, err := k.masters(ctx)
		if err != nil {
			return err
		}
		of := &readiness{m: m, k: k, about: a.Azure.SubjectOf(m.cluster), size: size, nodes: nodes}
		return armhttp.Value(c, http.StatusOK, api.CheckList{Value: runChecks(ctx, of.checks())})
	})
}

// readiness is whether a control plane can be resized.
type readiness struct {
	m     *managed
	k     clusterAPI
	about azure.Subject
	size  string
	nodes []corev1.Node
}

// controlPlaneOperators run the API servers and etcd, of which a resize stops one at a time.
var controlPlaneOperators = []string{"kube-apiserver", "etcd"}

// checks are all of them. A machine that an earlier resize left behind is no fault: it is the one to go on with,
// and the operators and pods are not well before it is back.
func (r *readiness) checks() []check {
	running := preflight.NewRunning(r.m.cluster, r.m.Clients, r.about)
	atAzure := func(ask func(context.Context, []*armcompute.VirtualMachine, string) ([]*arm.Error, error)) func(context.Context) ([]string, string, error) {
		return func(ctx context.Context) ([]string, string, error) {
			machines, err := r.machines(ctx)
			if err != nil {
				return nil, "", ofAzure(err, r.about)
			}
			faults, err := ask(ctx, machines, r.size)
			return messages(faults, ofAzure(err, r.about))
		}
	}
	all := []check{
		{"OpenShift version", r.version},
		{"size in the region and its zones", atAzure(running.SizeFor)},
		{"quota", atAzure(running.QuotaFor)},
		{"API server", r.k.answers},
		{"nodes", r.nodesReady},
		{"machines", r.inventory},
		{"control plane machine set", r.machineSet},
		{"service principal", r.k.condition("ServicePrincipalValid")},
	}
	if r.m.cluster.UsesWorkloadIdentity() {
		all = all[:len(all)-1]
	}
	if !slices.ContainsFunc(r.nodes, func(n corev1.Node) bool { return !ready(&n) }) {
		for _, name := range controlPlaneOperators {
			all = append(all, check{"operator " + name, r.k.operator(name)})
		}
		all = append(all, check{"pods of etcd", r.pods("openshift-etcd", "etcd")}, check{"pods of the API server", r.pods("openshift-kube-apiserver", "openshift-kube-apiserver")})
	}
	return all
}

func (r *readiness) version(context.Context) (wrong []string, seen string, err error) {
	version := r.m.cluster.Properties.ClusterProfile.Version
	if !model.SupportedVMSizes(model.Master)[r.size].Supports(version) {
		wrong = append(wrong, fmt.Sprintf("OpenShift %s does not run on machines of the size %s.", version, r.size))
	}
	return wrong, version, nil
}

// machines reads the machines of the nodes.
func (r *readiness) machines(ctx context.Context) (all []*armcompute.VirtualMachine, err error) {
	for pages := r.m.VirtualMachines.NewListPager(r.m.group, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, vm := range page.Value {
			if vm != nil && vm.Properties != nil && r.m.isMaster(optional(vm.Name)) {
				all = append(all, vm)
			}
		}
	}
	return all, nil
}

// nodesReady finds that the control plane cannot do without one more machine.
func (r *readiness) nodesReady(context.Context) (wrong []string, seen string, err error) {
	if len(r.nodes) != 3 {
		wrong = append(wrong, fmt.Sprintf("The control plane has %d nodes, and a resize needs 3.", len(r.nodes)))
	}
	var away, names []string
	for i := range r.nodes {
		names = append(names, r.nodes[i].Name)
		if !ready(&r.nodes[i]) {
			away = append(away, r.nodes[i].Name)
		}
	}
	switch {
	case len(away) > 1:
		wrong = append(wrong, "The nodes "+strings.Join(away, " and ")+" are not ready.")
	case len(away) == 1:
		return wrong, away[0] + " is not ready, and the resize goes on with it", nil
	}
	return wrong, strings.Join(names, ", "), nil
}

// inventory finds that Azure and the cluster do not have the same machines.
func (r *readiness) inventory(ctx context.Context) (wrong []string, seen string, err error) {
	machines, err := r.machines(ctx)
	if err != nil {
		return nil, "", ofAzure(err, r.about)
	}
	var list machinev1beta1.MachineList
	if err := r.k.Read(ctx, "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines?labelSelector=machine.openshift.io%2Fcluster-api-machine-role%3Dmaster", &list); err != nil {
		return nil, "", ofCluster(err)
	}
	where := map[string][]string{}
	for _, vm := range machines {
		where[optional(vm.Name)] = append(where[optional(vm.Name)], "virtual machine")
	}
	for _, machine := range list.Items {
		where[machine.Name] = append(where[machine.Name], "Machine")
	}
	for _, node := range r.nodes {
		where[node.Name] = append(where[node.Name], "node")
	}
	for name, found := range where {
		if len(found) < 3 {
			wrong = append(wrong, fmt.Sprintf("%s is only a %s.", name, strings.Join(found, " and a ")))
		}
	}
	slices.Sort(wrong)
	return wrong, "", nil
}

// machineSet finds an active set, which would replace machines whose size changes.
func (r *readiness) machineSet(ctx context.Context) (wrong []string, seen string, err error) {
	var set machinev1.ControlPlaneMachineSet
	switch err := r.k.Read(ctx, "/apis/machine.openshift.io/v1/namespaces/openshift-machine-api/controlplanemachinesets/cluster", &set); {
	case apierrors.IsNotFound(err):
		return nil, "there is none", nil
	case err != nil:
		return nil, "", ofCluster(err)
	case set.Spec.State == machinev1.ControlPlaneMachineSetStateActive:
		return []string{"It is active and would replace the machines. Delete it, or let the operator of the service do so."}, "", nil
	}
	return nil, string(set.Spec.State), nil
}

// pods finds static pods of the control plane that are not ready. If a cluster has none at all, the result is
// unknown.
func (r *readiness) pods(namespace, app string) func(context.Context) ([]string, string, error) {
	return func(ctx context.Context) (wrong []string, seen string, err error) {
		var list corev1.PodList
		if err := r.k.Read(ctx, "/api/v1/namespaces/"+namespace+"/pods?labelSelector=app%3D"+app, &list); err != nil {
			return nil, "", ofCluster(err)
		}
		if len(list.Items) == 0 {
			return nil, "", arm.RequestNotAllowed.Errorf("The cluster has no such pods.")
		}
		if n := len(list.Items); n < len(r.nodes) {
			wrong = append(wrong, fmt.Sprintf("There are %d for %d nodes.", n, len(r.nodes)))
		}
		for _, pod := range list.Items {
			if !slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue }) {
				wrong = append(wrong, pod.Name+" is not ready.")
			}
		}
		return wrong, fmt.Sprintf("%d are ready", len(list.Items)), nil
	}
}

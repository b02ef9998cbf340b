package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	operatorv1 "github.com/openshift/api/operator/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/preflight"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/openshift"
)

// check is a question about a cluster.
type check struct {
	name string
	// ask returns what is wrong, or what was seen if nothing is. An error means that it is not known.
	ask func(ctx context.Context) (wrong []string, seen string, err error)
}

// checkTimeout bounds one check, so that a cluster that does not answer leaves the others their time.
const checkTimeout = 20 * time.Second

// runChecks runs all checks at once. Their results are in their order.
func runChecks(ctx context.Context, checks []check) []api.Check {
	results := make([]api.Check, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			wrong, seen, err := c.ask(ctx)
			results[i] = api.Check{Name: c.name, Outcome: api.CheckOutcomeSucceeded, Message: cmp.Or(seen, "no problem found")}
			switch {
			case len(wrong) > 0:
				results[i].Outcome, results[i].Message = api.CheckOutcomeFailed, strings.Join(wrong, " ")
			case err != nil:
				results[i].Outcome, results[i].Message = api.CheckOutcomeUnknown, reason(err)
			}
		})
	}
	all.Wait()
	return results
}

// reason is why a check has no result, for the caller.
func reason(err error) string {
	if known, ok := errors.AsType[*arm.Error](err); ok {
		return known.Message
	}
	return openshift.Why(err)
}

// failed returns those that failed, with their names.
func failed(checks []api.Check) (faults arm.Faults) {
	for _, c := range checks {
		if c.Outcome == api.CheckOutcomeFailed {
			faults.Add(arm.RequestNotAllowed, "vmSize", "%s: %s", c.Name, c.Message)
		}
	}
	return faults
}

// messages are the messages of faults of Azure.
func messages(faults []*arm.Error, err error) (wrong []string, seen string, _ error) {
	for _, fault := range faults {
		wrong = append(wrong, fault.Message)
	}
	return wrong, "", err
}

// AdminCheckNetwork checks the network of a cluster from both sides: at Azure and in the cluster.
func (a *API) AdminCheckNetwork(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	return a.withAzure(c, func(ctx context.Context, m *managed) error {
		about := a.Azure.SubjectOf(m.cluster)
		checks := atAzure(preflight.NewRunning(m.cluster, m.Clients, about), about)
		k, err := a.open(c)
		if err != nil {
			checks = append(checks, check{"API server", func(context.Context) ([]string, string, error) { return []string{reason(err)}, "", nil }})
		} else {
			defer k.Close()
			checks = append(checks, k.networkChecks()...)
		}
		return armhttp.Value(c, http.StatusOK, api.CheckList{Value: runChecks(ctx, checks)})
	})
}

// atAzure are the checks of what the customer provides. They run one after the other.
func atAzure(running preflight.Running, about azure.Subject) []check {
	return []check{
		{"networks, subnets and routes", func(ctx context.Context) ([]string, string, error) {
			faults, err := running.Networks(ctx)
			return messages(faults, ofAzure(err, about))
		}},
		{"DNS servers of the networks", func(ctx context.Context) (wrong []string, seen string, err error) {
			networks, err := running.NameServers(ctx)
			var lines []string
			for _, id := range slices.Sorted(maps.Keys(networks)) {
				servers := strings.Join(networks[id], ", ")
				lines = append(lines, lastPart(id)+": "+cmp.Or(servers, "Azure's own"))
			}
			return nil, strings.Join(lines, "; "), ofAzure(err, about)
		}},
	}
}

// networkChecks are the checks of what the cluster says about its network.
func (k clusterAPI) networkChecks() []check {
	return []check{
		{"API server", k.answers},
		{"outbound connections of masters", k.condition("InternetReachableFromMaster")},
		{"outbound connections of workers", k.condition("InternetReachableFromWorker")},
		{"DNS of the cluster", k.condition("DefaultClusterDNS")},
		{"operator network", k.operator("network")},
		{"operator dns", k.operator("dns")},
		{"operator ingress", k.operator("ingress")},
		{"connections between nodes", k.connections},
	}
}

// answers measures how long the API server takes to say that it is ready.
func (k clusterAPI) answers(ctx context.Context) (wrong []string, seen string, err error) {
	began := time.Now()
	answer, err := k.Send(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return []string{reason(ofCluster(err))}, "", nil
	}
	defer func() { _ = answer.Body.Close() }()
	return nil, fmt.Sprintf("is ready; it answered after %s", time.Since(began).Round(time.Millisecond)), nil
}

// operator checks that a cluster operator is well.
func (k clusterAPI) operator(name string) func(context.Context) ([]string, string, error) {
	return func(ctx context.Context) (wrong []string, seen string, err error) {
		why, err := k.Unsettled(ctx, name)
		if why != "" {
			return []string{"The operator " + name + " is " + why + "."}, "", nil
		}
		return nil, "", ofCluster(err)
	}
}

// condition checks a condition of the service's operator, which looks from inside the cluster.
func (k clusterAPI) condition(name string) func(context.Context) ([]string, string, error) {
	return func(ctx context.Context) (wrong []string, seen string, err error) {
		var found struct {
			Status struct {
				Conditions []operatorv1.OperatorCondition
			}
		}
		if err := k.Read(ctx, "/apis/aro.openshift.io/v1alpha1/clusters/cluster", &found); err != nil {
			return nil, "", ofCluster(err)
		}
		for _, c := range found.Status.Conditions {
			switch {
			case c.Type != name:
			case c.Status == operatorv1.ConditionTrue:
				return nil, arm.Plain(c.Message, maxStatus), nil
			case c.Status == operatorv1.ConditionFalse:
				return []string{fmt.Sprintf("Since %s: %s", c.LastTransitionTime.UTC().Format(time.RFC3339), arm.Plain(cmp.Or(c.Message, c.Reason), maxStatus))}, "", nil
			default:
				return nil, "", arm.RequestNotAllowed.Errorf("%s", arm.Plain(cmp.Or(c.Message, c.Reason, "The operator does not know."), maxStatus))
			}
		}
		return nil, "", arm.RequestNotAllowed.Errorf("The operator of the service has not reported %s.", name)
	}
}

// connections reads the checks that OpenShift makes between its nodes and API servers.
func (k clusterAPI) connections(ctx context.Context) (wrong []string, seen string, err error) {
	var list struct {
		Items []struct {
			Spec   struct{ SourcePod, TargetEndpoint string }
			Status struct {
				Conditions []struct{ Type, Status, Message string }
			}
		}
	}
	const path = "/apis/controlplane.operator.openshift.io/v1alpha1/namespaces/openshift-network-diagnostics/podnetworkconnectivitychecks"
	switch err := k.Read(ctx, path, &list); {
	case apierrors.IsNotFound(err):
		return nil, "", arm.RequestNotAllowed.Errorf("The cluster does not check them.")
	case err != nil:
		return nil, "", ofCluster(err)
	}
	for _, item := range list.Items {
		for _, c := range item.Status.Conditions {
			if c.Type == "Reachable" && c.Status == "False" {
				wrong = append(wrong, arm.Plain(fmt.Sprintf("%s does not reach %s: %s.", item.Spec.SourcePod, item.Spec.TargetEndpoint, c.Message), maxStatus))
			}
		}
	}
	return wrong, fmt.Sprintf("%d are checked", len(list.Items)), nil
}

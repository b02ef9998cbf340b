package proof

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// operatorTimeout bounds what is done to the operators of both clusters.
const operatorTimeout = 2 * time.Minute

const (
	operatorNamespace = "openshift-azure-operator"
	operatorMaster    = "aro-operator-master"
)

var (
	aroClusters        = schema.GroupVersionResource{Group: "aro.openshift.io", Version: "v1alpha1", Resource: "clusters"}
	ingressControllers = schema.GroupVersionResource{Group: "operator.openshift.io", Version: "v1", Resource: "ingresscontrollers"}
	healthChecks       = schema.GroupVersionResource{Group: "machine.openshift.io", Version: "v1beta1", Resource: "machinehealthchecks"}
)

// TestClustersAreRepairedAndWatched breaks clusters of both kinds of identity by hand. The
// operator, which the service's own steps deployed, repairs what it answers for; the monitor
// tells of the rest, and when it is mended. Both share the clusters to save their creates.
func TestClustersAreRepairedAndWatched(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, "ARO_LOCAL_OPERATOR=true", "ARO_LOCAL_MONITOR=true",
		"ARO_MONITOR_INTERVAL="+watchEvery.String(), "ARO_MONITOR_FEED_INTERVAL=2s")
	w.isMonitored(t)
	before := w.footprint(t.Context(), t)
	principal, workload := w.customer(t, order{name: "broken"}), w.customer(t, order{name: "modern", workload: true})
	t.Run("repaired", func(t *testing.T) {
		t.Run("service principal", func(t *testing.T) {
			t.Parallel()
			k := principal.operated(t)
			ctx, cancel := context.WithTimeout(t.Context(), operatorTimeout)
			defer cancel()
			principal.repairsItself(ctx, t, k)
			principal.regainsSecurityGroup(ctx, t, k)
			principal.rotates(ctx, t, k)
		})
		t.Run("workload identity", func(t *testing.T) {
			t.Parallel()
			k := workload.operated(t)
			ctx, cancel := context.WithTimeout(t.Context(), operatorTimeout)
			defer cancel()
			workload.regainsSecurityGroup(ctx, t, k)
			k.followsPools(ctx, t)
			k.isBehindItsOperators(ctx, t)
		})
	})
	if t.Failed() {
		return
	}
	t.Run("watched", func(t *testing.T) { isWatched(t, &monitored{principal}, &monitored{workload}) })
	t.Run("removed", func(t *testing.T) {
		for _, c := range []*customer{principal, workload} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.removed(t)
			})
		}
	})
	w.isAsBefore(t, before)
}

// operated makes the cluster, and waits until its operator is well.
func (c *customer) operated(t *testing.T) *kube {
	t.Helper()
	began := time.Now()
	c.created(t)
	t.Logf("%s is created after %s", c.name, time.Since(began).Truncate(time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), operatorTimeout)
	defer cancel()
	k := c.kube(ctx, t)
	k.isUpdated(ctx, t) // the operator's first machine configs restart nodes, with its pods
	k.isOperated(ctx, t)
	t.Logf("its operator is well after %s", time.Since(began).Truncate(time.Second))
	return k
}

// isOperated waits until the operator runs as processes of this machine, all of its
// controllers are well, and the cluster says so.
func (k *kube) isOperated(ctx context.Context, t *testing.T) {
	t.Helper()
	var wrong []string
	became := until(ctx, func() (bool, error) {
		cluster, err := k.dynamic.Resource(aroClusters).Get(ctx, "cluster", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		reporter, err := k.dynamic.Resource(clusterOperators).Get(ctx, serviceOperator, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		wrong, err = k.wrongPods(ctx)
		if err != nil {
			return false, err
		}
		told := conditions(cluster)
		for _, finding := range []string{"InternetReachableFromMaster", "InternetReachableFromWorker", "ServicePrincipalValid", "DefaultClusterDNS", "DefaultIngressCertificate", "MachineValid"} {
			if told[finding] != "True" {
				wrong = append(wrong, fmt.Sprintf("%s is %q", finding, told[finding]))
			}
		}
		for condition, status := range told {
			good := status == "True"
			if strings.HasSuffix(condition, "ControllerProgressing") || strings.HasSuffix(condition, "ControllerDegraded") {
				good = status == "False"
			}
			if !good {
				wrong = append(wrong, condition+" is "+status)
			}
		}
		summary := conditions(reporter)
		if summary["Available"] != "True" || summary["Progressing"] != "False" || summary["Degraded"] != "False" {
			wrong = append(wrong, fmt.Sprintf("ClusterOperator aro: %v", summary))
		}
		return len(wrong) == 0, nil
	})
	if became != nil {
		t.Fatalf("the operator is not well: %v: %s", became, strings.Join(wrong, ", "))
	}
}

// wrongPods says why the operator's pods are not two that are processes of this machine.
func (k *kube) wrongPods(ctx context.Context) (wrong []string, err error) {
	pods, err := k.CoreV1().Pods(operatorNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	// One that was replaced may still be ending.
	pods.Items = slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if len(pods.Items) != 2 {
		wrong = append(wrong, fmt.Sprintf("the operator has %d pods, want 2", len(pods.Items)))
	}
	for _, pod := range pods.Items {
		if statuses := pod.Status.ContainerStatuses; len(statuses) != 1 || !strings.HasPrefix(statuses[0].ContainerID, "process://") {
			wrong = append(wrong, fmt.Sprintf("the pod %s has the containers %+v", pod.Name, statuses))
		}
	}
	return wrong, nil
}

// repairsItself breaks objects of the cluster.
func (c *customer) repairsItself(ctx context.Context, t *testing.T, k *kube) {
	t.Helper()
	const role = "system:aro-sre"
	roles := k.RbacV1().ClusterRoles()
	if err := roles.Delete(ctx, role, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the role is made again", func() (bool, error) {
		_, err := roles.Get(ctx, role, metav1.GetOptions{})
		return err == nil, ignoreAbsent(err)
	})
	routers := k.dynamic.Resource(ingressControllers).Namespace("openshift-ingress-operator")
	k.patch(ctx, t, ingressControllers, "openshift-ingress-operator", "default", `{"spec":{"replicas":1}}`)
	eventually(ctx, t, "the router has two replicas again", func() (bool, error) {
		router, err := routers.Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		replicas, _, err := unstructured.NestedInt64(router.Object, "spec", "replicas")
		return replicas == 2, err
	})
	eventually(ctx, t, "alertmanager has a receiver that answers", func() (bool, error) {
		secret, err := k.CoreV1().Secrets("openshift-monitoring").Get(ctx, "alertmanager-main", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return strings.Contains(string(secret.Data["alertmanager.yaml"]), operatorMaster), nil
	})
	// What its flag turns off stays broken. That the operator knows the flag is seen by another
	// that is set with it: the operator may notice a deletion by hand before it notices a flag.
	checks := k.dynamic.Resource(healthChecks).Namespace(machineNamespace)
	health := func() error {
		_, err := checks.Get(ctx, "aro-machinehealthcheck", metav1.GetOptions{})
		return err
	}
	(&patient{customer: c}).maintainWith(ctx, t, "SyncClusterObject", m{"aro.rbac.enabled": "false", "aro.machinehealthcheck.managed": "false"})
	eventually(ctx, t, "the health check that is not managed is gone", func() (bool, error) {
		err := health()
		return apierrors.IsNotFound(err), ignoreAbsent(err)
	})
	if err := roles.Delete(ctx, role, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k.patch(ctx, t, aroClusters, "", "cluster", `{"spec":{"operatorflags":{"aro.machinehealthcheck.managed":"true"}}}`)
	eventually(ctx, t, "the health check is made again", func() (bool, error) {
		err := health()
		return err == nil, ignoreAbsent(err)
	})
	if _, err := roles.Get(ctx, role, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a role is made whose flag is off: %v", err)
	}
}

func ignoreAbsent(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (k *kube) patch(ctx context.Context, t *testing.T, kind schema.GroupVersionResource, namespace, name, change string) {
	t.Helper()
	if _, err := k.dynamic.Resource(kind).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(change), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// regainsSecurityGroup takes the security group off a subnet. The operator looks at Azure
// once an hour, and when machines change.
func (c *customer) regainsSecurityGroup(ctx context.Context, t *testing.T, k *kube) {
	t.Helper()
	subnet := c.network + "/subnets/worker"
	group := func() (body, properties, group m) {
		c.want(ctx, t, http.MethodGet, subnet+"?api-version="+networkAPI, nil, &body)
		properties, _ = body["properties"].(m)
		group, _ = properties["networkSecurityGroup"].(m)
		return body, properties, group
	}
	body, properties, had := group()
	if had == nil {
		t.Fatalf("the subnet has no security group: %v", properties)
	}
	delete(properties, "networkSecurityGroup")
	c.put(ctx, t, subnet, networkAPI, body)
	sets, err := k.dynamic.Resource(machineSets).Namespace(machineNamespace).List(ctx, metav1.ListOptions{})
	if err != nil || len(sets.Items) == 0 {
		t.Fatalf("there are %d machine sets: %v", len(sets.Items), err)
	}
	k.patch(ctx, t, machineSets, machineNamespace, sets.Items[0].GetName(), `{"metadata":{"annotations":{"example.com/touched":"yes"}}}`)
	eventually(ctx, t, "the subnet has its security group again", func() (bool, error) {
		_, _, has := group()
		return has != nil && has["id"] == had["id"], nil
	})
}

// rotates gives the cluster another secret: the operator starts with it.
func (c *customer) rotates(ctx context.Context, t *testing.T, k *kube) {
	t.Helper()
	started := func() string {
		deployment, err := k.AppsV1().Deployments(operatorNamespace).Get(ctx, operatorMaster, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return deployment.Spec.Template.Annotations["checksum/secret-azure-cloud-credentials"]
	}
	before := started()
	profile := m{"clientId": c.body["properties"].(m)["servicePrincipalProfile"].(m)["clientId"], "clientSecret": c.newSecret(ctx, t)}
	c.body = c.with(m{"servicePrincipalProfile": profile})
	c.succeeds(ctx, t, c.ask(ctx, t, c.body))
	if after := started(); after == before {
		t.Error("the operator was not started again for its new secret")
	}
	eventually(ctx, t, "the new operator runs", func() (bool, error) {
		deployment, err := k.AppsV1().Deployments(operatorNamespace).Get(ctx, operatorMaster, metav1.GetOptions{})
		return err == nil && isRolledOut(deployment), err
	})
	k.isOperated(ctx, t)
}

func isRolledOut(d *appsv1.Deployment) bool {
	return d.Status.ObservedGeneration == d.Generation && d.Status.Replicas == 1 && d.Status.UpdatedReplicas == 1 && d.Status.AvailableReplicas == 1
}

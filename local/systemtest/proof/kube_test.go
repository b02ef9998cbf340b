package proof

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kube is a cluster as its administrators reach it.
type kube struct {
	*kubernetes.Clientset
	dynamic dynamic.Interface
	config  *rest.Config
	// kubeconfig is that of a customer's administrators, as the service gives it.
	kubeconfig []byte
}

var (
	clusterVersions  = schema.GroupVersionResource{Group: "config.openshift.io", Version: "v1", Resource: "clusterversions"}
	clusterOperators = schema.GroupVersionResource{Group: "config.openshift.io", Version: "v1", Resource: "clusteroperators"}
	machineSets      = schema.GroupVersionResource{Group: "machine.openshift.io", Version: "v1beta1", Resource: "machinesets"}
)

const (
	machineNamespace = "openshift-machine-api"
	// serviceOperator is the ClusterOperator that is none of OpenShift's.
	serviceOperator = "aro"
)

// kube uses the kubeconfig that the service gives administrators. To a private
// cluster it goes by the service's own private endpoint: this machine is in no
// virtual network.
func (c *customer) kube(ctx context.Context, t *testing.T) *kube {
	t.Helper()
	var credentials struct{ Kubeconfig string }
	c.want(ctx, t, http.MethodPost, c.id()+"/listAdminCredentials?api-version="+newestAPI, nil, &credentials)
	text, err := base64.StdEncoding.DecodeString(credentials.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	config.Timeout = 15 * time.Second
	if c.private {
		address := net.JoinHostPort(c.endpoint(ctx, t), "6443")
		config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
		}
	}
	k := connect(t, config)
	k.kubeconfig = text
	return k
}

func connect(t *testing.T, config *rest.Config) *kube {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	plain, err := kubernetes.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	k := &kube{Clientset: plain, config: config}
	if k.dynamic, err = dynamic.NewForConfigAndClient(config, client); err != nil {
		t.Fatal(err)
	}
	return k
}

// endpoint is the address of the service's private endpoint to the cluster.
func (c *customer) endpoint(ctx context.Context, t *testing.T) string {
	t.Helper()
	var cluster struct {
		Properties struct {
			ClusterProfile struct{ ResourceGroupID string }
		}
	}
	c.want(ctx, t, http.MethodGet, c.id()+"?api-version="+newestAPI, nil, &cluster)
	managed := strings.ToLower(cluster.Properties.ClusterProfile.ResourceGroupID) + "/"
	group := "/subscriptions/" + c.service.SubscriptionID + "/resourceGroups/aro-rp/providers/Microsoft.Network/"
	var list struct {
		Value []struct {
			Properties struct {
				NetworkInterfaces                   []struct{ ID string }
				ManualPrivateLinkServiceConnections []struct {
					Properties struct{ PrivateLinkServiceID string }
				}
			}
		}
	}
	c.service.want(ctx, t, http.MethodGet, group+"privateEndpoints?api-version="+networkAPI, nil, &list)
	for _, endpoint := range list.Value {
		links := endpoint.Properties.ManualPrivateLinkServiceConnections
		if len(links) == 0 || !strings.HasPrefix(strings.ToLower(links[0].Properties.PrivateLinkServiceID), managed) {
			continue
		}
		var nic struct {
			Properties struct {
				IPConfigurations []struct {
					Properties struct{ PrivateIPAddress string }
				}
			}
		}
		c.service.want(ctx, t, http.MethodGet, endpoint.Properties.NetworkInterfaces[0].ID+"?api-version="+networkAPI, nil, &nic)
		return nic.Properties.IPConfigurations[0].Properties.PrivateIPAddress
	}
	t.Fatalf("%s has no private endpoint; there are %+v", c.name, list.Value)
	return ""
}

// isWell checks what administrators look at first.
func (k *kube) isWell(ctx context.Context, t *testing.T, workers int) {
	t.Helper()
	version, err := k.dynamic.Resource(clusterVersions).Get(ctx, "version", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if conditions := conditions(version); conditions["Available"] != "True" || conditions["Progressing"] == "True" {
		t.Errorf("the version's conditions are %v", conditions)
	}
	operators, err := k.dynamic.Resource(clusterOperators).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(operators.Items) < 20 {
		t.Errorf("there are %d cluster operators, too few for OpenShift", len(operators.Items))
	}
	for i := range operators.Items {
		name, conditions := operators.Items[i].GetName(), conditions(&operators.Items[i])
		if name == serviceOperator { // no release waits for it; see isOperated
			continue
		}
		if conditions["Available"] != "True" || conditions["Degraded"] == "True" {
			t.Errorf("the operator %s has the conditions %v", name, conditions)
		}
	}
	if masters := k.ready(ctx, t, "master"); masters != 3 {
		t.Errorf("%d masters are ready, want 3", masters)
	}
	k.hasWorkers(ctx, t, workers)
}

func conditions(object *unstructured.Unstructured) map[string]string {
	found := map[string]string{}
	list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, one := range list {
		if one, ok := one.(map[string]any); ok {
			kind, _ := one["type"].(string)
			found[kind], _ = one["status"].(string)
		}
	}
	return found
}

// ready counts nodes of a role.
func (k *kube) ready(ctx context.Context, t *testing.T, role string) (n int) {
	t.Helper()
	nodes, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/" + role})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

// hasWorkers waits until exactly so many are ready.
func (k *kube) hasWorkers(ctx context.Context, t *testing.T, want int) {
	t.Helper()
	eventually(ctx, t, "the workers", func() (bool, error) { return k.ready(ctx, t, "worker") == want, nil })
}

// scale changes the replicas of the first machine set by so many.
func (k *kube) scale(ctx context.Context, t *testing.T, by int64) {
	t.Helper()
	sets := k.dynamic.Resource(machineSets).Namespace(machineNamespace)
	list, err := sets.List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("there are %d machine sets: %v", len(list.Items), err)
	}
	replicas, _, err := unstructured.NestedInt64(list.Items[0].Object, "spec", "replicas")
	if err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"spec":{"replicas":` + string(rune('0'+replicas+by)) + `}}`)
	if _, err := sets.Patch(ctx, list.Items[0].GetName(), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

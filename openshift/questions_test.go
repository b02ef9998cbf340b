package openshift_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aro-rp/aro/openshift"
)

// with is a cluster that has these objects.
func with(objects ...client.Object) *openshift.Cluster {
	return openshift.Over(faked{fake.NewClientBuilder().WithScheme(openshift.Scheme()).WithObjects(objects...).Build()})
}

func operator(name string, conditions ...string) *configv1.ClusterOperator {
	o := &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, c := range conditions {
		kind, status, _ := strings.Cut(c, "=")
		status, message, _ := strings.Cut(status, ":")
		o.Status.Conditions = append(o.Status.Conditions, configv1.ClusterOperatorStatusCondition{
			Type: configv1.ClusterStatusConditionType(kind), Status: configv1.ConditionStatus(status), Message: message})
	}
	return o
}

func TestWhenAnOperatorIsReady(t *testing.T) {
	tests := map[string]struct {
		why        string
		conditions []string
		missing    string
	}{
		"ready":                 {"nothing is wrong", []string{"Available=True", "Progressing=False", "Degraded=False"}, ""},
		"silent about degraded": {"absent means not degraded", []string{"Available=True", "Progressing=False"}, ""},
		"unavailable":           {"it does not serve", []string{"Available=False:no replicas", "Progressing=False"}, "the operator x (not available: no replicas)"},
		"silent":                {"it did not begin", nil, "the operator x (not available)"},
		"progressing":           {"it may become unavailable", []string{"Available=True", "Progressing=True:revision 7"}, "the operator x (progressing: revision 7)"},
		"silent on progress":    {"it may progress", []string{"Available=True"}, "the operator x (progressing)"},
		"degraded":              {"that explains more than progress", []string{"Available=True", "Progressing=True", "Degraded=True:disk full"}, "the operator x (degraded: disk full)"},
		"unknown degraded":      {"it may be", []string{"Available=True", "Progressing=False", "Degraded=Unknown"}, "the operator x (degraded)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			missing, err := with(operator("x", test.conditions...)).Settled(t.Context(), "x")
			if err != nil || missing != test.missing {
				t.Errorf("%s: missing %q, error %v, want %q", test.why, missing, err, test.missing)
			}
		})
	}
	missing, err := with(operator("a", "Available=True", "Progressing=False")).Settled(t.Context(), "a", "b")
	if err != nil || missing != "the operator b (not there yet)" {
		t.Errorf("an absent operator: missing %q, error %v", missing, err)
	}
}

func worker(name, phase, message string) *machinev1beta1.Machine {
	m := &machinev1beta1.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-machine-api", Name: name,
		Labels: map[string]string{"machine.openshift.io/cluster-api-machine-role": "worker"}}}
	m.Status.Phase = &phase
	if message != "" {
		raw, _ := json.Marshal(machinev1beta1.AzureMachineProviderStatus{Conditions: []metav1.Condition{{Type: "MachineCreated", Message: message}}})
		m.Status.ProviderStatus = &runtime.RawExtension{Raw: raw}
	}
	return m
}

func node(name string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"node-role.kubernetes.io/worker": ""}},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}
}

func TestWhenWorkersAreReady(t *testing.T) {
	const quota = "compute.VirtualMachinesClient: QuotaExceeded: cores of family standardDSv3Family, limit 10"
	tests := map[string]struct {
		why              string
		objects          []client.Object
		missing, machine string
	}{
		"enough":        {"one may come later", []client.Object{worker("a", "Running", ""), worker("b", "Running", ""), worker("c", "Provisioning", ""), node("a", "True"), node("b", "True")}, "", ""},
		"too few run":   {"", []client.Object{worker("a", "Running", ""), worker("b", "Provisioned", ""), node("a", "True"), node("b", "True")}, "2 worker machines to run, 1 do", ""},
		"too few ready": {"a machine may run without its node", []client.Object{worker("a", "Running", ""), worker("b", "Running", ""), node("a", "True"), node("b", "Unknown")}, "2 worker nodes to be ready, 1 are", ""},
		"none yet":      {"", nil, "2 worker machines to run, 0 do", ""},
		"no room":       {"OpenShift never tries it again", []client.Object{worker("a", "Failed", quota)}, "", "a"},
		"failed":        {"for another reason, which its health check may cure", []client.Object{worker("a", "Failed", "disk on fire")}, "2 worker machines to run, 0 do", ""},
		"no room yet":   {"it has not failed", []client.Object{worker("a", "Provisioning", quota)}, "2 worker machines to run, 0 do", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			missing, err := with(test.objects...).WorkersReady(t.Context(), 2)
			var full *openshift.CapacityError
			if errors.As(err, &full) != (test.machine != "") || full != nil && (full.Machine != test.machine || full.Message != quota) || missing != test.missing {
				t.Errorf("%s: missing %q, error %v", test.why, missing, err)
			}
		})
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	kind := schema.GroupResource{Resource: "secrets"}
	for name, test := range map[string]struct {
		err         error
		unreachable bool
		obstacle    string
	}{
		"busy":         {apierrors.NewTooManyRequests("busy", 1), true, ""},
		"starting":     {apierrors.NewServiceUnavailable("etcd"), true, ""},
		"unauthorized": {apierrors.NewUnauthorized("who?"), false, "credentials"},
		"forbidden":    {apierrors.NewForbidden(kind, "s", nil), false, "let the service"},
		"not there":    {apierrors.NewNotFound(kind, "s"), false, "to create"},
		"written":      {apierrors.NewConflict(kind, "s", nil), false, "write the same"},
		"created":      {apierrors.NewAlreadyExists(kind, "s"), false, "create the same"},
		"wrong":        {apierrors.NewBadRequest("wrong"), false, ""},
	} {
		err := fmt.Errorf("read it: %w", test.err)
		if got := openshift.Obstacle(err); openshift.Unreachable(err) != test.unreachable || (got == "") != (test.obstacle == "") || !strings.Contains(got, test.obstacle) {
			t.Errorf("%s: unreachable %v, obstacle %q", name, openshift.Unreachable(err), got)
		}
	}
}

func TestPoolsAreThoseOfWorkers(t *testing.T) {
	set := func(name, role, spec string) *machinev1beta1.MachineSet {
		m := &machinev1beta1.MachineSet{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-machine-api", Name: name}}
		m.Spec.Template.Labels = map[string]string{"machine.openshift.io/cluster-api-machine-role": role}
		count := int32(2)
		m.Spec.Replicas = &count
		m.Spec.Template.Spec.ProviderSpec.Value = &runtime.RawExtension{Raw: []byte(spec)}
		return m
	}
	const spec = `{"vmSize":"Standard_D4s_v5","zone":"1","vnet":"v","subnet":"s","networkResourceGroup":"g","securityProfile":{"encryptionAtHost":true},
		"osDisk":{"diskSizeGB":128,"managedDisk":{"storageAccountType":"Premium_LRS","diskEncryptionSet":{"id":"/des"}}}}`
	pools, err := with(set("z", "worker", spec), set("a", "worker", spec), set("infra", "infra", spec), set("broken", "worker", `{"vmSize":1}`)).Pools(t.Context())
	if err != nil || len(pools) != 2 || pools[0].Name != "a" {
		t.Fatalf("pools %+v, error %v", pools, err)
	}
	want := openshift.Pool{Name: "a", Zone: "1", Count: 2, VMSize: "Standard_D4s_v5", DiskSizeGB: 128, NetworkGroup: "g", VirtualNetwork: "v", Subnet: "s", EncryptionAtHost: true, DiskEncryptionSetID: "/des"}
	if pools[0] != want {
		t.Errorf("got %+v, want %+v", pools[0], want)
	}
}

func TestFindingsNameTroubleFirst(t *testing.T) {
	findings := with(operator("console", "Available=False:no route"), operator("dns", "Available=True", "Progressing=False"),
		worker("w-0", "Failed", ""), node("w-1", "Unknown")).Findings(t.Context())
	text := ""
	for _, f := range findings {
		text += f.Name + "\n" + f.Text + "\n"
	}
	for _, want := range []string{"cluster version\ncannot be read", "1 of 2 are ready\nconsole: not available: no route", "w-1: Ready=Unknown", "w-0 Failed"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

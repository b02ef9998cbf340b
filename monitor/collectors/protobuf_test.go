package collectors

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// encoded is an object as API servers encode it.
func encoded(t testing.TB, object runtime.Object) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := protobuf.NewSerializer(nil, nil).Encode(object, &text); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// TestProtobufSaysWhatJSONSays encodes objects with Kubernetes' own code.
func TestProtobufSaysWhatJSONSays(t *testing.T) {
	meta := metav1.ObjectMeta{Name: "name", Namespace: "namespace", Generation: 7, Labels: map[string]string{"a": "b", "c": ""}, Annotations: map[string]string{"d": "e"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:spec":{}}`)}}}}
	list := metav1.ListMeta{ResourceVersion: "5", Continue: "next"}
	replicas := int32(0)
	pods := &corev1.PodList{ListMeta: list, Items: []corev1.Pod{{}, {ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "c"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Reason: "Preempting", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "r", Message: "m"}, {Type: corev1.PodInitialized}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "one", RestartCount: 12, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "m"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137}}}, {Name: "two", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}}}
	nodes := &corev1.NodeList{Items: []corev1.Node{{ObjectMeta: meta, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Message: "m"}},
		NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.32.1", MachineID: "id"}}}}}
	deployments := &appsv1.DeploymentList{ListMeta: list, Items: []appsv1.Deployment{{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &replicas},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 7, Replicas: 1, UpdatedReplicas: 2, AvailableReplicas: 3}}, {}}}
	sets := &appsv1.DaemonSetList{Items: []appsv1.DaemonSet{{ObjectMeta: meta, Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 6, NumberAvailable: 4}}}}
	for object, into := range map[runtime.Object][2]any{
		pods:        {&page[pod]{}, &page[pod]{}},
		nodes:       {&page[node]{}, &page[node]{}},
		deployments: {&page[deployment]{}, &page[deployment]{}},
		sets:        {&page[daemonSet]{}, &page[daemonSet]{}},
	} {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into[0]); err != nil {
			t.Fatal(err)
		}
		whole := encoded(t, object)
		if err := unmarshalProtobuf(whole, into[1]); err != nil {
			t.Fatal(err)
		}
		if !isProtobuf(reflect.TypeOf(into[0]).Elem()) || !reflect.DeepEqual(into[0], into[1]) {
			t.Errorf("protobuf says\n%+v\nand JSON\n%+v", into[1], into[0])
		}
		for n := range whole { // never a panic
			if n < 64 || n%7 == 0 {
				_ = unmarshalProtobuf(whole[:n], reflect.New(reflect.TypeOf(into[0]).Elem()).Interface())
			}
		}
	}
	if err := unmarshalProtobuf([]byte(`{"kind":"PodList"}`), &page[pod]{}); err == nil {
		t.Error("JSON is read as protobuf")
	}
	for _, kind := range []any{page[clusterOperator]{}, page[tlsSecret]{}, clusterVersion{}, page[machine]{}} {
		if isProtobuf(reflect.TypeOf(kind)) {
			t.Errorf("a %T is asked for as protobuf, and has no numbers of its members", kind)
		}
	}
}

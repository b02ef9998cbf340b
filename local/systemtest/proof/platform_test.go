package proof

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	pools          = schema.GroupVersionResource{Group: "machineconfiguration.openshift.io", Version: "v1", Resource: "machineconfigpools"}
	machineConfigs = schema.GroupVersionResource{Group: "machineconfiguration.openshift.io", Version: "v1", Resource: "machineconfigs"}
)

// isBehindItsOperators finds running pods behind every operator that says that it is available, and deletes two.
func (k *kube) isBehindItsOperators(ctx context.Context, t *testing.T) {
	t.Helper()
	operators, err := k.dynamic.Resource(clusterOperators).List(ctx, metav1.ListOptions{})
	if err != nil || len(operators.Items) < 30 {
		t.Fatalf("there are %d cluster operators: %v", len(operators.Items), err)
	}
	for i := range operators.Items {
		name := operators.Items[i].GetName()
		if name == serviceOperator || conditions(&operators.Items[i])["Available"] != "True" {
			continue
		}
		related, _, _ := unstructured.NestedSlice(operators.Items[i].Object, "status", "relatedObjects")
		if len(related) == 0 {
			t.Errorf("the operator %s names no namespaces", name)
		}
		for _, object := range related {
			namespace, _ := object.(m)["name"].(string)
			eventually(ctx, t, "the pods of "+namespace+" run", func() (bool, error) {
				list, err := k.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
				return err == nil && len(list.Items) > 0 && !hasUnready(list.Items), err
			})
		}
	}
	for namespace, prefix := range map[string]string{"openshift-ingress": "router-default-", "openshift-etcd": "etcd-"} {
		k.comesBack(ctx, t, namespace, prefix)
	}
}

func hasUnready(all []corev1.Pod) bool {
	for i := range all {
		ready := false
		for _, c := range all[i].Status.Conditions {
			ready = ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}
		if !ready {
			return true
		}
	}
	return false
}

// comesBack deletes one of some pods, which its owner makes again.
func (k *kube) comesBack(ctx context.Context, t *testing.T, namespace, prefix string) {
	t.Helper()
	find := func() (found []corev1.Pod) {
		list, err := k.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Items {
			if strings.HasPrefix(p.Name, prefix) {
				found = append(found, p)
			}
		}
		return found
	}
	before := find()
	if len(before) == 0 {
		t.Fatalf("%s has no pods %s…", namespace, prefix)
	}
	if err := k.CoreV1().Pods(namespace).Delete(ctx, before[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, fmt.Sprintf("there are %d pods %s… again", len(before), prefix), func() (bool, error) {
		now := find()
		for i := range now {
			if now[i].UID == before[0].UID {
				return false, nil
			}
		}
		return len(now) == len(before) && !hasUnready(now), nil
	})
}

// followsPools makes a pool, whose nodes then have the service's name server, and deletes it.
func (k *kube) followsPools(ctx context.Context, t *testing.T) {
	t.Helper()
	configs := k.dynamic.Resource(machineConfigs)
	for _, name := range []string{"90-aro-worker-registries", "99-master-aro-dns", "99-worker-aro-dns", "99-master-ssh", "99-worker-ssh"} {
		if _, err := configs.Get(ctx, name, metav1.GetOptions{}); err != nil {
			t.Errorf("machine config %s: %v", name, err)
		}
	}
	pool := &unstructured.Unstructured{Object: m{"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfigPool", "metadata": m{"name": "custom"}, "spec": m{
		"machineConfigSelector": m{"matchLabels": m{"machineconfiguration.openshift.io/role": "custom"}}, "nodeSelector": m{"matchLabels": m{"node-role.kubernetes.io/custom": ""}}}}}
	made, err := k.dynamic.Resource(pools).Create(ctx, pool, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the pool has a machine config", func() (bool, error) {
		config, err := configs.Get(ctx, "99-custom-aro-dns", metav1.GetOptions{})
		return err == nil && len(config.GetOwnerReferences()) == 1 && config.GetOwnerReferences()[0].UID == made.GetUID(), ignoreAbsent(err)
	})
	if err := k.dynamic.Resource(pools).Delete(ctx, "custom", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the machine config goes with its pool", func() (bool, error) {
		_, err := configs.Get(ctx, "99-custom-aro-dns", metav1.GetOptions{})
		return apierrors.IsNotFound(err), ignoreAbsent(err)
	})
}

package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/flags"
)

// owner is the field manager of the members that the service applies. Flags have one of their own,
// so that a sync of the Cluster does not undo what maintenance set.
const owner = "aro-rp"

// Deployer works on one cluster.
type Deployer struct{ client.Client }

// Apply applies the definitions, and once they are served all objects but the
// Cluster. An update calls it before Sync: new flags are for the new operator alone.
func (d Deployer) Apply(ctx context.Context, s Settings) (missing string, err error) {
	definitions, err := Definitions()
	if err != nil {
		return "", err
	}
	if err := d.applyAll(ctx, definitions); err != nil {
		return "", err
	}
	for _, definition := range definitions {
		if served, err := d.served(ctx, definition.GetName()); err != nil || !served {
			return "the definition " + definition.GetName() + " to be served", err
		}
	}
	objects, err := s.Objects()
	if err != nil {
		return "", err
	}
	return "", d.applyAll(ctx, objects)
}

func (d Deployer) applyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if err := d.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (d Deployer) apply(ctx context.Context, o *unstructured.Unstructured) error {
	err := d.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner(owner), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// served reports whether the server serves a definition's objects under its names.
func (d Deployer) served(ctx context.Context, name string) (bool, error) {
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := d.Get(ctx, client.ObjectKey{Name: name}, crd); err != nil {
		return false, fmt.Errorf("read the definition %s: %w", name, err)
	}
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	met := map[any]bool{}
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		met[c["type"]] = c["status"] == "True"
	}
	return met["Established"] && met["NamesAccepted"], nil
}

// Sync applies the Cluster and makes it the owner of the secret with the service's
// logins. Flags that an operator of another release knows are kept.
func (d Deployer) Sync(ctx context.Context, s Settings) error {
	o, err := s.ClusterObject()
	if err != nil {
		return err
	}
	if err := d.apply(ctx, o); err != nil {
		return err
	}
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(arov1alpha1.GroupVersion.WithKind("Cluster"))
	if err := d.Get(ctx, client.ObjectKey{Name: arov1alpha1.SingletonName}, cluster); err != nil {
		return fmt.Errorf("read the Cluster: %w", err)
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"ownerReferences": []any{map[string]any{
		"apiVersion": arov1alpha1.GroupVersion.String(), "kind": "Cluster", "name": cluster.GetName(), "uid": cluster.GetUID(), "controller": true, "blockOwnerDeletion": true,
	}}}})
	if err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "cluster"}}
	if err := d.Patch(ctx, secret, client.RawPatch(types.MergePatchType, body)); err != nil {
		return fmt.Errorf("make the Cluster the owner of the secret with the service's logins: %w", err)
	}
	return nil
}

// SetFlags writes flags over those of the Cluster; the others stay.
func (d Deployer) SetFlags(ctx context.Context, set flags.Flags) error {
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"operatorflags": set}})
	if err != nil {
		return err
	}
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(arov1alpha1.GroupVersion.WithKind("Cluster"))
	cluster.SetName(arov1alpha1.SingletonName)
	if err := d.Patch(ctx, cluster, client.RawPatch(types.MergePatchType, body)); err != nil {
		return fmt.Errorf("set flags of the operator: %w", err)
	}
	return nil
}

// Force lets the operator restart nodes outside upgrades, or not any more.
func (d Deployer) Force(ctx context.Context, force bool) error {
	return d.SetFlags(ctx, flags.Flags{string(flags.ForceReconciliation): fmt.Sprint(force)})
}

// deployments are the operator's, in the order in which they are looked at.
var deployments = []string{"aro-operator-master", "aro-operator-worker"}

// Ready returns what is missing until both operators run as they were deployed.
func (d Deployer) Ready(ctx context.Context) (missing string, err error) {
	for _, name := range deployments {
		deployment, err := d.deployment(ctx, name)
		if err != nil {
			return "", err
		}
		if deployment == nil {
			return "the deployment " + name + " to exist", nil
		}
		want, s := int32(1), deployment.Status
		if deployment.Spec.Replicas != nil {
			want = *deployment.Spec.Replicas
		}
		if s.ObservedGeneration != deployment.Generation || s.Replicas != want || s.UpdatedReplicas != want || s.AvailableReplicas != want {
			return fmt.Sprintf("the deployment %s to be ready: %d of %d pods are available, %d up to date", name, s.AvailableReplicas, want, s.UpdatedReplicas), nil
		}
	}
	return "", nil
}

// Runs returns what is missing until both operators, and all their pods, have this version.
func (d Deployer) Runs(ctx context.Context, version string) (missing string, err error) {
	for _, name := range deployments {
		deployment, err := d.deployment(ctx, name)
		if err != nil {
			return "", err
		}
		if deployment == nil || deployment.Labels["version"] != version {
			return fmt.Sprintf("the deployment %s to have version %s", name, version), nil
		}
		var pods corev1.PodList
		if err := d.List(ctx, &pods, client.InNamespace(Namespace), client.MatchingLabels{"app": name}); err != nil {
			return "", fmt.Errorf("list pods of the operator: %w", err)
		}
		found := false
		for i := range pods.Items {
			if pods.Items[i].DeletionTimestamp != nil || len(pods.Items[i].Spec.Containers) == 0 {
				continue
			}
			if has := Version(pods.Items[i].Spec.Containers[0].Image); has != version {
				return fmt.Sprintf("the pod %s of version %s to be replaced by one of %s", pods.Items[i].Name, has, version), nil
			}
			found = true
		}
		if !found {
			return "a pod of the deployment " + name, nil
		}
	}
	return "", nil
}

func (d Deployer) deployment(ctx context.Context, name string) (*appsv1.Deployment, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	err := d.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, o)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the deployment %s: %w", name, err)
	}
	deployment := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, deployment); err != nil {
		return nil, fmt.Errorf("read the deployment %s: %w", name, err)
	}
	return deployment, nil
}

// Restart replaces the master's pod, which then reads its new credentials.
func (d Deployer) Restart(ctx context.Context, now time.Time) error {
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{"kubectl.kubernetes.io/restartedAt": now.UTC().Format(time.RFC3339)}}}}})
	if err != nil {
		return err
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	o.SetNamespace(Namespace)
	o.SetName(deployments[0])
	if err := d.Patch(ctx, o, client.RawPatch(types.MergePatchType, body)); err != nil {
		return fmt.Errorf("restart the operator: %w", err)
	}
	return nil
}

// Merged returns the flags after an administrator's change. The strategy is merge, into the stored
// flags, or reset, into those of new clusters.
func Merged(stored, change flags.Flags, strategy string) (flags.Flags, error) {
	switch strings.ToLower(strategy) {
	case "", "merge":
		if stored == nil {
			stored = flags.Defaults()
		}
		return stored.With(change), nil
	case "reset":
		return flags.Defaults().With(change), nil
	default:
		return nil, fmt.Errorf("strategy %q is neither merge nor reset", strategy)
	}
}

package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aro-rp/aro/openshift"
	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
)

// owner is the field manager of the members that the service applies.
const owner = "aro-rp"

// Deployer works on one cluster.
type Deployer struct{ openshift.Objects }

// The kinds that have no Go types here.
var (
	definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	deploymentKind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	clusterKind    = arov1alpha1.GroupVersion.WithKind("Cluster")
)

// named is an object of which only the name is known.
func named(kind schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// read reads the object that is named in o into a Go value.
func (d Deployer) read(ctx context.Context, o *unstructured.Unstructured, into any) error {
	if err := d.Get(ctx, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, o); err != nil {
		return fmt.Errorf("read %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	content, err := o.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

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
	if have, err := d.credentials(ctx); err != nil {
		return "", err
	} else if have != nil && s.WorkloadIdentity == nil {
		s.Credentials = *have // what a pod reads that starts now
	}
	objects, err := s.Objects()
	if err != nil {
		return "", err
	}
	return d.applyInTurn(ctx, objects)
}

// inParallel bounds the requests that a cluster's API server gets at a time.
const inParallel = 8

// applyInTurn applies the namespace, then what is in it or belongs to all, and at last the
// deployments, whose pods need the rest.
func (d Deployer) applyInTurn(ctx context.Context, objects []*unstructured.Unstructured) (missing string, err error) {
	turns := [3][]*unstructured.Unstructured{}
	for _, o := range objects {
		turn := 1
		switch o.GetKind() {
		case "Namespace":
			turn = 0
		case deploymentKind.Kind:
			turn = 2
		}
		turns[turn] = append(turns[turn], o)
	}
	for _, turn := range turns {
		err := d.applyAll(ctx, turn)
		var absent *absentError
		if errors.As(err, &absent) { // OpenShift is still being installed
			return "the namespace " + absent.namespace + " to exist", nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// absentError means that there is no such namespace.
type absentError struct {
	namespace string
	error
}

// applyAll applies objects that do not need each other.
func (d Deployer) applyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inParallel)
	for _, o := range objects {
		g.Go(func() error { return d.apply(ctx, o) })
	}
	return g.Wait()
}

func (d Deployer) apply(ctx context.Context, o *unstructured.Unstructured) error {
	err := d.Objects.Apply(ctx, o, owner)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	if apierrors.IsNotFound(err) && o.GetNamespace() != "" {
		return &absentError{o.GetNamespace(), err}
	}
	return err
}

// served reports whether the server serves a definition's objects under its names.
func (d Deployer) served(ctx context.Context, name string) (bool, error) {
	var definition struct {
		Status struct{ Conditions []metav1.Condition }
	}
	if err := d.read(ctx, named(definitionKind, "", name), &definition); err != nil {
		return false, err
	}
	met := map[string]bool{}
	for _, c := range definition.Status.Conditions {
		met[c.Type] = c.Status == metav1.ConditionTrue
	}
	return met["Established"] && met["NamesAccepted"], nil
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
		want, s := deployment.Spec.Replicas, deployment.Status
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
		if err := d.List(ctx, &pods, openshift.Where{Namespace: Namespace, Labels: "app=" + name}); err != nil {
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

// deployment is what of a Deployment is looked at.
type deployment struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Replicas int32
		Template struct {
			metav1.ObjectMeta `json:"metadata"`
		}
	}
	Status struct {
		ObservedGeneration                           int64
		Replicas, UpdatedReplicas, AvailableReplicas int32
	}
}

func (d Deployer) deployment(ctx context.Context, name string) (*deployment, error) {
	found := &deployment{}
	err := d.read(ctx, named(deploymentKind, Namespace, name), found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// Credentials are those of the operator in Azure. One with a workload identity has no secret.
type Credentials struct{ ClientID, TenantID, ClientSecret string }

// checksum identifies credentials in the annotation checksumName of the master's pods.
func (c Credentials) checksum() string {
	sum := sha256.Sum256([]byte(c.ClientID + "\n" + c.TenantID + "\n" + c.ClientSecret))
	return hex.EncodeToString(sum[:])
}

// are reports whether credentials are the wanted ones, as far as those are known.
func (c Credentials) are(wanted Credentials) bool {
	same := func(have, wanted string) bool { return wanted == "" || have == wanted }
	return same(c.ClientID, wanted.ClientID) && same(c.TenantID, wanted.TenantID) && same(c.ClientSecret, wanted.ClientSecret)
}

// credentials returns those that the cluster has for the operator, nil before it has any.
func (d Deployer) credentials(ctx context.Context) (*Credentials, error) {
	secret := &corev1.Secret{}
	err := d.Get(ctx, types.NamespacedName{Namespace: Namespace, Name: credentialsName}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the operator's credentials: %w", err)
	}
	return &Credentials{ClientID: string(secret.Data["azure_client_id"]), TenantID: string(secret.Data["azure_tenant_id"]),
		ClientSecret: string(secret.Data["azure_client_secret"])}, nil
}

// Renew restarts the master's operator, which reads its credentials when it starts, if the cluster
// has others for it than when its pod was made. It returns what is missing until the cluster has
// the wanted ones.
func (d Deployer) Renew(ctx context.Context, wanted Credentials) (missing string, err error) {
	deployment, err := d.deployment(ctx, deployments[0])
	if err != nil || deployment == nil {
		return "", err
	}
	have, err := d.credentials(ctx)
	if err != nil {
		return "", err
	}
	if have == nil || !have.are(wanted) {
		return "the credentials of the operator to follow those of the cluster", nil
	}
	if deployment.Spec.Template.Annotations[checksumName] == have.checksum() {
		return "", nil
	}
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{checksumName: have.checksum()}}}}})
	if err != nil {
		return "", err
	}
	if err := d.Patch(ctx, named(deploymentKind, Namespace, deployments[0]), body); err != nil {
		return "", fmt.Errorf("restart the operator: %w", err)
	}
	return "", nil
}

package machineapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

// requestNamespace holds the requests for credentials of a release.
const requestNamespace = "openshift-cloud-credential-operator"

// rootSecret is what the installer was given; it is missing with workload identity.
var rootSecret = client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "azure-credentials"}

// requestKind has no Go type in openshift/api.
var requestKind = schema.GroupVersionKind{Group: "cloudcredential.openshift.io", Version: "v1", Kind: "CredentialsRequest"}

// requests are those of a release, and where each operator looks for its secret.
var requests = []struct{ name, namespace, secret string }{
	{"openshift-machine-api-azure", Namespace, "azure-cloud-credentials"},
	{"openshift-azure-cloud-controller-manager", "openshift-cloud-controller-manager", "azure-cloud-credentials"},
	{"openshift-cloud-network-config-controller-azure", "openshift-cloud-network-config-controller", "cloud-credentials"},
	{"openshift-image-registry-azure", "openshift-image-registry", "installer-cloud-credentials"},
	{"openshift-ingress-azure", "openshift-ingress-operator", "cloud-credentials"},
	{"azure-disk-csi-driver-operator", "openshift-cluster-csi-drivers", "azure-disk-credentials"},
	{"azure-file-csi-driver-operator", "openshift-cluster-csi-drivers", "azure-file-credentials"},
}

// credentials answers every request with the root credentials, as the cloud credential operator
// does in passthrough mode. In manual mode the creator of the cluster makes the secrets.
type credentials struct{ client client.Client }

func addCredentials(m manager.Manager) error {
	kind := &unstructured.Unstructured{}
	kind.SetGroupVersionKind(requestKind)
	c := &credentials{client: m.GetClient()}
	return watch.Add(m, "cloud-credential", c.reconcile, kind, &corev1.Secret{}, &operatorv1.CloudCredential{})
}

func (c *credentials) reconcile(ctx context.Context) (time.Duration, error) {
	for _, request := range requests {
		if err := c.ensureRequest(ctx, request.name, request.namespace, request.secret); err != nil {
			return 0, fmt.Errorf("credentials request %s: %w", request.name, err)
		}
	}
	var root corev1.Secret
	if err := c.client.Get(ctx, rootSecret, &root); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(requestKind)
	if err := c.client.List(ctx, list, client.InNamespace(requestNamespace)); err != nil {
		return 0, err
	}
	var errs []error
	for i := range list.Items {
		if err := c.answer(ctx, &list.Items[i], &root); err != nil {
			errs = append(errs, fmt.Errorf("credentials request %s: %w", list.Items[i].GetName(), err))
		}
	}
	return 0, errors.Join(errs...)
}

func (c *credentials) ensureRequest(ctx context.Context, name, namespace, secret string) error {
	request := &unstructured.Unstructured{}
	request.SetGroupVersionKind(requestKind)
	err := c.client.Get(ctx, client.ObjectKey{Namespace: requestNamespace, Name: name}, request)
	if !apierrors.IsNotFound(err) {
		return err
	}
	request.SetNamespace(requestNamespace)
	request.SetName(name)
	request.Object["spec"] = map[string]any{
		"secretRef": map[string]any{"namespace": namespace, "name": secret},
		"providerSpec": map[string]any{
			"apiVersion": "cloudcredential.openshift.io/v1", "kind": "AzureProviderSpec",
			"roleBindings": []any{map[string]any{"role": "Contributor"}},
		},
	}
	return client.IgnoreAlreadyExists(c.client.Create(ctx, request))
}

// answer copies the root credentials, and records when it did.
func (c *credentials) answer(ctx context.Context, request *unstructured.Unstructured, root *corev1.Secret) error {
	namespace, _, _ := unstructured.NestedString(request.Object, "spec", "secretRef", "namespace")
	name, _, _ := unstructured.NestedString(request.Object, "spec", "secretRef", "name")
	if namespace == "" || name == "" {
		return nil
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	changed, err := c.copy(ctx, secret, root.Data)
	if apierrors.IsNotFound(err) {
		return nil // the namespace does not exist yet: its maker comes later
	}
	if err != nil {
		return err
	}
	generation, _, _ := unstructured.NestedInt64(request.Object, "status", "lastSyncGeneration")
	if synced, _, _ := unstructured.NestedBool(request.Object, "status", "provisioned"); synced && !changed && generation == request.GetGeneration() {
		return nil
	}
	request.Object["status"] = map[string]any{
		"provisioned": true, "lastSyncGeneration": request.GetGeneration(),
		"lastSyncTimestamp":                       time.Now().UTC().Format(time.RFC3339),
		"lastSyncCloudCredsSecretResourceVersion": root.ResourceVersion,
	}
	return c.client.Status().Update(ctx, request)
}

func (c *credentials) copy(ctx context.Context, secret *corev1.Secret, data map[string][]byte) (changed bool, err error) {
	err = c.client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		secret.Data = maps.Clone(data)
		return true, c.client.Create(ctx, secret)
	}
	if err != nil || equality.Semantic.DeepEqual(secret.Data, data) {
		return false, err
	}
	secret.Data = maps.Clone(data)
	return true, c.client.Update(ctx, secret)
}

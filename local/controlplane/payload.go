package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	securityv1 "github.com/openshift/api/security/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/local/generated/crds"
)

const (
	// packed is the label whose value is the release of the CRDs.
	packed = "openshift.io/packed"
	// inParallel bounds the objects under way; the server has one core or two.
	inParallel = 8
	// againEvery is how long a manifest waits that the server does not take yet.
	againEvery = 250 * time.Millisecond
	// manifestPatience bounds the bootstrap: what is refused so long is wrong.
	manifestPatience = 2 * time.Minute
)

// applyPayload makes the objects of a release of OpenShift, and, once in the life of the cluster,
// those that its installer wrote. As in OpenShift, existing objects are not changed.
func (p *plane) applyPayload(ctx context.Context, config *rest.Config) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	if !p.filled { // an earlier release may have
		if err := applyCRDs(ctx, c); err != nil {
			return fmt.Errorf("CRDs: %w", err)
		}
		if err := createNamespaces(ctx, c); err != nil {
			return err
		}
	}
	if done, err := bootstrapped(ctx, c); err != nil || done {
		return err
	}
	if err := createAll(ctx, c, p.config.Manifests); err != nil {
		return fmt.Errorf("manifests: %w", err)
	}
	return markBootstrapped(ctx, c)
}

// applyCRDs returns once all of them are served.
func applyCRDs(ctx context.Context, c client.Client) error {
	list, err := crds.List()
	if err != nil {
		return err
	}
	var found apiextensionsv1.CustomResourceDefinitionList
	if err := c.List(ctx, &found); err != nil {
		return err
	}
	have := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for i := range found.Items {
		have[found.Items[i].Name] = &found.Items[i]
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(inParallel)
	for _, object := range list {
		g.Go(func() error { return applyCRD(gctx, c, object, have[object.GetName()]) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return established(ctx, c, list)
}

// definition is a packed CRD with the release it is from.
func definition(object *unstructured.Unstructured) (*apiextensionsv1.CustomResourceDefinition, error) {
	content, err := json.Marshal(object.Object)
	if err != nil {
		return nil, err
	}
	hash := fnv.New64a()
	_, _ = hash.Write(content)
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, crd); err != nil {
		return nil, fmt.Errorf("%s: %w", object.GetName(), err)
	}
	metav1.SetMetaDataAnnotation(&crd.ObjectMeta, packed, strconv.FormatUint(hash.Sum64(), 36))
	return crd, nil
}

func applyCRD(ctx context.Context, c client.Client, object *unstructured.Unstructured, have *apiextensionsv1.CustomResourceDefinition) error {
	crd, err := definition(object)
	if err != nil {
		return err
	}
	switch {
	case have == nil:
		err = client.IgnoreAlreadyExists(c.Create(ctx, crd))
	case have.Annotations[packed] != crd.Annotations[packed], !isEstablished(have):
		// A server that was killed while it installed the definition resumes only when the
		// definition changes.
		metav1.SetMetaDataAnnotation(&crd.ObjectMeta, packed+"-at", time.Now().UTC().Format(time.RFC3339Nano))
		crd.ResourceVersion = have.ResourceVersion
		err = c.Update(ctx, crd)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", object.GetName(), err)
	}
	return nil
}

func established(ctx context.Context, c client.Client, want []*unstructured.Unstructured) error {
	for {
		var found apiextensionsv1.CustomResourceDefinitionList
		if err := c.List(ctx, &found); err != nil {
			return err
		}
		served := map[string]bool{}
		for i := range found.Items {
			served[found.Items[i].Name] = isEstablished(&found.Items[i])
		}
		missing := 0
		for _, crd := range want {
			if !served[crd.GetName()] {
				missing++
			}
		}
		if missing == 0 {
			return nil
		}
		if err := pause(ctx, againEvery); err != nil {
			return err
		}
	}
}

// isEstablished reports whether the server serves a definition's objects.
func isEstablished(crd *apiextensionsv1.CustomResourceDefinition) bool {
	return slices.ContainsFunc(crd.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	})
}

// createAll tries until the server accepted every object. The server's refusals determine the
// order, as in the installer's own bootstrap.
func createAll(ctx context.Context, c client.Client, objects []*unstructured.Unstructured) error {
	deadline, cancel := context.WithTimeoutCause(ctx, manifestPatience, errors.New("the server refused too long"))
	defer cancel()
	left := objects
	for {
		errs := make([]error, len(left))
		g := errgroup.Group{}
		g.SetLimit(inParallel)
		for i, object := range left {
			g.Go(func() error { errs[i] = createWithStatus(deadline, c, object); return nil })
		}
		_ = g.Wait()
		var again []*unstructured.Unstructured
		var last error
		for i, err := range errs {
			if err != nil {
				again = append(again, left[i])
				last = fmt.Errorf("%s %s/%s: %w", left[i].GetKind(), left[i].GetNamespace(), left[i].GetName(), refusal(err))
			}
		}
		if len(again) == 0 {
			return nil
		}
		if left = again; pause(deadline, againEvery) != nil {
			return fmt.Errorf("%w: %w", context.Cause(deadline), last)
		}
	}
}

// refusal is the reason without the object: a Secret may be quoted in a message.
func refusal(err error) error {
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return errors.New(string(reason))
	}
	if meta.IsNoMatchError(err) {
		return errors.New("the kind is not known")
	}
	return err
}

// createWithStatus leaves an object alone that exists, except that it completes
// one whose status got lost with an earlier process.
func createWithStatus(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	made := object.DeepCopy()
	err := c.Create(ctx, made)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	status, _ := object.Object["status"].(map[string]any)
	if len(status) == 0 {
		return nil
	}
	if err != nil {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), made); err != nil {
			return err
		}
	}
	if have, _ := made.Object["status"].(map[string]any); len(have) > 0 {
		return nil
	}
	made.Object["status"] = status
	if err := c.Status().Update(ctx, made); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return nil // not found: the kind has no status of its own
}

func createNamespaces(ctx context.Context, c client.Client) error {
	var found corev1.NamespaceList
	if err := c.List(ctx, &found); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	have := map[string]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inParallel)
	for _, namespace := range found.Items {
		have[namespace.Name] = true
		if namespace.Annotations[securityv1.UIDRangeAnnotation] != "" || namespace.DeletionTimestamp != nil {
			continue
		}
		g.Go(func() error { // it was made before there were ranges: admission gives it one
			err := c.Patch(ctx, &namespace, client.RawPatch(types.MergePatchType, []byte("{}")))
			return client.IgnoreNotFound(err)
		})
	}
	for _, name := range namespaces {
		if have[name] {
			continue
		}
		g.Go(func() error {
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if err := client.IgnoreAlreadyExists(c.Create(ctx, namespace)); err != nil {
				return fmt.Errorf("namespace %s: %w", name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// bootstrapConfigMap is where the installer's clients see how far it is.
func bootstrapConfigMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "bootstrap"}}
}

// bootstrapped reports whether all manifests were created, by this process or an
// earlier one. What was deleted since must not come back.
func bootstrapped(ctx context.Context, c client.Client) (bool, error) {
	err := c.Get(ctx, client.ObjectKeyFromObject(bootstrapConfigMap()), bootstrapConfigMap())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func markBootstrapped(ctx context.Context, c client.Client) error {
	done := bootstrapConfigMap()
	done.Data = map[string]string{"status": "waiting for the masters"}
	return client.IgnoreAlreadyExists(c.Create(ctx, done))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// namespaces are those of a release that others put something in.
var namespaces = []string{
	"openshift", "openshift-apiserver", "openshift-apiserver-operator", "openshift-authentication", "openshift-authentication-operator",
	"openshift-cloud-controller-manager", "openshift-cloud-controller-manager-operator", "openshift-cloud-credential-operator",
	"openshift-cloud-network-config-controller", "openshift-cluster-csi-drivers", "openshift-cluster-machine-approver",
	"openshift-cluster-node-tuning-operator", "openshift-cluster-samples-operator", "openshift-cluster-storage-operator",
	"openshift-cluster-version", "openshift-config", "openshift-config-managed", "openshift-config-operator",
	"openshift-console", "openshift-console-operator", "openshift-controller-manager", "openshift-controller-manager-operator",
	"openshift-dns", "openshift-dns-operator",
	"openshift-etcd", "openshift-etcd-operator", "openshift-image-registry", "openshift-infra", "openshift-ingress",
	"openshift-ingress-canary", "openshift-ingress-operator", "openshift-insights", "openshift-kube-apiserver", "openshift-kube-apiserver-operator",
	"openshift-kube-controller-manager", "openshift-kube-controller-manager-operator", "openshift-kube-scheduler",
	"openshift-kube-scheduler-operator", "openshift-kube-storage-version-migrator", "openshift-kube-storage-version-migrator-operator",
	"openshift-machine-api", "openshift-machine-config-operator", "openshift-marketplace",
	"openshift-monitoring", "openshift-multus", "openshift-network-operator", "openshift-node", "openshift-oauth-apiserver",
	"openshift-operator-lifecycle-manager", "openshift-operators", "openshift-ovn-kubernetes", "openshift-route-controller-manager",
	"openshift-service-ca",
	"openshift-service-ca-operator", "openshift-user-workload-monitoring",
}

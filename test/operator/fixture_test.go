package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubernetesscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/operator"
	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/apis/crds"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/test/harness"
)

// patience bounds every wait.
const patience = 30 * time.Second

// server is the API server that all tests share. They run one after the other,
// because a cluster has one Cluster.
var server struct {
	kubeconfig []byte
	config     *rest.Config
	client     client.Client
}

func TestMain(m *testing.M) {
	code, err := withAPIServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "API server for the tests:", err)
		code = 1
	}
	os.Exit(code)
}

// withAPIServer runs the tests while an API server with OpenShift's kinds and ours runs.
func withAPIServer(run func() int) (int, error) {
	kubeconfig, stop, err := harness.APIServer(filepath.Join("..", ".."))
	if err != nil {
		return 0, err
	}
	defer stop()
	if err := furnish(kubeconfig); err != nil {
		return 0, err
	}
	return run(), nil
}

// furnish makes what a cluster has before its operator comes.
func furnish(kubeconfig []byte) error {
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	for _, add := range []func(*runtime.Scheme) error{kubernetesscheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	server.kubeconfig, server.config = kubeconfig, config
	if server.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	list, err := crds.List()
	if err != nil {
		return err
	}
	for _, crd := range list {
		if err := server.client.Create(ctx, crd); err != nil {
			return err
		}
	}
	for _, name := range []string{"openshift-azure-operator", "openshift-config", "openshift-monitoring", "openshift-machine-api", "openshift-ingress-operator", "openshift-cloud-credential-operator"} {
		if err := server.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	return established(ctx, list)
}

// established waits until the server serves definitions: until then a read is
// answered 404 in plain text or 429, and a first write is held.
func established(ctx context.Context, list []*unstructured.Unstructured) error {
	for _, want := range list {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		for {
			if err := server.client.Get(ctx, client.ObjectKeyFromObject(want), crd); err != nil {
				return err
			}
			if slices.ContainsFunc(crd.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
				return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
			}) {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// fixture is what one test sees.
type fixture struct {
	*testing.T
	client.Client
	requests *requests // of the operator
	log      *lockedBuffer
	allowed  bool // the account has its rules
	// kindsEvery is how often the operator looks for kinds; 0 for the usual time.
	kindsEvery time.Duration
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{T: t, Client: server.client, requests: &requests{}, log: &lockedBuffer{}}
}

// account is who the operator is.
const (
	accountNamespace = "openshift-azure-operator"
	account          = "aro-operator-test"
)

// run runs controllers with what they declare and nothing more, until the test ends.
func (w *fixture) run(specs ...controller.Spec) (stop func()) {
	w.Helper()
	if !w.allowed {
		w.allow(controller.AllRules(specs))
	}
	config := rest.CopyConfig(server.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + accountNamespace + ":" + account,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + accountNamespace, "system:authenticated"}}
	sent := w.requests
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, sent} })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- operator.Run(ctx, operator.Options{Config: config, Controllers: specs, Health: "0", Metrics: "0", KindsEvery: w.kindsEvery,
			Log: slog.New(slog.NewTextHandler(w.log, nil))})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.Errorf("the operator ended with %v", err)
			}
		case <-time.After(patience):
			w.Error("the operator does not stop")
		}
		if denied := sent.forbidden(); len(denied) > 0 {
			w.Errorf("the declared rules do not suffice: %s", strings.Join(denied, "; "))
		}
		if w.Failed() {
			w.Logf("the operator's last words:\n%s", w.log.tail(4000))
		}
	})
	w.Cleanup(stop)
	return stop
}

// allow grants the account rules for the time of the test.
func (w *fixture) allow(rules []controller.Rule) {
	w.Helper()
	w.allowed = true
	byNamespace := map[string][]rbacv1.PolicyRule{}
	for _, r := range rules {
		byNamespace[r.Namespace] = append(byNamespace[r.Namespace], r.PolicyRule)
	}
	subject := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: accountNamespace, Name: account}}
	for namespace, rules := range byNamespace {
		meta := metav1.ObjectMeta{Namespace: namespace, Name: account}
		if namespace == "" {
			w.with(&rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules})
			w.with(&rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: account}})
			continue
		}
		w.namespace(namespace)
		w.with(&rbacv1.Role{ObjectMeta: meta, Rules: rules})
		w.with(&rbacv1.RoleBinding{ObjectMeta: meta, Subjects: subject, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: account}})
	}
	for namespace, rules := range byNamespace {
		w.permitted("system:serviceaccount:"+accountNamespace+":"+account, namespace, rules[0])
	}
}

// permitted waits until the API server grants a user what a rule says: it learns of roles and
// bindings some time after their creation.
func (w *fixture) permitted(user, namespace string, rule rbacv1.PolicyRule) {
	w.Helper()
	asked := authorizationv1.ResourceAttributes{Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0]}
	asked.Resource, asked.Subresource, _ = strings.Cut(asked.Resource, "/")
	if len(rule.ResourceNames) > 0 {
		asked.Name = rule.ResourceNames[0]
	}
	w.eventually(user+" may "+asked.Verb+" "+asked.Resource, func() error {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &asked}}
		if err := w.Create(w.Context(), review); err != nil {
			return err
		}
		if !review.Status.Allowed {
			return errNotYet
		}
		return nil
	})
}

// namespace makes a namespace that may be there.
func (w *fixture) namespace(name string) {
	w.Helper()
	if err := w.Create(w.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); client.IgnoreAlreadyExists(err) != nil {
		w.Fatal(err)
	}
}

// with makes an object for the time of the test.
func (w *fixture) with(o client.Object) {
	w.Helper()
	if err := w.Create(w.Context(), o); err != nil {
		w.Fatalf("create %T %s: %v", o, o.GetName(), err)
	}
	w.Cleanup(func() { w.gone(o) })
}

// cleans removes objects at the end of the test that controllers make.
func (w *fixture) cleans(objects ...client.Object) {
	w.Cleanup(func() {
		for _, o := range objects {
			w.gone(o)
		}
	})
}

func (w *fixture) gone(o client.Object) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	none := int64(0)
	if err := w.Delete(ctx, o, &client.DeleteOptions{GracePeriodSeconds: &none}); client.IgnoreNotFound(err) != nil {
		w.Errorf("delete %T %s: %v", o, o.GetName(), err)
	}
}

// cluster makes the Cluster with the flags of a new one.
func (w *fixture) cluster(changes ...func(*arov1alpha1.Cluster)) *arov1alpha1.Cluster {
	w.Helper()
	group := "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/aro-x"
	c := &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: arov1alpha1.SingletonName}, Spec: arov1alpha1.ClusterSpec{
		ResourceID:             "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x/providers/Microsoft.RedHatOpenShift/openShiftClusters/x",
		ClusterResourceGroupID: group, Domain: "c.example.com", ACRDomain: "arosvc.azurecr.io", AZEnvironment: "AzurePublicCloud", Location: "eastus",
		InfraID: "aro-x1", StorageSuffix: "abc", ArchitectureVersion: 1, APIIntIP: "10.0.0.1", IngressIP: "10.0.0.2", OperatorFlags: flags.Defaults(),
	}}
	for _, change := range changes {
		change(c)
	}
	w.with(c)
	return c
}

// flag sets flags of a new Cluster.
func flag(name flags.Name, value string) func(*arov1alpha1.Cluster) {
	return func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags[string(name)] = value }
}

// edit changes an object as an administrator would.
func edit[T client.Object](w *fixture, o T, change func(T)) {
	w.Helper()
	w.eventually("the change is taken", func() error {
		if err := w.Get(w.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change(o)
		return w.Update(w.Context(), o)
	})
}

// eventually fails the test if what should come true does not in time.
func (w *fixture) eventually(what string, check func() error) {
	w.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			w.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// becomes waits until an object is as it should be.
func becomes[T client.Object](w *fixture, o T, what string, is func(T) bool) T {
	w.Helper()
	w.eventually(what, func() error {
		if err := w.Get(w.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		if !is(o) {
			return fmt.Errorf("it is %s", brief(o))
		}
		return nil
	})
	return o
}

// disappears waits until an object is gone or on its way.
func (w *fixture) disappears(o client.Object) {
	w.Helper()
	w.eventually(fmt.Sprintf("%T %s is deleted", o, o.GetName()), func() error {
		err := w.Get(w.Context(), client.ObjectKeyFromObject(o), o)
		if apierrors.IsNotFound(err) || err == nil && o.GetDeletionTimestamp() != nil {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
}

// condition waits until a condition of the Cluster has a status.
func (w *fixture) condition(kind string, status operatorv1.ConditionStatus, part string) operatorv1.OperatorCondition {
	w.Helper()
	var found operatorv1.OperatorCondition
	becomes(w, &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: arov1alpha1.SingletonName}}, fmt.Sprintf("%s is %s with %q", kind, status, part), func(c *arov1alpha1.Cluster) bool {
		for _, have := range c.Status.Conditions {
			if have.Type == kind && have.Status == status && strings.Contains(have.Reason+" "+have.Message, part) {
				found = have
				return true
			}
		}
		return false
	})
	return found
}

// healthy waits until a controller reports that it is healthy.
func (w *fixture) healthy(name string) {
	w.Helper()
	w.condition(name+"ControllerAvailable", operatorv1.ConditionTrue, "")
	w.condition(name+"ControllerProgressing", operatorv1.ConditionFalse, "")
	w.condition(name+"ControllerDegraded", operatorv1.ConditionFalse, "")
}

// touched makes controllers look again, by a change of the Cluster that means nothing
// to them, and waits until they have done so and gone quiet.
func (w *fixture) touched() {
	w.Helper()
	before := w.requests.count()
	c := &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: arov1alpha1.SingletonName}}
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.OperatorFlags["test.touched"] = fmt.Sprint(time.Now().UnixNano()) })
	_ = before
	w.quiet()
}

// quietTime is how long no request means that an operator has done its work.
const quietTime = 400 * time.Millisecond

// quiet waits until the operator sends no more requests.
func (w *fixture) quiet() {
	w.Helper()
	w.eventually("the operator is quiet", func() error {
		before := w.requests.count()
		time.Sleep(quietTime) //nolint:forbidigo // that nothing happens can only be seen by waiting
		if now := w.requests.count(); now != before {
			return fmt.Errorf("%d requests", now-before)
		}
		return nil
	})
}

// clusterVersion makes the ClusterVersion, with the newest update completed or not.
func (w *fixture) clusterVersion(version string, state configv1.UpdateState) *configv1.ClusterVersion {
	w.Helper()
	cv := &configv1.ClusterVersion{ObjectMeta: metav1.ObjectMeta{Name: "version"}, Spec: configv1.ClusterVersionSpec{ClusterID: "11111111-2222-3333-4444-555555555555"}}
	w.with(cv)
	w.history(version, state)
	return cv
}

// history sets the newest update in the ClusterVersion.
func (w *fixture) history(version string, state configv1.UpdateState) {
	w.Helper()
	cv := &configv1.ClusterVersion{ObjectMeta: metav1.ObjectMeta{Name: "version"}}
	w.eventually("the history is written", func() error {
		if err := w.Get(w.Context(), client.ObjectKeyFromObject(cv), cv); err != nil {
			return err
		}
		now := metav1.Now()
		update := configv1.UpdateHistory{State: state, Version: version, StartedTime: now, Image: "release"}
		if state == configv1.CompletedUpdate {
			update.CompletionTime = &now
		}
		cv.Status = configv1.ClusterVersionStatus{Desired: configv1.Release{Version: version, Image: "release"}, VersionHash: "x", History: []configv1.UpdateHistory{update},
			AvailableUpdates: []configv1.Release{}}
		return w.Status().Update(w.Context(), cv)
	})
}

// patch changes an object by a merge patch.
func (w *fixture) patch(o client.Object, body string) {
	w.Helper()
	if err := w.Patch(w.Context(), o, client.RawPatch(types.MergePatchType, []byte(body))); err != nil {
		w.Fatalf("patch %s: %v", o.GetName(), err)
	}
}

// key is an object's name.
func key(o client.Object) client.ObjectKey { return client.ObjectKeyFromObject(o) }

var errNotYet = errors.New("not yet")

// finalize ends a namespace, which here no controller does.
func (w *fixture) finalize(namespace *corev1.Namespace) {
	w.Helper()
	w.eventually("the namespace is finalized", func() error {
		if err := w.Get(w.Context(), key(namespace), namespace); err != nil {
			return client.IgnoreNotFound(err)
		}
		namespace.Spec.Finalizers = nil
		if err := w.SubResource("finalize").Update(w.Context(), namespace); err != nil {
			return client.IgnoreNotFound(err)
		}
		return errNotYet
	})
}

package controlplane_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	projectv1 "github.com/openshift/api/project/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// as is the access of a user who logged in, by an administrator's right to impersonate.
func (s *suite) as(t *testing.T, name string) *rest.Config {
	config := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated", "system:authenticated:oauth"}}
	return config
}

var projects = projectv1.GroupVersion.WithResource("projects")

// peopleHaveProjects does what oc new-project, oc projects and oc delete project do.
func (s *suite) peopleHaveProjects(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		found := discovery.NewDiscoveryClientForConfigOrDie(s.as(t, "alice"))
		found.UseLegacyDiscovery = legacy
		_, lists, err := found.ServerGroupsAndResources()
		if err != nil || !named(lists, projectv1.GroupVersion.String(), "projects") || !named(lists, projectv1.GroupVersion.String(), "projectrequests") {
			t.Errorf("legacy %t: discovery does not name projects: %v", legacy, err)
		}
	}
	alice, bob := dynamic.NewForConfigOrDie(s.as(t, "alice")).Resource(projects), dynamic.NewForConfigOrDie(s.as(t, "bob")).Resource(projects)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	content, err := kubernetes.NewForConfigOrDie(s.as(t, "alice")).Discovery().RESTClient().Get().AbsPath(requestsPath).DoRaw(ctx)
	if err != nil || !strings.Contains(string(content), `"status":"Success"`) {
		t.Errorf("alice may not ask for projects: %v, %s", err, content)
	}
	stranger := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
	stranger.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:default:default", Groups: []string{"system:serviceaccounts", "system:authenticated"}}
	if _, err := request(stranger, "none"); err == nil || !strings.Contains(err.Error(), "cannot create resource \"projectrequests\"") {
		t.Errorf("a user who did not log in may ask for projects: %v", err)
	}
	changes, err := alice.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Stop()
	made, err := request(s.as(t, "alice"), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if made.Kind != "Project" || made.Status.Phase != corev1.NamespaceActive || made.Annotations["openshift.io/requester"] != "alice" ||
		made.Annotations["openshift.io/display-name"] != "The shop" || !strings.HasSuffix(made.Annotations["openshift.io/sa.scc.uid-range"], "/10000") {
		t.Errorf("the project is %+v", made)
	}
	if list, err := alice.List(ctx, metav1.ListOptions{}); err != nil || len(list.Items) != 1 || list.Items[0].GetName() != "shop" {
		t.Errorf("alice sees %v, %v; want her project", list, err)
	}
	if list, err := bob.List(ctx, metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("bob sees %v, %v; want none", list, err)
	}
	if _, err := bob.Get(ctx, "shop", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("bob gets alice's project: %v", err)
	}
	for name, want := range map[string]string{
		"shop": `project.project.openshift.io "shop" already exists`, "openshift-shop": `project.project.openshift.io "openshift-shop" is forbidden: cannot request a project starting with "openshift-"`,
		"kube": `cannot request a project with the name "kube"`, "x": "must be at least 2 characters long",
	} {
		if _, err := request(s.as(t, "bob"), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a request for %s: %v, want %s", name, err, want)
		}
	}
	if list, err := dynamic.NewForConfigOrDie(s.process.reach(t, []byte(s.cluster.AdminKubeconfig))).Resource(projects).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/metadata.name=shop"}); err != nil || len(list.Items) != 1 {
		t.Errorf("an administrator sees %v, %v", list, err)
	}
	renamed := []byte(`{"metadata":{"annotations":{"openshift.io/description":"sells"}}}`)
	if _, err := alice.Patch(ctx, "shop", types.MergePatchType, renamed, metav1.PatchOptions{}); err != nil {
		t.Errorf("alice may not describe her project: %v", err)
	}
	if _, err := alice.Patch(ctx, "shop", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{}); err == nil || !strings.Contains(err.Error(), "field is immutable, try updating the namespace") {
		t.Errorf("a label of a project: %v", err)
	}
	for event := range changes.ResultChan() {
		if object, is := event.Object.(*unstructured.Unstructured); is && object.GetName() == "shop" && object.GetAnnotations()["openshift.io/description"] == "sells" {
			break // seen
		}
	}
	if ctx.Err() != nil {
		t.Error("alice's watch did not see her project change")
	}
	s.podsAreAdmitted(ctx, t)
	if err := alice.Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for event := range changes.ResultChan() { // although her role goes before the namespace
		if object, is := event.Object.(*unstructured.Unstructured); is && object.GetName() == "shop" && event.Type == watch.Deleted {
			break
		}
	}
	if ctx.Err() != nil {
		t.Error("alice's watch did not see her project go")
	}
	eventually(t, patience, "the project is gone", func() error {
		return client.IgnoreNotFound(s.admin.Get(ctx, client.ObjectKey{Name: "shop"}, &corev1.Namespace{}))
	})
}

func named(lists []*metav1.APIResourceList, version, resource string) bool {
	for _, list := range lists {
		for _, one := range list.APIResources {
			if list.GroupVersion == version && one.Name == resource {
				return true
			}
		}
	}
	return false
}

const requestsPath = "/apis/project.openshift.io/v1/projectrequests"

func request(config *rest.Config, name string) (*projectv1.Project, error) {
	body, err := json.Marshal(&projectv1.ProjectRequest{
		TypeMeta:   metav1.TypeMeta{Kind: "ProjectRequest", APIVersion: projectv1.GroupVersion.String()},
		ObjectMeta: metav1.ObjectMeta{Name: name}, DisplayName: "The shop",
	})
	if err != nil {
		return nil, err
	}
	answer := kubernetes.NewForConfigOrDie(config).Discovery().RESTClient().Post().AbsPath(requestsPath).SetHeader("Content-Type", "application/json").Body(body).Do(context.Background())
	content, _ := answer.Raw()
	if err := answer.Error(); err != nil {
		return nil, err
	}
	made := &projectv1.Project{}
	return made, json.Unmarshal(content, made)
}

// podsAreAdmitted makes pods of an ordinary user in her project.
func (s *suite) podsAreAdmitted(ctx context.Context, t *testing.T) {
	t.Helper()
	pods := kubernetes.NewForConfigOrDie(s.as(t, "alice")).CoreV1().Pods("shop")
	pod := func(name string, privileged *bool) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: "registry.example.com/web:1", SecurityContext: &corev1.SecurityContext{Privileged: privileged},
		}}}}
	}
	made, err := pods.Create(ctx, pod("plain", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	uids, _, _ := strings.Cut(s.annotation(ctx, t, "openshift.io/sa.scc.uid-range"), "/")
	context, container := made.Spec.SecurityContext, made.Spec.Containers[0].SecurityContext
	if made.Annotations["openshift.io/scc"] != "restricted-v2" || strconv.FormatInt(ptr.Deref(context.FSGroup, 0), 10) != uids ||
		strconv.FormatInt(ptr.Deref(container.RunAsUser, 0), 10) != uids || context.SELinuxOptions.Level != s.annotation(ctx, t, "openshift.io/sa.scc.mcs") {
		t.Errorf("the pod is admitted as %v with %+v and %+v; its project has %s", made.Annotations, context, container, uids)
	}
	_, err = pods.Create(ctx, pod("strong", ptr.To(true)), metav1.CreateOptions{})
	if want := `pods "strong" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, ` +
		`provider restricted-v2: .containers[0].privileged: Invalid value: true: Privileged containers are not allowed, provider "restricted": Forbidden`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("a privileged pod: %v, want %s", err, want)
	}
	if made, err := kubernetes.NewForConfigOrDie(s.process.reach(t, []byte(s.cluster.AdminKubeconfig))).CoreV1().Pods("shop").Create(ctx, pod("strong", ptr.To(true)), metav1.CreateOptions{}); err != nil || made.Annotations["openshift.io/scc"] != "privileged" {
		t.Errorf("an administrator's privileged pod: %v, %v", err, made.Annotations)
	}
}

func (s *suite) annotation(ctx context.Context, t *testing.T, name string) string {
	t.Helper()
	var namespace corev1.Namespace
	if err := s.admin.Get(ctx, client.ObjectKey{Name: "shop"}, &namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Annotations[name]
}

// refusesUpdate asks for a version that is not offered, then for one of a channel.
func (s *suite) refusesUpdate(t *testing.T) {
	change := func(spec string) {
		if err := s.admin.Patch(t.Context(), &configv1.ClusterVersion{ObjectMeta: metav1.ObjectMeta{Name: "version"}}, client.RawPatch(types.MergePatchType, []byte(spec))); err != nil {
			t.Fatal(err)
		}
	}
	told := func(want func(*configv1.ClusterVersion) bool) func() error {
		return func() error {
			var version configv1.ClusterVersion
			if err := s.admin.Get(t.Context(), client.ObjectKey{Name: "version"}, &version); err != nil {
				return err
			}
			if !want(&version) {
				return fmt.Errorf("updates %v, conditions %+v", version.Status.AvailableUpdates, version.Status.Conditions)
			}
			return nil
		}
	}
	change(`{"spec":{"channel":"","desiredUpdate":{"version":"4.19.99"}}}`)
	eventually(t, patience, "the update is refused", told(func(v *configv1.ClusterVersion) bool {
		for _, condition := range v.Status.Conditions {
			if condition.Type == "Invalid" && condition.Status == configv1.ConditionTrue && strings.Contains(condition.Message, `Invalid value: "4.19.99": when image is empty the update must be`) {
				return v.Status.Desired.Version != "4.19.99"
			}
		}
		return false
	}))
	change(`{"spec":{"channel":"stable-4.19","desiredUpdate":null}}`)
	eventually(t, patience, "updates are offered", told(func(v *configv1.ClusterVersion) bool {
		for _, condition := range v.Status.Conditions {
			if condition.Type == "Invalid" {
				return false
			}
		}
		return len(v.Status.AvailableUpdates) == 1
	}))
}

// workloadsComeBack scales a platform's deployment down, which its operator tells and repairs.
func (s *suite) workloadsComeBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	operator := &configv1.ClusterOperator{ObjectMeta: metav1.ObjectMeta{Name: "service-ca"}}
	state := func() configv1.ClusterOperatorStatusCondition {
		if err := s.admin.Get(ctx, client.ObjectKeyFromObject(operator), operator); err != nil {
			t.Fatal(err)
		}
		for _, condition := range operator.Status.Conditions {
			if condition.Type == configv1.OperatorAvailable {
				return condition
			}
		}
		return configv1.ClusterOperatorStatusCondition{}
	}
	since := state().LastTransitionTime
	eventually(t, patience, "a later second, which tells the transition below from this one", func() error {
		if time.Since(since.Time) < time.Second {
			return errors.New("it is the same")
		}
		return nil
	})
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-service-ca", Name: "service-ca"}}
	if err := s.admin.Patch(ctx, deployment, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the deployment and its operator are as before", func() error {
		if err := s.admin.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil {
			return err
		}
		if now := state(); *deployment.Spec.Replicas != 1 || deployment.Status.AvailableReplicas != 1 || now.Status != configv1.ConditionTrue || !now.LastTransitionTime.After(since.Time) {
			return fmt.Errorf("it has %d replicas of which %d are available, and Available is %s since %s", *deployment.Spec.Replicas, deployment.Status.AvailableReplicas, now.Status, now.LastTransitionTime)
		}
		return nil
	})
}

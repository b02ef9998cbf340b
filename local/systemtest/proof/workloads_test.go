package proof

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const workloadsTimeout = 10 * time.Minute

// TestWorkloadsOfPeopleRollOut makes what people's charts make, with images that
// do not run here, and sees it settle as in a cluster that runs them. One image has
// a program of this machine.
func TestWorkloadsOfPeopleRollOut(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := newEnvironment(t, "ARO_PROGRAMS=sample="+self)
	c := w.customer(t, order{name: "works"})
	ctx, cancel := context.WithTimeout(t.Context(), workloadsTimeout)
	defer cancel()
	if o, err := c.outcome(ctx, c.create(ctx, t)); err != nil || o.Status != "Succeeded" {
		t.Fatalf("the cluster ended as %+v, %v", o, err)
	}
	s := &shop{kube: c.kube(ctx, t)}
	if _, err := s.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shopNamespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.make(ctx, t)
	s.rollsOut(ctx, t)
	s.serves(ctx, t)
	s.says(ctx, t)
	s.routes(ctx, t)
	s.runsProgram(ctx, t)
	if err := s.CoreV1().Namespaces().Delete(ctx, shopNamespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the namespace is gone", func() (bool, error) {
		list, err := s.CoreV1().Namespaces().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + shopNamespace})
		return err == nil && len(list.Items) == 0, err
	})
}

const shopNamespace = "shop"

// shop is what people run in a cluster.
type shop struct{ *kube }

// pods of an app, which may add to their spec.
func pods(app string, spec corev1.PodSpec) corev1.PodTemplateSpec {
	spec.Containers = append(spec.Containers, corev1.Container{Name: app, Image: "registry.example.com/" + app + ":1"})
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}}, Spec: spec}
}

func (s *shop) make(ctx context.Context, t *testing.T) {
	t.Helper()
	object := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: shopNamespace} }
	selects := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	three, two := int32(3), int32(2)
	options := metav1.CreateOptions{}
	_, deployed := s.AppsV1().Deployments(shopNamespace).Create(ctx, &appsv1.Deployment{ObjectMeta: object("web"),
		Spec: appsv1.DeploymentSpec{Replicas: &three, Selector: selects("web"), Template: pods("web", corev1.PodSpec{})}}, options)
	_, stateful := s.AppsV1().StatefulSets(shopNamespace).Create(ctx, &appsv1.StatefulSet{ObjectMeta: object("db"),
		Spec: appsv1.StatefulSetSpec{Replicas: &two, ServiceName: "db", Selector: selects("db"), Template: pods("db", corev1.PodSpec{}),
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity.MustParse("1Gi")}},
			}}}}}, options)
	_, everywhere := s.AppsV1().DaemonSets(shopNamespace).Create(ctx, &appsv1.DaemonSet{ObjectMeta: object("agent"),
		Spec: appsv1.DaemonSetSpec{Selector: selects("agent"), Template: pods("agent", corev1.PodSpec{})}}, options)
	_, once := s.BatchV1().Jobs(shopNamespace).Create(ctx, &batchv1.Job{ObjectMeta: object("once"),
		Spec: batchv1.JobSpec{Template: pods("once", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever})}}, options)
	_, balanced := s.CoreV1().Services(shopNamespace).Create(ctx, &corev1.Service{ObjectMeta: object("web"),
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}}}, options)
	lacking := pods("lacking", corev1.PodSpec{}).Spec
	lacking.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nowhere"}}}}
	_, waiting := s.CoreV1().Pods(shopNamespace).Create(ctx, &corev1.Pod{ObjectMeta: object("lacking"), Spec: lacking}, options)
	_, placeless := s.CoreV1().Pods(shopNamespace).Create(ctx, &corev1.Pod{ObjectMeta: object("placeless"),
		Spec: pods("placeless", corev1.PodSpec{NodeSelector: map[string]string{"place": "none"}}).Spec}, options)
	for _, err := range []error{deployed, stateful, everywhere, once, balanced, waiting, placeless} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shop) rollsOut(ctx context.Context, t *testing.T) {
	t.Helper()
	eventually(ctx, t, "the deployment is available", func() (bool, error) {
		d, err := s.AppsV1().Deployments(shopNamespace).Get(ctx, "web", metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == 3 && d.Status.UpdatedReplicas == 3, err
	})
	eventually(ctx, t, "the stateful set is ready", func() (bool, error) {
		d, err := s.AppsV1().StatefulSets(shopNamespace).Get(ctx, "db", metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == 2, err
	})
	eventually(ctx, t, "the daemon set is on each worker", func() (bool, error) {
		d, err := s.AppsV1().DaemonSets(shopNamespace).Get(ctx, "agent", metav1.GetOptions{})
		return err == nil && d.Status.DesiredNumberScheduled == 3 && d.Status.NumberAvailable == 3, err
	})
	eventually(ctx, t, "the job ends", func() (bool, error) {
		d, err := s.BatchV1().Jobs(shopNamespace).Get(ctx, "once", metav1.GetOptions{})
		return err == nil && d.Status.Succeeded == 1 && d.Status.CompletionTime != nil, err
	})
}

func (s *shop) serves(ctx context.Context, t *testing.T) {
	t.Helper()
	eventually(ctx, t, "the service has endpoints and an address", func() (bool, error) {
		service, err := s.CoreV1().Services(shopNamespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		slices, err := s.DiscoveryV1().EndpointSlices(shopNamespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=web"})
		return err == nil && len(service.Status.LoadBalancer.Ingress) == 1 && len(slices.Items) == 1 && len(slices.Items[0].Endpoints) == 3, err
	})
	list, err := s.CoreV1().Pods(shopNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]string{}
	for _, pod := range list.Items {
		if other := taken[pod.Status.PodIP]; other != "" && pod.Status.PodIP != "" && pod.Status.Phase == corev1.PodRunning {
			t.Errorf("%s and %s both have the address %s", other, pod.Name, pod.Status.PodIP)
		}
		taken[pod.Status.PodIP] = pod.Name
	}
}

// routes makes one without a host, and one that claims the host of the first.
func (s *shop) routes(ctx context.Context, t *testing.T) {
	t.Helper()
	routes := s.dynamic.Resource(schema.GroupVersionResource{Group: "route.openshift.io", Version: "v1", Resource: "routes"}).Namespace(shopNamespace)
	route := func(name, host string) {
		spec := map[string]any{"to": map[string]any{"kind": "Service", "name": "web"}}
		if host != "" {
			spec["host"] = host
		}
		object := map[string]any{"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": map[string]any{"name": name}, "spec": spec}
		if _, err := routes.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	admitted := func(name, want string) (host string) {
		eventually(ctx, t, "the route "+name+" is judged", func() (bool, error) {
			found, err := routes.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return false, err
			}
			host, _, _ = unstructured.NestedString(found.Object, "spec", "host")
			list, _, _ := unstructured.NestedSlice(found.Object, "status", "ingress")
			if len(list) != 1 {
				return false, nil
			}
			return conditions(&unstructured.Unstructured{Object: map[string]any{"status": list[0]}})["Admitted"] == want, nil
		})
		return host
	}
	route("web", "")
	host := admitted("web", "True")
	if !strings.HasPrefix(host, "web-"+shopNamespace+".apps.") {
		t.Errorf("the route has the host %q", host)
	}
	route("rival", host)
	admitted("rival", "False")
}

// says looks for the words that keep the simulation honest.
func (s *shop) says(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, want := range []struct{ of, reason, words string }{
		{"db-0", "Simulated", "is not run on this machine"}, {"lacking", "Failed", `secret "nowhere" not found`},
		{"placeless", "FailedScheduling", "didn't match Pod's node affinity/selector"}, {"web", "Simulated", "nothing listens on"},
	} {
		eventually(ctx, t, "the event "+want.reason+" of "+want.of, func() (bool, error) {
			events, err := s.CoreV1().Events(shopNamespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + want.of + ",reason=" + want.reason})
			if err != nil {
				return false, err
			}
			for _, event := range events.Items {
				if strings.Contains(event.Message, want.words) {
					return true, nil
				}
			}
			return false, nil
		})
	}
	eventually(ctx, t, "the log of a simulated container", func() (bool, error) {
		log, err := s.CoreV1().Pods(shopNamespace).GetLogs("db-0", &corev1.PodLogOptions{}).DoRaw(ctx)
		return err == nil && strings.Contains(string(log), "simulated"), err
	})
}

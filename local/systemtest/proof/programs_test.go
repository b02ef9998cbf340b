package proof

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/aro-rp/aro/openshift"
)

// programPort is where every pod of the program listens.
const programPort = 8080

// asProgram as first argument makes the test program one that a pod runs.
const asProgram = "as-program"

// program says who it is to the cluster, as every controller can, and serves until
// it gets a signal.
func program() int {
	config, err := rest.InClusterConfig()
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	me, err := client.AuthenticationV1().SelfSubjectReviews().Create(context.Background(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	fmt.Printf("I am %s with %s in %s\n", me.Status.UserInfo.Username, os.Getenv("WORD"), os.Getenv("POD"))
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })
	fmt.Println("failed:", http.ListenAndServe(net.JoinHostPort(os.Getenv("ADDRESS"), strconv.Itoa(programPort)), nil))
	return 1
}

// runsProgram makes a deployment whose image has a program, and treats it as people
// treat theirs.
func (s *shop) runsProgram(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := s.CoreV1().Secrets(shopNamespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "word"}, StringData: map[string]string{"word": "a secret"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	template := pods("sample", corev1.PodSpec{})
	c := &template.Spec.Containers[0]
	c.Args = []string{asProgram}
	c.Env = []corev1.EnvVar{
		{Name: "ADDRESS", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "WORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "word"}, Key: "word"}}},
		{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
	}
	c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(programPort)}}}
	c.StartupProbe = &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 60, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", `[ "$WORD" = "a secret" ]`}}}}
	if _, err := s.AppsV1().Deployments(shopNamespace).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "sample"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	ready := func() (bool, error) {
		list, err := s.CoreV1().Pods(shopNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app=sample"})
		if err != nil || len(list.Items) != 1 || len(list.Items[0].Status.ContainerStatuses) != 1 {
			return false, err
		}
		pod = list.Items[0]
		return pod.Status.ContainerStatuses[0].Ready, nil
	}
	eventually(ctx, t, "the program is ready", ready)
	want := "I am system:serviceaccount:" + shopNamespace + ":default with a secret in " + pod.Name
	if log := s.log(ctx, t, pod.Name, false); !strings.Contains(log, want) {
		t.Errorf("the program says %q, want %q", log, want)
	}
	forwarded := s.forward(ctx, t, pod.Name, programPort)
	s.executes(ctx, t, pod.Name)
	serves(t, http.DefaultClient, forwarded)
	serves(t, s.asTheService(ctx, t, pod.Name), "http://"+pod.Name)
	if answer, err := http.Get(forwarded + "/die"); err == nil {
		_ = answer.Body.Close()
	}
	eventually(ctx, t, "the program is started again", func() (bool, error) {
		ready, err := ready()
		return ready && pod.Status.ContainerStatuses[0].RestartCount == 1, err
	})
	if ended := pod.Status.ContainerStatuses[0].LastTerminationState.Terminated; ended == nil || ended.ExitCode != 3 {
		t.Errorf("it ended as %+v", ended)
	}
	if log := s.log(ctx, t, pod.Name, true); !strings.Contains(log, want) {
		t.Errorf("the program said before %q, want %q", log, want)
	}
}

func (s *shop) log(ctx context.Context, t *testing.T, pod string, previous bool) string {
	t.Helper()
	log, err := s.CoreV1().Pods(shopNamespace).GetLogs(pod, &corev1.PodLogOptions{Previous: previous}).DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

func serves(t *testing.T, client *http.Client, address string) {
	t.Helper()
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if string(text) != "served" {
		t.Errorf("the port answers %q", text)
	}
}

// asTheService reaches programPort of a pod as the monitor and the portal do, over WebSocket.
func (s *shop) asTheService(ctx context.Context, t *testing.T, pod string) *http.Client {
	t.Helper()
	host, err := url.Parse(s.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host.Hostname())
	if err != nil {
		t.Fatal(err)
	}
	api, err := openshift.Open(s.kubeconfig, addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return api.Forward(ctx, shopNamespace, pod, programPort)
	}}}
}

// forward is what kubectl port-forward does.
func (s *shop) forward(ctx context.Context, t *testing.T, pod string, port int) string {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(s.config)
	if err != nil {
		t.Fatal(err)
	}
	url := s.CoreV1().RESTClient().Post().Resource("pods").Namespace(shopNamespace).Name(pod).SubResource("portforward").URL()
	ready, stop := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	var told bytes.Buffer
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url), []string{":" + strconv.Itoa(port)}, stop, ready, &told, &told)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		t.Fatal(err)
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	case <-time.After(time.Minute):
		t.Fatal("nothing is forwarded")
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local)
}

package fleet

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

// slowAnswer is how long an API server takes that is slow: longer than a check may.
const slowAnswer = 20 * time.Second

// stub is the API server of all clusters. It counts checks, each of which begins with
// /healthz, and connections.
type stub struct {
	*httptest.Server
	checks, connections, accepted atomic.Int64
	issued                        string
}

// apiServers answer for all clusters: /slow/NAME and /well/NAME are before each path.
func apiServers(t testing.TB) *stub {
	t.Helper()
	answers := map[string]answer{
		"/healthz": text("ok"), "/healthz/ping": text("ok"),
		"/api/v1/nodes": kubernetes(t, nodes(6)),
		"/apis/config.openshift.io/v1/clusterversions/version":                         text(clusterVersion),
		"/apis/config.openshift.io/v1/clusteroperators":                                text(clusterOperators(33)),
		"/apis/config.openshift.io/v1/networks/cluster":                                text(`{"status":{"networkType":"OVNKubernetes","clusterNetworkMTU":1400}}`),
		"/apis/config.openshift.io/v1/proxies/cluster":                                 text(`{"spec":{},"status":{}}`),
		"/apis/machineconfiguration.openshift.io/v1/machineconfigpools":                text(list(pool("master", 3), pool("worker", 3))),
		"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines": text(list()),
		"/apis/apps/v1/namespaces/openshift-azure-operator/deployments":                kubernetes(t, deployments()),
		"/apis/apps/v1/namespaces/openshift-azure-logging/daemonsets":                  kubernetes(t, &appsv1.DaemonSetList{}),
	}
	podsOfNamespace := kubernetes(t, pods(5))
	s := &stub{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		_, path, _ := strings.Cut(rest, "/")
		if path == "healthz" {
			s.checks.Add(1)
		}
		if strings.HasPrefix(r.URL.Path, "/slow/") {
			timer := time.NewTimer(slowAnswer)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
		}
		if strings.HasSuffix(path, "/portforward") {
			alertManager(w, r)
			return
		}
		answer, known := answers["/"+path]
		if strings.HasSuffix(path, "/pods") {
			answer, known = podsOfNamespace, true
		}
		if !known {
			http.NotFound(w, r)
			return
		}
		answer.write(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // connections of a monitor that is killed
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.connections.Add(1)
			s.accepted.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.connections.Add(-1)
		default:
		}
	}
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	s.StartTLS()
	s.issued = issued(t, s.Server)
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

// alertManager is a pod's port, forwarded, that answers one request with the alerts.
func alertManager(w http.ResponseWriter, r *http.Request) {
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		"v4.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadWriteChannel, wsstream.WriteChannel}}})
	conn.SetIdleTimeout(slowAnswer)
	_, streams, err := conn.Open(w, r)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for _, s := range streams {
		_, _ = s.Write([]byte{9093 & 0xff, 9093 >> 8})
	}
	if _, err := http.ReadRequest(bufio.NewReader(streams[0])); err == nil {
		_, _ = fmt.Fprintf(streams[0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(alerts), alerts)
	}
}

// alerts are what fires in a healthy cluster.
var alerts = `[` + strings.Join([]string{
	`{"labels":{"alertname":"Watchdog","namespace":"openshift-monitoring","severity":"none"},"annotations":{"summary":"` + strings.Repeat("An alert that always fires. ", 20) + `"}}`,
	`{"labels":{"alertname":"InsightsDisabled","namespace":"openshift-insights","severity":"info"},"annotations":{"summary":"` + strings.Repeat("Insights is disabled. ", 20) + `"}}`,
}, ",") + `]`

// issued is the service's kubeconfig of the cluster "well/one" at the stub, as the service issues it.
func issued(t testing.TB, server *httptest.Server) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin-kubeconfig-signer"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	installers, err := clientcmd.Write(clientcmdapi.Config{Clusters: map[string]*clientcmdapi.Cluster{
		"one": {Server: server.URL + "/well/one", CertificateAuthorityData: block("CERTIFICATE", server.Certificate().Raw)}}})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := openshift.NewIssuer(installers, openshift.KeyPair{Certificate: block("CERTIFICATE", der), Key: block("PRIVATE KEY", private)}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := issuer.Service()
	if err != nil {
		t.Fatal(err)
	}
	return string(kubeconfig)
}

// kubeconfig reaches a cluster.
func (s *stub) kubeconfig(kind, name string) model.Secret {
	return model.Secret(strings.Replace(s.issued, "/well/one", "/"+kind+"/"+name, 1))
}

func list(items ...string) string {
	return `{"metadata":{"resourceVersion":"1"},"items":[` + strings.Join(items, ",") + `]}`
}

// filler stands for what an object has beside what monitors read: managed fields, labels
// and specs.
func filler(bytes int) string {
	return `"managedFields":[{"manager":"` + strings.Repeat("f:metadata ", bytes/11) + `"}]`
}

// managed are the managed fields of an object of Kubernetes' own kinds.
func managed() []metav1.ManagedFieldsEntry {
	const bytes = 4000
	return []metav1.ManagedFieldsEntry{{Manager: "kubelet", Operation: "Update", FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{Raw: []byte(`{` + strings.Repeat(`"f:conditions":{},`, bytes/18) + `"f:phase":{}}`)}}}
}

func nodes(n int) runtime.Object {
	all := &corev1.NodeList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	for i := range n {
		role := "worker"
		if i < 3 {
			role = "master"
		}
		all.Items = append(all.Items, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("node-", i), Labels: map[string]string{"node-role.kubernetes.io/" + role: ""}, ManagedFields: managed()},
			Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.32.1"}, Conditions: []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
				{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse}, {Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse}, {Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}})
	}
	return all
}

const clusterVersion = `{"metadata":{"name":"version"},"spec":{},"status":{"desired":{"version":"4.19.24"},"history":[{"state":"Completed","version":"4.19.24"}],
"conditions":[{"type":"Available","status":"True"},{"type":"Progressing","status":"False"},{"type":"Failing","status":"False"}]}}`

func clusterOperators(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"metadata":{"name":"operator-%d",%s},"status":{"versions":[{"name":"operator","version":"4.19.24"}],
"conditions":[{"type":"Available","status":"True"},{"type":"Progressing","status":"False"},{"type":"Degraded","status":"False"},{"type":"Upgradeable","status":"True"}]}}`, i, filler(1000)))
	}
	return list(all...)
}

func pool(name string, machines int) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,%s},"status":{"machineCount":%d,"conditions":[{"type":"Updated","status":"True"},{"type":"Updating","status":"False"},{"type":"Degraded","status":"False"}]}}`, name, filler(3000), machines)
}

// pods are those of a namespace.
func pods(n int) runtime.Object {
	all := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	for i := range n {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("pod-", i), Namespace: "n", ManagedFields: managed()}, Spec: corev1.PodSpec{NodeName: "node-0"},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}
		for _, kind := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue})
		}
		all.Items = append(all.Items, p)
	}
	return all
}

// deployments are the service's operator.
func deployments() runtime.Object {
	one, all := int32(1), &appsv1.DeploymentList{}
	for _, name := range []string{"aro-operator-master", "aro-operator-worker"} {
		all.Items = append(all.Items, appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"version": "v1"}, ManagedFields: managed()},
			Spec: appsv1.DeploymentSpec{Replicas: &one}, Status: appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}})
	}
	return all
}

// answer is what is answered to a path.
type answer struct{ json, protobuf []byte }

func text(s string) answer { return answer{json: []byte(s)} }

// kubernetes is an answer with objects of Kubernetes' own kinds, which API servers also encode as protobuf.
func kubernetes(t testing.TB, object runtime.Object) answer {
	t.Helper()
	asJSON, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var asProtobuf bytes.Buffer
	if err := protobuf.NewSerializer(nil, nil).Encode(object, &asProtobuf); err != nil {
		t.Fatal(err)
	}
	return answer{asJSON, asProtobuf.Bytes()}
}

func (a answer) write(w http.ResponseWriter, r *http.Request) {
	if a.protobuf != nil && strings.Contains(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(a.protobuf)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.json)
}

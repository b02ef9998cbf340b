package admin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
)

// apiServer answers as an API server does to the few requests of these tests.
type apiServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newAPIServer(t *testing.T) *apiServer {
	a := &apiServer{}
	resource := func(name, singular, kind, scope string) string {
		return fmt.Sprintf(`{"resource":%q,"singularResource":%q,"scope":%q,"responseKind":{"kind":%q}}`, name, singular, scope, kind)
	}
	core := strings.Join([]string{resource("nodes", "node", "Node", "Cluster"), resource("pods", "pod", "Pod", "Namespaced"), resource("secrets", "secret", "Secret", "Namespaced")}, ",")
	tokens := resource("oauthaccesstokens", "oauthaccesstoken", "OAuthAccessToken", "Cluster")
	const ns = "/api/v1/namespaces/openshift-etcd/pods/"
	answers := map[string]string{
		"GET /api":                     `{"items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[` + core + `]}]}]}`,
		"GET /apis":                    `{"items":[{"metadata":{"name":"oauth.openshift.io"},"versions":[{"version":"v1","resources":[` + tokens + `]}]}]}`,
		"GET /api/v1/nodes?limit=1000": `{"kind":"NodeList"}`, "GET /api/v1/nodes/n": `{"kind":"Node"}`,
		"GET " + ns + "etcd-0": `{"spec":{"nodeName":"n"}}`, "GET " + ns + "waits": `{"spec":{}}`,
		"GET " + ns + "etcd-0/log?container=etcd&limitBytes=52428800": "line\n",
		`PATCH /api/v1/nodes/n {"spec":{"unschedulable":true}}`:       `{}`, `PATCH /api/v1/nodes/n?dryRun=All {"spec":{"unschedulable":false}}`: `{}`,
	}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
		a.mu.Lock()
		a.asked = append(a.asked, asked)
		a.mu.Unlock()
		answer, ok := answers[asked]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"kind":"Status","message":"there is no such object"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *apiServer) kubeconfig(t *testing.T) model.Secret {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "service"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(a.URL)
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	text, err := clientcmd.Write(clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"c": {Server: "https://example.com:" + u.Port(), CertificateAuthorityData: block("CERTIFICATE", a.Certificate().Raw)}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {ClientCertificateData: block("CERTIFICATE", der), ClientKeyData: block("EC PRIVATE KEY", private)}},
		Contexts:  map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	return model.Secret(text)
}

func TestEngineersSeeAndCordonButGetNoSecrets(t *testing.T) {
	var maintained sync.WaitGroup
	var works atomic.Int32
	id := arm.ClusterID{SubscriptionID: edge.Subscription, ResourceGroup: "g", Name: "shop"}
	w, a := newFixture(t, func(o *edge.Options) {
		maintained.Add(1)
		o.Maintenance = func(ctx context.Context, resourceID string) {
			if works.Add(1) == 1 {
				<-ctx.Done()
				maintained.Done()
			}
			if resourceID != id.String() {
				t.Errorf("maintenance of %s", resourceID)
			}
		}
	}), newAPIServer(t)
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Name = id.String(), id.Name
	doc.Cluster.Internal.PrivateEndpointIP, doc.Cluster.Internal.ServiceKubeconfig = "127.0.0.1", a.kubeconfig(t)
	if err := w.Store.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "kubernetesobjects?kind=node", 200, "NodeList"},
		{"GET", "kubernetesobjects?kind=NODES&name=n", 200, `"Node"`},
		{"GET", "kubernetesobjects?kind=node&name=none", 404, "there is no such object"},
		{"GET", "kubernetesobjects?kind=surprise", 400, "no kind"},
		{"GET", "kubernetesobjects?kind=secret&namespace=openshift-etcd", 403, "Secrets"},
		{"GET", "kubernetesobjects?kind=oauthaccesstokens", 403, "Secrets"},
		{"GET", "kubernetesobjects?kind=pod&namespace=shop", 403, "namespaces of OpenShift"},
		{"GET", "kubernetesobjects?kind=pod&namespace=openshift-shop", 403, "namespaces of OpenShift"},
		{"GET", "kubernetesobjects?kind=pod", 403, "namespaces of OpenShift"},
		{"GET", "kubernetesobjects?kind=node&name=..%2F..%2Fsecrets", 400, "name of letters"},
		{"GET", "kubernetesobjects", 400, "parameter"},
		{"GET", "kubernetespodlogs?namespace=openshift-etcd&podname=etcd-0&container=etcd", 200, "line\n"},
		{"GET", "kubernetespodlogs?namespace=openshift-etcd&podname=waits", 400, "not scheduled"},
		{"GET", "kubernetespodlogs?namespace=shop&podname=web", 403, "namespaces of OpenShift"},
		{"POST", "cordonnode?vmName=n&shouldCordon=true", 200, ""},
		{"POST", "cordonnode?VMNAME=n&shouldcordon=false&dryrun=true", 200, ""},
		{"POST", "cordonnode?vmName=.n&shouldCordon=true", 400, "name of letters"},
		{"POST", "cordonnode?vmName=n&shouldCordon=perhaps", 400, "parameter"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, w.HTTP.URL+"/admin"+id.String()+"/"+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := w.HTTP.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != test.status || !strings.Contains(string(text), test.says) {
			t.Errorf("%s %s: %d %s, want %d with %q", test.method, test.path, res.StatusCode, text, test.status, test.says)
		}
	}
	// The first cordoned a node, two were refused for their parameters; the others were a dry run or only read.
	maintained.Wait()
	if works.Load() != 3 {
		t.Errorf("%d actions were maintenance, want 3", works.Load())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, asked := range a.asked {
		if strings.Contains(asked, "secrets") || strings.Contains(asked, "oauthaccesstokens") {
			t.Errorf("the cluster was asked for %s", asked)
		}
	}
}

package cluster

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/model"
)

// kube is a cluster's API server: a map of objects by path that keeps what is
// written, and answers of its own where a test wants them.
type kube struct {
	mu      sync.Mutex
	objects map[string]map[string]any
	hook    map[string]func() (int, any)
	seen    []string // "METHOD path" of all but reads

	kubeconfig model.Secret
}

const (
	kubeOperators = "/apis/config.openshift.io/v1/clusteroperators/"
	kubeVersion   = "/apis/config.openshift.io/v1/clusterversions/version"
	kubeSets      = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinesets"
)

func newKube(t testing.TB) *kube {
	k := &kube{objects: map[string]map[string]any{}, hook: map[string]func() (int, any){}}
	server := httptest.NewUnstartedServer(k)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	text, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: server.URL, TLSServerName: "example.com",
			CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Token: "t"}}, Contexts: map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "c",
	})
	if err != nil {
		t.Fatal(err)
	}
	k.kubeconfig = model.Secret(text)
	for _, operator := range []string{"kube-apiserver", "kube-controller-manager"} {
		k.settle(operator, "False")
	}
	k.put(kubeVersion, map[string]any{"status": map[string]any{"desired": map[string]any{"version": "4.19.24"}}})
	return k
}

// settle makes an operator available, and progressing as said.
func (k *kube) settle(operator, progressing string) {
	k.put(kubeOperators+operator, map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Available", "status": "True"}, map[string]any{"type": "Progressing", "status": progressing}}}})
}

func (k *kube) put(path string, object map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	metadata := map[string]any{"name": lastSegment(path), "resourceVersion": "1"}
	if _, rest, within := strings.Cut(path, "/namespaces/"); within && strings.Contains(rest, "/") {
		metadata["namespace"], _, _ = strings.Cut(rest, "/")
	}
	object["metadata"] = metadata
	k.objects[path] = object
}

// on answers a call instead of the map.
func (k *kube) on(call string, answer func() (int, any)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hook[call] = answer
}

// of makes it the API server of c.
func (k *kube) of(c *model.Cluster) {
	c.Internal.ServiceKubeconfig, c.Internal.PrivateEndpointIP = k.kubeconfig, "127.0.0.1"
}

func (k *kube) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Method != http.MethodGet {
		k.seen = append(k.seen, r.Method+" "+r.URL.Path)
	}
	status, answer := k.answer(r)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (k *kube) answer(r *http.Request) (int, any) {
	if hook := k.hook[r.Method+" "+r.URL.Path]; hook != nil {
		return hook()
	}
	object, found := k.objects[r.URL.Path]
	var body map[string]any
	switch r.Method {
	case http.MethodPost:
		_ = json.NewDecoder(r.Body).Decode(&body)
		metadata, _ := body["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		k.objects[r.URL.Path+"/"+name] = body
		return http.StatusCreated, body
	case http.MethodPatch:
		_ = json.NewDecoder(r.Body).Decode(&body)
		if found {
			merge(object, body)
			return http.StatusOK, object
		}
	case http.MethodDelete:
		delete(k.objects, r.URL.Path)
		return http.StatusOK, kubeStatus(http.StatusOK, "", "")
	default:
		if found {
			return http.StatusOK, object
		}
		if items := k.list(r.URL.Path); items != nil {
			return http.StatusOK, map[string]any{"items": items}
		}
	}
	return http.StatusNotFound, kubeStatus(http.StatusNotFound, "NotFound", r.URL.Path+" not found")
}

func (k *kube) list(path string) (items []any) {
	for key, object := range k.objects {
		if rest, below := strings.CutPrefix(key, path+"/"); below && !strings.Contains(rest, "/") {
			items = append(items, object)
		}
	}
	if items == nil && strings.HasSuffix(path, "s") { // a collection
		items = []any{}
	}
	return items
}

func kubeStatus(code int, reason, message string) map[string]any {
	status := "Failure"
	if code < 300 {
		status = "Success"
	}
	return map[string]any{"kind": "Status", "apiVersion": "v1", "status": status, "code": code, "reason": reason, "message": message}
}

// merge applies a JSON merge patch.
func merge(into, patch map[string]any) {
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		had, hadObject := into[name].(map[string]any)
		switch {
		case value == nil:
			delete(into, name)
		case isObject && hadObject:
			merge(had, inner)
		default:
			into[name] = value
		}
	}
}

// pool makes the cluster have a machine set of workers in a subnet.
func (k *kube) pool(name, subnet string) {
	k.put(kubeSets+"/"+name, map[string]any{"spec": map[string]any{"replicas": 1, "template": map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"machine.openshift.io/cluster-api-machine-role": "worker"}},
		"spec": map[string]any{"providerSpec": map[string]any{"value": map[string]any{
			"vmSize": "Standard_D4s_v3", "networkResourceGroup": "net", "vnet": "vnet", "subnet": subnet, "osDisk": map[string]any{"diskSizeGB": 128}}}}}}})
}

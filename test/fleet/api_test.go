package fleet

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
)

// slowAnswer is how long an API server takes that is slow: longer than a check may.
const slowAnswer = 20 * time.Second

// stub is the API server of all clusters. It counts checks, each of which begins with
// /healthz, and connections.
type stub struct {
	*httptest.Server
	checks, connections atomic.Int64
}

// apiServers answer for all clusters: /slow/NAME and /well/NAME are before each path.
func apiServers(t testing.TB) *stub {
	t.Helper()
	answers := map[string]string{
		"/healthz": "ok", "/healthz/ping": "ok",
		"/api/v1/nodes": nodes(6),
		"/apis/config.openshift.io/v1/clusterversions/version":                         clusterVersion,
		"/apis/config.openshift.io/v1/clusteroperators":                                clusterOperators(33),
		"/apis/config.openshift.io/v1/networks/cluster":                                `{"status":{"networkType":"OVNKubernetes","clusterNetworkMTU":1400}}`,
		"/apis/config.openshift.io/v1/proxies/cluster":                                 `{"spec":{},"status":{}}`,
		"/apis/machineconfiguration.openshift.io/v1/machineconfigpools":                list(pool("master", 3), pool("worker", 3)),
		"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines": list(),
	}
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
		answer, known := answers["/"+path]
		if strings.HasSuffix(path, "/pods") {
			answer, known = podList, true
		}
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // connections of a monitor that is killed
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.connections.Add(-1)
		default:
		}
	}
	s.StartTLS()
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

// kubeconfig reaches a cluster at the stub.
func kubeconfig(server *httptest.Server, kind, name string) model.Secret {
	authority := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	return model.Secret(fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"%s/%s/%s","certificate-authority-data":%q}}],
"users":[{"name":"u","user":{"token":"x"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`, server.URL, kind, name, authority))
}

func list(items ...string) string {
	return `{"metadata":{"resourceVersion":"1"},"items":[` + strings.Join(items, ",") + `]}`
}

// filler stands for what an object has beside what monitors read: managed fields, labels
// and specs.
func filler(bytes int) string {
	return `"managedFields":[{"manager":"` + strings.Repeat("f:metadata ", bytes/11) + `"}]`
}

func nodes(n int) string {
	var all []string
	for i := range n {
		role := "worker"
		if i < 3 {
			role = "master"
		}
		all = append(all, fmt.Sprintf(`{"metadata":{"name":"node-%d","labels":{"node-role.kubernetes.io/%s":""},%s},"status":{"nodeInfo":{"kubeletVersion":"v1.32.1"},
"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"DiskPressure","status":"False"},{"type":"PIDPressure","status":"False"},{"type":"Ready","status":"True"}]}}`, i, role, filler(4000)))
	}
	return list(all...)
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

// podList has the pods of a namespace.
var podList = func() string {
	var all []string
	for i := range 5 {
		all = append(all, fmt.Sprintf(`{"metadata":{"name":"pod-%d","namespace":"n",%s},"spec":{"nodeName":"node-0"},"status":{"phase":"Running",
"conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"True"},{"type":"ContainersReady","status":"True"},{"type":"PodScheduled","status":"True"}],"containerStatuses":[{"name":"c","restartCount":0,"state":{"running":{}}}]}}`, i, filler(4000)))
	}
	return list(all...)
}()

package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// answer takes what a handler writes and keeps only the status and the length.
type answer struct {
	header http.Header
	status int
	length int
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(s int)   { a.status = s }
func (a *answer) Write(p []byte) (int, error) {
	a.length += len(p)
	return len(p), nil
}

// serve calls h with requests that next makes, and fails on another status.
func serve(b *testing.B, h http.Handler, status int, next func() *http.Request) {
	b.Helper()
	b.ReportAllocs()
	a := &answer{header: http.Header{}}
	defer reportCPU(b)()
	for b.Loop() {
		r := next()
		clear(a.header)
		a.status, a.length = http.StatusOK, 0
		h.ServeHTTP(a, r)
		if a.status != status || a.length == 0 {
			b.Fatalf("%s %s answered %d with %d bytes", r.Method, r.URL, a.status, a.length)
		}
	}
}

// again repeats one request without a body.
func again(method, path string) func() *http.Request {
	r := httptest.NewRequest(method, path+"?api-version="+apiVersion, nil)
	r.Host = "localhost" // a name that the service answers to in development
	return func() *http.Request { return r }
}

func path(id arm.ClusterID) string { return id.String() }

func listPath() string {
	return "/subscriptions/" + subscription + "/providers/" + arm.Namespace + "/openShiftClusters"
}

// createBody is what creates the cluster.
func createBody(b *testing.B, id arm.ClusterID) []byte {
	body, err := json.Marshal(harness.Body(apiVersion, id, location))
	if err != nil {
		b.Fatal(err)
	}
	return body
}

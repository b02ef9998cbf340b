package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/stand"
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
	return func() *http.Request { return r }
}

func path(id arm.ClusterID) string { return id.String() }

func listPath() string {
	return "/subscriptions/" + subscription + "/providers/" + arm.Namespace + "/openShiftClusters"
}

// rawGet is the least that can answer a GET: a router, the row, the connection.
func (d *database) rawGet(id arm.ClusterID) http.Handler {
	e, clusters := echo.New(), clustersContainer()
	partition, key := id.Partition(), id.Key()
	e.GET("/subscriptions/:subscription/resourceGroups/:group/providers/:namespace/openShiftClusters/:name", func(c echo.Context) error {
		r, err := d.keeper.Read(c.Request().Context(), clusters, partition, key)
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/json", r.Body)
	})
	return e
}

func BenchmarkGet(b *testing.B) {
	d := openDatabase(b)
	full := d.server(b)
	d.fill(b, 100)
	id := clusterID(50)
	b.Run("baseline", func(b *testing.B) { serve(b, d.rawGet(id), http.StatusOK, again("GET", path(id))) })
	b.Run("server", func(b *testing.B) { serve(b, full, http.StatusOK, again("GET", path(id))) })
}

// rawList writes the rows of a page as they are.
func (d *database) rawList() http.Handler {
	e, clusters := echo.New(), clustersContainer()
	e.GET("/subscriptions/:subscription/providers/:namespace/openShiftClusters", func(c echo.Context) error {
		records, _, err := d.keeper.List(c.Request().Context(), clusters, store.Query{Partition: subscription, Limit: 100})
		if err != nil {
			return err
		}
		c.Response().Header().Set(echo.HeaderContentType, "application/json")
		c.Response().WriteHeader(http.StatusOK)
		for _, r := range records {
			if _, err := c.Response().Write(r.Body); err != nil {
				return err
			}
		}
		return nil
	})
	return e
}

func BenchmarkList100(b *testing.B) {
	d := openDatabase(b)
	full := d.server(b)
	d.fill(b, 200)
	b.Run("baseline", func(b *testing.B) { serve(b, d.rawList(), http.StatusOK, again("GET", listPath())) })
	b.Run("server", func(b *testing.B) { serve(b, full, http.StatusOK, again("GET", listPath())) })
}

// BenchmarkCreate writes durably what a create writes: an operation and a cluster.
func BenchmarkCreate(b *testing.B) {
	b.Run("baseline", func(b *testing.B) {
		d := openDatabase(b)
		next := d.rawCreates(b)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			next(n)
		}
	})
	b.Run("server", func(b *testing.B) {
		d := openDatabase(b)
		n := 0
		serve(b, d.server(b), http.StatusCreated, func() *http.Request {
			n++
			return create(b, clusterID(n))
		})
	})
}

// rawCreates returns what writes the n-th operation and cluster through the keeper.
func (d *database) rawCreates(b *testing.B) func(n int) {
	d.register(b, subscription)
	a := &answer{header: http.Header{}}
	d2 := openDatabase(b)
	d2.server(b).ServeHTTP(a, create(b, clusterID(0)))
	page, _, err := d2.keeper.List(b.Context(), clustersContainer(), store.Query{Limit: 1})
	if err != nil || len(page) != 1 {
		b.Fatalf("%d clusters after a create answered %d: %v", len(page), a.status, err)
	}
	operations, _, err := d2.keeper.List(b.Context(), operationsContainer(), store.Query{Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	cluster, operation := page[0], operations[0]
	pattern := string(cluster.Body)
	return func(n int) {
		id := clusterID(n)
		o := operation
		o.ID = fmt.Sprintf("%s-%d", operation.ID, n)
		o.Partition = o.ID
		if _, err := d.keeper.Create(b.Context(), operationsContainer(), o); err != nil {
			b.Fatal(err)
		}
		// An "x" in front of the unique keys' values would do; the number makes them differ.
		body := strings.Replace(pattern, `"managedResourceGroup":"`, fmt.Sprintf(`"managedResourceGroup":"%d`, n), 1)
		body = strings.Replace(body, `"clientIdentity":"`, fmt.Sprintf(`"clientIdentity":"%d`, n), 1)
		if _, err := d.keeper.Create(b.Context(), clustersContainer(), store.Record{Partition: id.Partition(), ID: id.Key(), Body: []byte(body)}); err != nil {
			b.Fatal(err)
		}
	}
}

// create is the request that creates the cluster.
func create(b *testing.B, id arm.ClusterID) *http.Request {
	r := httptest.NewRequest(http.MethodPut, path(id)+"?api-version="+apiVersion, io.NopCloser(bytes.NewReader(createBody(b, id))))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func createBody(b *testing.B, id arm.ClusterID) []byte {
	body, err := json.Marshal(stand.Body(apiVersion, id, location))
	if err != nil {
		b.Fatal(err)
	}
	return body
}

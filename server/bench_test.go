package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// bench is a server and the driver below it, for baselines.
type bench struct {
	handler http.Handler
	driver  store.Driver
	store   *store.Store
}

func newBench(b *testing.B) *bench {
	b.Helper()
	driver, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "aro.db"))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		b.Fatal(err)
	}
	st := store.New(driver, keys)
	b.Cleanup(func() { _ = st.Close() })
	if err := initialdata.Empty(b.Context(), st, nil); err != nil {
		b.Fatal(err)
	}
	x := &bench{handler: edge.Must(b, edge.Options{Config: server.Config{Store: st, Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}}), driver: driver, store: st}
	x.send(b, 201, "PUT", "/subscriptions/"+subscription+"?api-version=2.0", []byte(`{"state":"Registered"}`))
	return x
}

// sink is a response writer that keeps nothing but the status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func (x *bench) send(b *testing.B, want int, verb, target string, body []byte) {
	b.Helper()
	if status := answer(x.handler, verb, target, body); status != want {
		w := httptest.NewRecorder()
		x.handler.ServeHTTP(w, request(verb, target, body))
		b.Fatalf("%s %s: %d, want %d; again: %s", verb, target, status, want, w.Body)
	}
}

func answer(h http.Handler, verb, target string, body []byte) int {
	w := sink{header: http.Header{}, status: 200}
	h.ServeHTTP(&w, request(verb, target, body))
	return w.status
}

func request(verb, target string, body []byte) *http.Request {
	r := httptest.NewRequest(verb, target, bytes.NewReader(body))
	r.Host = "localhost"
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (x *bench) body(b *testing.B, id arm.ClusterID) []byte {
	b.Helper()
	raw, err := json.Marshal(harness.Body(newest, id, location))
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// create begins to create one cluster through the API.
func (x *bench) create(b *testing.B, name string) arm.ClusterID {
	b.Helper()
	id := clusterID(name)
	x.send(b, 201, "PUT", id.String()+"?api-version="+newest, x.body(b, id))
	return id
}

// cluster creates one ready cluster through the API. Most of its row is sealed, as in life.
func (x *bench) cluster(b *testing.B, name string) arm.ClusterID {
	b.Helper()
	id := x.create(b, name)
	_, err := x.store.Clusters.Update(b.Context(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		doc.Cluster.End(model.Succeeded, "", doc.Cluster.Internal.CreatedAt)
		kubeconfig := model.Secret(strings.Repeat("of 9 kB, ", 1000))
		doc.Cluster.Internal.AdminKubeconfig, doc.Cluster.Internal.UserAdminKubeconfig = kubeconfig, kubeconfig
		doc.Due = nil
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// container is the one clusters are in; the store keeps its own copy to itself.
func container(name string) *store.Container {
	for _, c := range store.Containers() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// bare is an echo handler that reads rows and writes them out.
func bare(path string, h echo.HandlerFunc) *echo.Echo {
	e := echo.New()
	e.GET(path, h)
	return e
}

func BenchmarkGet(b *testing.B) {
	x := newBench(b)
	id := x.cluster(b, "get")
	target := id.String() + "?api-version=" + newest
	b.Run("baseline", func(b *testing.B) {
		c := container("Clusters")
		e := bare("/subscriptions/:s/resourceGroups/:g/providers/Microsoft.RedHatOpenShift/openShiftClusters/:n", func(ec echo.Context) error {
			r, err := x.driver.Read(ec.Request().Context(), c, id.Partition(), id.Key())
			if err != nil {
				return err
			}
			return ec.JSONBlob(200, r.Body)
		})
		b.ReportAllocs()
		for b.Loop() {
			if answer(e, "GET", target, nil) != 200 {
				b.Fatal("not 200")
			}
		}
	})
	b.Run("server", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if answer(x.handler, "GET", target, nil) != 200 {
				b.Fatal("not 200")
			}
		}
	})
}

func BenchmarkList100(b *testing.B) {
	x := newBench(b)
	for i := range 100 {
		x.cluster(b, fmt.Sprintf("list-%03d", i))
	}
	target := groupList("Group-1") + "?api-version=" + newest
	b.Run("baseline", func(b *testing.B) {
		c := container("Clusters")
		e := bare("/subscriptions/:s/resourceGroups/:g/providers/Microsoft.RedHatOpenShift/openShiftClusters", func(ec echo.Context) error {
			rows, _, err := x.driver.List(ec.Request().Context(), c, store.Query{Partition: subscription, Prefix: "group-1|", Limit: 100})
			if err != nil {
				return err
			}
			w := ec.Response()
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusOK)
			for _, r := range rows {
				if _, err := w.Write(r.Body); err != nil {
					return err
				}
			}
			return nil
		})
		b.ReportAllocs()
		for b.Loop() {
			if answer(e, "GET", target, nil) != 200 {
				b.Fatal("not 200")
			}
		}
	})
	b.Run("server", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if answer(x.handler, "GET", target, nil) != 200 {
				b.Fatal("not 200")
			}
		}
	})
}

// BenchmarkCreate compares durable creates, several at a time as in service,
// with writing the same two documents to the driver.
func BenchmarkCreate(b *testing.B) {
	const atOnce = 16
	b.Run("baseline", func(b *testing.B) {
		x := newBench(b)
		id := x.create(b, "template")
		clusters, operations := container("Clusters"), container("Operations")
		row, err := x.driver.Read(b.Context(), clusters, id.Partition(), id.Key())
		if err != nil {
			b.Fatal(err)
		}
		op := []byte(`{"id":"00000000-0000-0000-0000-000000000000","partition":"00000000-0000-0000-0000-000000000000","operation":{"kind":"Create"}}`)
		unique := []byte(harness.Text(harness.Body(newest, id, location), "properties.servicePrincipalProfile.clientId"))
		var n atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(atOnce)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				name, fresh := fmt.Sprintf("c%08d", n.Add(1)), []byte(newID())
				body := bytes.ReplaceAll(bytes.ReplaceAll(row.Body, unique, fresh), []byte("template"), []byte(name))
				body = bytes.ReplaceAll(body, unique[:13], fresh[:13])
				opID := newID()
				_, err := x.driver.Create(b.Context(), operations, store.Record{Partition: opID, ID: opID, Body: bytes.ReplaceAll(op, op[7:43], []byte(opID))})
				if err == nil {
					_, err = x.driver.Create(b.Context(), clusters, store.Record{Partition: id.Partition(), ID: "group-1|" + name, Body: body})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("server", func(b *testing.B) {
		x := newBench(b)
		var n atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(atOnce)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				id := clusterID(fmt.Sprintf("c%08d", n.Add(1)))
				raw, err := json.Marshal(harness.Body(newest, id, location))
				if err != nil {
					b.Error(err)
					return
				}
				if status := answer(x.handler, "PUT", id.String()+"?api-version="+newest, raw); status != 201 {
					b.Errorf("create answered %d", status)
					return
				}
			}
		})
	})
}

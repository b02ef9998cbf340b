package cosmosdb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud/state"
	"github.com/aro-rp/aro/store/cosmos/emulator"
)

const container = "/dbs/ARO/colls/Clusters"

// account is a new server with one container.
func account(t *testing.T) *emulator.Server {
	t.Helper()
	server, err := emulator.Start(t.Context(), filepath.Join("..", "..", "..", ".cache", "cosmos-emulator"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for _, c := range []call{{http.MethodPost, "/dbs", "", []byte(`{"id":"ARO"}`)}, {http.MethodPost, "/dbs/ARO/colls", "", []byte(`{"id":"Clusters","partitionKey":{"paths":["/partition"],"kind":"Hash"}}`)}} {
		if status, answer, err := send(t.Context(), server, c); err != nil || status >= http.StatusBadRequest {
			t.Fatal(status, answer, err)
		}
	}
	return server
}

func TestDocumentsOutliveTheirServer(t *testing.T) {
	keep, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keep.Close() })
	s := &Service{Options: Options{Keep: keep, Log: slog.New(slog.DiscardHandler)}}
	first := account(t)
	write := func(method, path, body string, header ...string) int {
		r := httptest.NewRequestWithContext(context.Background(), method, container+"/docs"+path, strings.NewReader(body))
		all := append([]string{"x-ms-documentdb-partitionkey", `["p"]`, "x-ms-version", "2018-12-31", "Authorization", "local", "Content-Type", "application/json"}, header...)
		for i := 0; i < len(all); i += 2 {
			r.Header.Set(all[i], all[i+1])
		}
		w := httptest.NewRecorder()
		s.serveKept(w, r, first, "Aro")
		return w.Code
	}
	for _, step := range []struct {
		method, path, body string
		header             []string
		want               int
	}{
		{http.MethodPost, "", `{"id":"kept","partition":"p","n":1}`, nil, 201},
		{http.MethodPut, "/kept", `{"id":"kept","partition":"p","n":2}`, nil, 200},
		{http.MethodPut, "/kept", `{"id":"kept","partition":"p","n":3}`, []string{"If-Match", "another"}, 412},
		{http.MethodPost, "", `{"id":"gone","partition":"p"}`, nil, 201},
		{http.MethodDelete, "/gone", "", nil, 204},
	} {
		if got := write(step.method, step.path, step.body, step.header...); got != step.want {
			t.Errorf("%s %s %s: %d, want %d", step.method, step.path, step.body, got, step.want)
		}
	}
	second := account(t)
	if err := s.restore(t.Context(), second, "aro"); err != nil {
		t.Fatal(err)
	}
	read := func(id string) (int, string) {
		status, answer, err := send(t.Context(), second, call{http.MethodGet, container + "/docs/" + id, `["p"]`, nil})
		if err != nil {
			t.Fatal(err)
		}
		return status, answer
	}
	if status, answer := read("kept"); status != http.StatusOK || !strings.Contains(answer, `"n":2`) {
		t.Errorf("the document is %d %s", status, answer)
	}
	if status, _ := read("gone"); status != http.StatusNotFound {
		t.Errorf("a deleted document is %d", status)
	}
	if err := s.forget(t.Context(), []string{"aro", "ARO", "Clusters"}); err != nil {
		t.Fatal(err)
	}
	if all, err := keep.List(t.Context(), documentKind, ""); err != nil || len(all) != 0 {
		t.Errorf("%d documents of a deleted container are kept, %v", len(all), err)
	}
}

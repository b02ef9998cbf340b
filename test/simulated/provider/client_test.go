package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// provide serves handler on a unix socket and returns a client for it.
func provide(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "seam") // short: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(func() { server.Close(); os.RemoveAll(dir) })
	client, err := NewClient("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestApplySendsTheSpecAndReturnsTheStatus(t *testing.T) {
	want := Spec{ID: "7d3c", Name: "one", Workers: []Pool{{Name: "worker", Count: 3}}}
	client := provide(t, func(w http.ResponseWriter, r *http.Request) {
		var got Spec
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPut || r.URL.Path != "/clusters/7d3c" || got.Workers[0].Count != 3 {
			t.Errorf("got %s %s with %+v", r.Method, r.URL.Path, got)
		}
		json.NewEncoder(w).Encode(Status{NodesWanted: 6, KubeadminPassword: "p"})
	})
	got, err := client.Apply(t.Context(), want)
	if err != nil || got.NodesWanted != 6 || got.KubeadminPassword != "p" {
		t.Errorf("Apply = %d nodes, %v", got.NodesWanted, err)
	}
}

func TestGetOfNothingIsErrNotFound(t *testing.T) {
	client := provide(t, http.NotFound)
	if _, err := client.Get(t.Context(), "7d3c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestARefusalForEverIsErrRefused(t *testing.T) {
	client := provide(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		w.Write([]byte(`{"error":"no machines"}`))
	})
	if _, err := client.Apply(t.Context(), Spec{ID: "7d3c"}); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no machines") {
		t.Errorf("got %v, want ErrRefused with the provider's words", err)
	}
}

func TestRemoveEndsWhenNothingIsLeft(t *testing.T) {
	answers := []int{http.StatusAccepted, http.StatusNotFound}
	client := provide(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(answers[0])
		answers = answers[1:]
	})
	for _, want := range []bool{false, true} {
		if gone, err := client.Remove(t.Context(), "7d3c"); err != nil || gone != want {
			t.Errorf("Remove = %v, %v; want %v", gone, err, want)
		}
	}
}

func TestErrorsCarryNoSecret(t *testing.T) {
	tests := map[string]struct {
		why    string
		code   int
		answer string
		want   string
	}{
		"status beside an error code": {
			why: "a broken provider may answer 500 with a status", code: 500,
			answer: `{"kubeadminPassword":"canary"}`, want: "answered 500"},
		"status of a wrong shape": {
			why: "the decoder quotes what it cannot read", code: 200,
			answer: `{"kubeadminPassword":{"canary":1},"nodesReady":"canary"}`, want: "not a status"},
		"no JSON": {
			why: "a proxy may answer anything", code: 502, answer: "canary", want: "answered 502"},
		"a refusal": {
			why: "its message is made to be shown", code: 400,
			answer: `{"error":"no such network","adminKubeconfig":"canary"}`, want: "no such network"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := provide(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.code)
				w.Write([]byte(test.answer))
			})
			_, err := client.Get(t.Context(), "7d3c")
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v, want an error with %q", test.why, err, test.want)
			}
		})
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	client := provide(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Get(ctx, "7d3c"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestAddresses(t *testing.T) {
	tests := map[string]bool{
		"unix:/run/aro.sock":    true,
		"unix:aro.sock":         true,
		"http://127.0.0.1:9000": true,
		"unix:":                 false,
		"":                      false,
		"https://host":          false, // no certificate was agreed on
		"http://u:canary@host":  false, // credentials would end in logs
		"http://host/path":      false,
	}
	for address, want := range tests {
		if _, err := NewClient(address); (err == nil) != want {
			t.Errorf("NewClient(%q) = %v, want accepted %v", address, err, want)
		}
	}
}

package region

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// planes are control planes that exist as records, as the simulated provider of the root
// module asks for them.
type planes struct {
	// Address is the address for the simulated provider.
	Address string

	mu  sync.Mutex
	all map[string]*plane
}

// plane is one control plane, and how often it was made and removed.
type plane struct {
	created, removed int
	ready            time.Time
	exists           bool
}

// bootTime is how long machines take to boot.
const bootTime = time.Second

func newPlanes(t *testing.T) *planes {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "p")
	listener, err := net.Listen("unix", socket)
	must(t, err)
	p := &planes{Address: "unix:" + socket, all: map[string]*plane{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /clusters/{id}", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r.PathValue("id"), true) })
	mux.HandleFunc("GET /clusters/{id}", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r.PathValue("id"), false) })
	mux.HandleFunc("DELETE /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if one := p.all[r.PathValue("id")]; one != nil && one.exists {
			one.exists, one.removed = false, one.removed+1
		}
		http.NotFound(w, r)
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func (p *planes) answer(w http.ResponseWriter, id string, make bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[id]
	if one == nil && make {
		one = &plane{}
		p.all[id] = one
	}
	if one == nil || !one.exists && !make {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if !one.exists {
		one.exists, one.created, one.ready = true, one.created+1, time.Now().Add(bootTime)
	}
	status := object{"nodesWanted": 6, "message": "starting"}
	if time.Now().After(one.ready) {
		status = object{"nodesWanted": 6, "nodesReady": 6, "apiServerReady": true, "apiServerUrl": "https://127.0.0.1:6443", "apiServerIp": "127.0.0.1", "ingressIp": "127.0.0.1",
			"consoleUrl": "https://console/", "adminKubeconfig": []byte("kubeconfig"), "kubeadminPassword": "password"}
	}
	_ = json.NewEncoder(w).Encode(status)
}

// counts are how often each was made and removed.
func (p *planes) counts() map[string]plane {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]plane{}
	for id, one := range p.all {
		all[id] = *one
	}
	return all
}

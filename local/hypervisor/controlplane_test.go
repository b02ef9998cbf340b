package hypervisor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
)

// asControlPlane as first argument makes the test program a control plane. A real
// one takes minutes to build; what a machine needs of it is little: certificates
// for requests, nodes, leases, and a machine config server.
const asControlPlane = "as-control-plane"

func TestMain(m *testing.M) {
	if len(os.Args) == 6 && os.Args[1] == asControlPlane {
		if err := runControlPlane(os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == asHost {
		if err := runHost(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// asHost as first argument makes it a host of machines, to be killed.
const asHost = "as-host"

func runHost(dir string) error {
	l := &lan{}
	l.mu.Lock()
	host, err := Open(context.Background(), Options{
		Dir: dir, Network: l, ControlPlane: []string{os.Args[0], asControlPlane}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	l.host = host
	for id := range host.machines {
		l.pool = append(l.pool, id)
	}
	l.mu.Unlock()
	host.Wait() // for ever
	return nil
}

func runControlPlane(home string) error {
	var p ports
	if err := readJSON(filepath.Join(home, portsFile), &p); err != nil {
		return err
	}
	tlsDir := filepath.Join(home, "root", "opt", "openshift", "tls")
	signer, err := tls.LoadX509KeyPair(filepath.Join(tlsDir, "signer.crt"), filepath.Join(tlsDir, "signer.key"))
	if err != nil {
		return err
	}
	serving, err := tls.LoadX509KeyPair(filepath.Join(tlsDir, "server.crt"), filepath.Join(tlsDir, "server.key"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AddCert(signer.Leaf)
	api := &fakeAPI{home: home, signer: signer, Objects: map[string]json.RawMessage{}}
	_ = readJSON(filepath.Join(home, "objects.json"), &api.Objects)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 2)
	for _, s := range []struct {
		port    int
		handler http.Handler
	}{{p.APIServer, api}, {p.MachineConfig, http.FileServer(http.Dir(filepath.Join(home, "root", "opt", "openshift", "served")))}} {
		server := &http.Server{
			Addr: at(s.port), Handler: s.handler, ReadHeaderTimeout: patience,
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{serving}, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven},
		}
		defer func() { _ = server.Close() }()
		go func() { failed <- server.ListenAndServeTLS("", "") }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// fakeAPI keeps objects by path, with resource versions and creation by POST.
type fakeAPI struct {
	home    string
	signer  tls.Certificate
	mu      sync.Mutex
	version int
	Objects map[string]json.RawMessage
}

func (a *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !a.allowed(r) {
		reply(w, http.StatusForbidden, "Forbidden")
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/status")
	switch r.Method {
	case http.MethodGet:
		a.get(w, path)
	case http.MethodPost, http.MethodPut:
		object, err := decode(r.Body)
		if err != nil {
			reply(w, http.StatusBadRequest, "BadRequest")
			return
		}
		a.put(w, r.Method, path, object)
	case http.MethodDelete:
		delete(a.Objects, path)
		reply(w, http.StatusOK, "")
	}
}

// decode reads an object in any of the notations that clients use.
func decode(body io.Reader) (object map[string]any, err error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	typed, kind, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, nil)
	if err != nil {
		return nil, err
	}
	if content, err = json.Marshal(typed); err != nil {
		return nil, err
	}
	err = json.Unmarshal(content, &object)
	object["kind"], object["apiVersion"] = kind.Kind, kind.GroupVersion().String()
	return object, err
}

// allowed wants the bootstrap token for requests, a node's certificate for nodes.
func (a *fakeAPI) allowed(r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer admin" {
		return true
	}
	if strings.Contains(r.URL.Path, "certificatesigningrequests") && r.Header.Get("Authorization") == "Bearer join" {
		return true
	}
	return len(r.TLS.PeerCertificates) > 0 && strings.HasPrefix(r.TLS.PeerCertificates[0].Subject.CommonName, "system:node:")
}

func (a *fakeAPI) get(w http.ResponseWriter, path string) {
	if object, ok := a.Objects[path]; ok {
		_, _ = w.Write(object)
		return
	}
	if path != "/api/v1/nodes" {
		reply(w, http.StatusNotFound, "NotFound")
		return
	}
	items := []json.RawMessage{}
	for name, object := range a.Objects {
		if filepath.Dir(name) == path {
			items = append(items, object)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "NodeList", "apiVersion": "v1", "items": items})
}

func (a *fakeAPI) put(w http.ResponseWriter, method, path string, object map[string]any) {
	metadata := object["metadata"].(map[string]any)
	a.version++
	if metadata["name"] == nil {
		metadata["name"] = fmt.Sprint(metadata["generateName"], a.version)
	}
	if method == http.MethodPost {
		path += "/" + metadata["name"].(string)
	}
	_, exists := a.Objects[path]
	if exists == (method == http.MethodPost) {
		reply(w, map[bool]int{true: http.StatusConflict, false: http.StatusNotFound}[exists], map[bool]string{true: "AlreadyExists", false: "NotFound"}[exists])
		return
	}
	metadata["resourceVersion"], metadata["uid"] = fmt.Sprint(a.version), "uid-"+metadata["name"].(string)
	if object["kind"] == "CertificateSigningRequest" {
		if err := a.sign(object); err != nil {
			reply(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	content, _ := json.Marshal(object)
	a.Objects[path] = content
	_ = writeJSON(filepath.Join(a.home, "objects.json"), a.Objects)
	_, _ = w.Write(content)
}

func (a *fakeAPI) sign(object map[string]any) error {
	content, _ := json.Marshal(object)
	var csr struct{ Spec struct{ Request []byte } }
	if err := json.Unmarshal(content, &csr); err != nil {
		return err
	}
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil {
		return errors.New("no request")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(int64(a.version)), Subject: request.Subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}, a.signer.Leaf, request.PublicKey, a.signer.PrivateKey)
	if err != nil {
		return err
	}
	object["status"] = map[string]any{
		"conditions":  []any{map[string]any{"type": "Approved", "status": "True"}},
		"certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	return nil
}

func reply(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	status := map[int]string{http.StatusOK: "Success"}[code]
	if status == "" {
		status = "Failure"
	}
	_, _ = io.WriteString(w, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":%q,"message":%q,"reason":%q,"code":%d}`, status, reason, reason, code))
}

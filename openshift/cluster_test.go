package openshift_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/openshift"
)

const domain = "demo.eastus.aroapp.test"

// apiServer serves like an API server on a loopback address, with a certificate for
// the name in the kubeconfig. watch, if not nil, is called with the states of its
// connections.
func apiServer(t *testing.T, answer http.HandlerFunc, watch func(net.Conn, http.ConnState)) (kubeconfig []byte, address string, server *httptest.Server) {
	t.Helper()
	authority := newAuthority(t, time.Now().Add(time.Hour))
	certificate, key := authority.serve(t, "api-int."+domain)
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewUnstartedServer(answer)
	server.Config.ConnState = watch
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool(), MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := openshift.NewIssuer(installers(t, authority, port), authority.pair(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if kubeconfig, err = issuer.Service(); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, host, server
}

// installers is a kubeconfig as the installer writes it.
func installers(t testing.TB, a *authority, port string) []byte {
	t.Helper()
	out, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"demo": {Server: "https://api-int." + domain + ":" + port, CertificateAuthorityData: a.certificate}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func bootstrapped(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/api/v1/namespaces/kube-system/configmaps/bootstrap" || r.TLS.PeerCertificates[0].Subject.CommonName != "system:aro-service" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	_ = json.NewEncoder(w).Encode(corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, Data: map[string]string{"status": "complete"}})
}

// unwatched is for requests whose time is not measured.
func unwatched(context.Context) (done func()) { return func() {} }

func TestItTellsWhileItAwaitsAnAnswer(t *testing.T) {
	var awaiting, asked atomic.Int32
	kubeconfig, address, _ := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(awaiting.Load())
		bootstrapped(w, r)
	}, nil)
	kube, err := openshift.Connect(kubeconfig, address, func(context.Context) func() {
		awaiting.Add(1)
		return func() { awaiting.Add(-1) }
	})
	if err != nil {
		t.Fatal(err)
	}
	defer kube.Close()
	if _, err := kube.BootstrapComplete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != 1 || awaiting.Load() != 0 {
		t.Errorf("%d awaited while the server answered and %d after, want 1 and 0", asked.Load(), awaiting.Load())
	}
}

func TestItTalksToAnAddressAndVerifiesTheName(t *testing.T) {
	kubeconfig, address, server := apiServer(t, bootstrapped, nil)
	kube, err := openshift.Connect(kubeconfig, address, unwatched)
	if err != nil {
		t.Fatal(err)
	}
	defer kube.Close()
	if missing, err := kube.BootstrapComplete(t.Context()); missing != "" || err != nil {
		t.Errorf("missing %q, error %v", missing, err)
	}
	other := strings.ReplaceAll(string(kubeconfig), "api-int."+domain, "api-int.other.example")
	stranger, err := openshift.Connect([]byte(other), address, unwatched)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.BootstrapComplete(t.Context()); err == nil || !openshift.Unreachable(err) {
		t.Errorf("a server of another name was believed: %v", err)
	}
	server.Close()
	if _, err := kube.BootstrapComplete(t.Context()); err == nil || !openshift.Unreachable(err) {
		t.Errorf("a server that is gone: %v, want one to be waited for", err)
	}
}

func TestClosedConnectionsAreGone(t *testing.T) {
	closed := make(chan struct{}, 100)
	kubeconfig, address, _ := apiServer(t, bootstrapped, func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	})
	for range 3 {
		kube, err := openshift.Connect(kubeconfig, address, unwatched)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kube.BootstrapComplete(t.Context()); err != nil {
			t.Fatal(err)
		}
		kube.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for n := range 3 {
		select {
		case <-closed:
		case <-ctx.Done():
			t.Fatalf("%d of 3 connections were closed", n)
		}
	}
}

func TestWhatCannotBeConnectedTo(t *testing.T) {
	kubeconfig, _, _ := apiServer(t, bootstrapped, nil)
	insecure := strings.ReplaceAll(string(kubeconfig), "certificate-authority-data: ", "insecure-skip-tls-verify: true\n    x: ")
	program := strings.ReplaceAll(string(kubeconfig), "  user:\n", "  user:\n    exec: {apiVersion: client.authentication.k8s.io/v1, command: id, interactiveMode: Never}\n")
	for name, test := range map[string]struct {
		why, kubeconfig, address, says string
	}{
		"nowhere":     {"a dial to nothing reaches the machine itself", string(kubeconfig), "", "not an IP"},
		"a name":      {"who answers for it is the resolver's choice", string(kubeconfig), "api.example.com", "not an IP"},
		"nothing":     {"the installer did not run yet", "", "127.0.0.1", "no kubeconfig"},
		"garbage":     {"its text stays out of the error", "canary: [", "127.0.0.1", "cannot be read"},
		"unverified":  {"any server could answer", insecure, "127.0.0.1", "skips verification"},
		"by programs": {"it would run on the service's machine", program, "127.0.0.1", "skips verification or runs a program"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openshift.Connect([]byte(test.kubeconfig), test.address, unwatched)
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v, want %q", test.why, err, test.says)
			}
		})
	}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.parsed)
	return pool
}

func decode(t testing.TB, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Package machineconfig serves machines the Ignition of their role: the machine
// configs that the cluster has for it, and what a kubelet needs to join. It
// renders none of what OpenShift's own images bring.
package machineconfig

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
)

const (
	// roleLabel is on every MachineConfig.
	roleLabel = "machineconfiguration.openshift.io/role"
	// grace lets answers under way finish.
	grace = 2 * time.Second
	// patience bounds one request.
	patience = 10 * time.Second
)

// Server answers machines at boot.
type Server struct {
	Disk   bootstrap.Dir
	Reader client.Reader
	Domain string
	Log    *slog.Logger
}

// Run serves on the loopback port until ctx ends.
func (s Server) Run(ctx context.Context, port int) error {
	certificate := s.Disk.CertificateFile(bootstrap.MachineConfigServer)
	key := s.Disk.KeyFile(bootstrap.MachineConfigServer)
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("machine config server: %w", err)
	}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: patience,
		WriteTimeout:      2 * patience,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // probes hang up at once
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	err = server.ServeTLS(listener, certificate, key)
	if !stop() {
		<-stopped
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("machine config server: %w", err)
	}
	return nil
}

// Handler answers /healthz and /config/{pool}.
func (s Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /config/{pool}", s.serve)
	return mux
}

func (s Server) serve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if !accepts(r.Header.Get("Accept")) {
		http.Error(w, "only Ignition 3.2 to 3.5 is served", http.StatusBadRequest)
		return
	}
	content, err := s.render(ctx, r.PathValue("pool"))
	switch {
	case errors.Is(err, errNoPool):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		s.Log.ErrorContext(ctx, "machine config", "pool", r.PathValue("pool"), "error", err)
		http.Error(w, "the configuration cannot be rendered", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/vnd.coreos.ignition+json; version=3.2.0")
		_, _ = w.Write(content) // the caller is gone
		s.Log.InfoContext(ctx, "machine config served", "pool", r.PathValue("pool"))
	}
}

// ignitionVersion finds the version that Ignition requests; other clients request none.
var ignitionVersion = regexp.MustCompile(`ignition\+json; *version=(\d+)\.(\d+)`)

func accepts(header string) bool {
	version := ignitionVersion.FindStringSubmatch(header)
	return version == nil || version[1] == "3" && version[2] >= "2" && len(version[2]) == 1
}

var errNoPool = errors.New("there is no such pool")

// render merges the machine configs of a pool, by name, and adds what a kubelet needs: the address
// of the API server, and the certificates to trust.
func (s Server) render(ctx context.Context, pool string) ([]byte, error) {
	var list machineconfigurationv1.MachineConfigList
	if err := s.Reader.List(ctx, &list, client.MatchingLabels{roleLabel: pool}); err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, errNoPool
	}
	merged := newMerger()
	for _, item := range sorted(list.Items) {
		if err := merged.add(item.Spec.Config.Raw); err != nil {
			return nil, fmt.Errorf("MachineConfig %s: %w", item.Name, err)
		}
	}
	for path, source := range map[string]string{
		"/etc/kubernetes/kubeconfig":     s.Disk.Kubeconfig("kubeconfig-kubelet"),
		"/etc/kubernetes/ca.crt":         s.Disk.CertificateFile(bootstrap.RootAuthority),
		"/etc/kubernetes/kubelet-ca.crt": s.Disk.CertificateFile(bootstrap.ClientAuthorities),
	} {
		content, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		merged.addFile(path, 0o600, content)
	}
	return merged.config()
}

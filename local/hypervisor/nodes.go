package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// serveNodes lets a control plane, whose process is in no network of the cloud, reach its own
// machines: by HTTP CONNECT at the address. It ends with ctx.
func (h *Host) serveNodes(ctx context.Context, name string) (address string, err error) {
	listener, err := net.Listen("tcp", at(0))
	if err != nil {
		return "", fmt.Errorf("way to the nodes: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: callTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "only CONNECT leads to nodes", http.StatusMethodNotAllowed)
			return
		}
		there, err := h.dialNode(r.Context(), name, r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = there.Close() }()
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = here.Close() }()
		if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(there, buffered)
			_ = there.Close()
		}()
		_, _ = io.Copy(here, there)
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	h.background(func() { _ = server.Serve(listener) })
	return listener.Addr().String(), nil
}

// apiServerOf is where processes of this machine reach the cluster of a machine:
// its certificate is good for loopback addresses, too.
func (h *Host) apiServerOf(vm VM) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, p := range h.controlPlanes {
		for _, m := range h.members(name) {
			if key(m.record.VM.VNetID) == key(vm.VNetID) {
				return at(p.ports.APIServer)
			}
		}
	}
	return ""
}

// dialNode finds the machine by its address in the network of the control plane.
func (h *Host) dialNode(ctx context.Context, name, address string) (net.Conn, error) {
	ip, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, errors.New("no number of a port")
	}
	h.mu.Lock()
	network, id := "", ""
	for _, m := range h.members(name) {
		network = m.record.VM.VNetID
	}
	for _, m := range h.machines {
		if m.record.VM.PrivateIP == ip && key(m.record.VM.VNetID) == key(network) {
			id = m.record.VM.ID
		}
	}
	h.mu.Unlock()
	return h.Dial(ctx, id, port)
}

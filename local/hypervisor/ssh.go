package hypervisor

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/coreos/ignition/v2/config/v3_3/types"

	"github.com/aro-rp/aro/local/hypervisor/sshd"
)

const (
	sshPort = 22
	// maxJournal bounds what a journal shows of a control plane's log, in bytes.
	maxJournal = 1 << 20
)

// keysOf are the keys for SSH in a configuration.
func keysOf(cfg types.Config) (keys []string) {
	for _, user := range cfg.Passwd.Users {
		if user.Name == sshd.User {
			for _, key := range user.SSHAuthorizedKeys {
				keys = append(keys, string(key))
			}
		}
	}
	return keys
}

// serveSSH answers SSH on the machine until ctx ends; the returned function waits for that. A machine
// whose configuration has no keys has no SSH.
func (h *Host) serveSSH(ctx context.Context, m *machine, vm VM, d disk) (wait func()) {
	if len(d.Keys) == 0 {
		return func() {}
	}
	fail := func(err error) func() {
		m.log.printf("sshd: %v", err)
		return func() {}
	}
	key, err := sshd.HostKey(filepath.Join(m.dir, "ssh.pem"))
	if err != nil {
		return fail(err)
	}
	listener, err := net.Listen("tcp", at(0))
	if err != nil {
		return fail(err)
	}
	server := &sshd.Machine{
		Name: nodeName(vm), Keys: d.Keys, HostKey: key, Console: m.log.read, Journal: func() []byte { return h.journal(m, d) },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.options.Network.Dial(ctx, vm, network, d.Hosts.resolve(address))
		},
	}
	files, err := os.OpenRoot(h.filesOf(m, d)) // no link leads out of it
	if err == nil {
		server.Files = files.FS()
	}
	h.setSSH(m, listener.Addr().String())
	m.log.printf("sshd: listens on port %d", sshPort)
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(ctx, listener)
		h.setSSH(m, "")
		if files != nil {
			_ = files.Close()
		}
	}()
	return func() { <-done }
}

func (h *Host) setSSH(m *machine, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.ssh = address
}

// filesOf is where the files of a machine's configuration are.
func (h *Host) filesOf(m *machine, d disk) string {
	if d.Role == roleBootstrap {
		return filepath.Join(h.controlPlanesDir(), d.ControlPlane, "root")
	}
	return m.files()
}

// journal is what a machine logged: on its console and, if it is part of a control plane, there.
func (h *Host) journal(m *machine, d disk) []byte {
	text := m.log.read()
	if d.ControlPlane != "" {
		text = append(text, tail(filepath.Join(h.controlPlanesDir(), d.ControlPlane, "log"), maxJournal)...)
	}
	return text
}

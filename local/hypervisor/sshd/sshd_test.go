package sshd_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aro-rp/aro/local/hypervisor/sshd"
)

// start is a machine that a key opens, and where its SSH server is.
func start(t *testing.T, name string, key ssh.PublicKey, reaches map[string]string) (address string) {
	t.Helper()
	host, err := sshd.HostKey(filepath.Join(t.TempDir(), "ssh.pem"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &sshd.Machine{Name: name, Keys: []string{string(ssh.MarshalAuthorizedKey(key))}, HostKey: host,
		Files:   fstest.MapFS{"etc/motd": {Data: []byte("welcome\n")}},
		Console: func() []byte { return []byte("power on\n") }, Journal: func() []byte { return []byte("power on\nkubelet ready\n") },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if to := reaches[address]; to != "" {
				return new(net.Dialer).DialContext(ctx, network, to)
			}
			return nil, errors.New("no route to host")
		}}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Serve(ctx, listener)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return listener.Addr().String()
}

func newKey(t *testing.T) (ed25519.PrivateKey, ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, signer
}

func dial(address, user string, key ssh.Signer) (*ssh.Client, error) {
	return ssh.Dial("tcp", address, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute})
}

// run runs a command, with the keys of the client's agent.
func run(t *testing.T, client *ssh.Client, line, stdin string) (text string, code int) {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.RequestAgentForwarding(session); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(stdin), &out, &problems
	if line == "" {
		err = session.Shell()
		if err == nil {
			err = session.Wait()
		}
	} else {
		err = session.Run(line)
	}
	if ended, ok := errors.AsType[*ssh.ExitError](err); ok {
		return out.String() + problems.String(), ended.ExitStatus()
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out.String() + problems.String(), 0
}

func TestAMachineShowsWhatItHas(t *testing.T) {
	t.Parallel()
	private, key := newKey(t)
	_, other := newKey(t)
	worker := start(t, "worker-0", key.PublicKey(), nil)
	master := start(t, "master-0", key.PublicKey(), map[string]string{"10.0.0.9:22": worker})
	for user, signer := range map[string]ssh.Signer{"core": other, "root": key} {
		if _, err := dial(master, user, signer); err == nil {
			t.Errorf("%s is let in", user)
		}
	}
	client, err := dial(master, "core", key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	keys := agent.NewKeyring()
	if err := errors.Join(keys.Add(agent.AddedKey{PrivateKey: private}), agent.ForwardToAgent(client, keys)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		line, stdin, want string
		code              int
	}{
		{"sudo cat /etc/motd", "", "welcome\n", 0},
		{"cat ../../etc/motd", "", "welcome\n", 0},
		{"cat /etc/shadow", "", "file does not exist", 1},
		{"ls /", "", "etc/\n", 0},
		{"console", "", "power on\n", 0},
		{"journalctl -n 1", "", "kubelet ready\n", 0},
		{"vi", "", "command not found", 127},
		{"ssh 10.0.0.9 hostname", "", "worker-0\n", 0},
		{"ssh 10.0.0.9 vi", "", "command not found", 127},
		{"ssh 10.0.0.8 hostname", "", "no route to host", 255},
		{"", "hostname\nwhoami\nexit\n", "master-0\ncore\n", 0},
	} {
		if text, code := run(t, client, test.line, test.stdin); code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("%q%s shows %q and ends with %d, want %q and %d", test.line, test.stdin, text, code, test.want, test.code)
		}
	}
}

func TestAMachineKeepsItsKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ssh.pem")
	var keys [2]ssh.Signer
	for i := range keys {
		var err error
		if keys[i], err = sshd.HostKey(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(keys[0].PublicKey().Marshal(), keys[1].PublicKey().Marshal()) {
		t.Error("it has another key when it starts again")
	}
}

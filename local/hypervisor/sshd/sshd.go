// Package sshd answers SSH on a simulated machine: it lets the keys of its user in, and gives them a
// shell with a few commands on what the machine has, which are its console, its journal and the
// files of its configuration.
//
// It runs no program of the computer that it is on.
package sshd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// User is the one who may log in.
const User = "core"

// loginLimit bounds a connection until its user has logged in.
const loginLimit = 30 * time.Second

// Machine is what SSH shows of a machine.
type Machine struct {
	Name string
	// Keys are those of the user, in the form of authorized_keys.
	Keys []string
	// HostKey is the machine's.
	HostKey ssh.Signer
	// Files are those of its configuration; nil if it has none.
	Files fs.FS
	// Console and Journal return what it wrote.
	Console, Journal func() []byte
	// Dial opens a connection from the machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Serve answers on l until ctx ends.
func (m *Machine) Serve(ctx context.Context, l net.Listener) {
	var work sync.WaitGroup
	defer work.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // as every server of the system that has too many files open
		}
		work.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			m.connection(ctx, conn)
		})
	}
}

func (m *Machine) connection(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	cfg := &ssh.ServerConfig{PublicKeyCallback: m.permit}
	cfg.AddHostKey(m.HostKey)
	if err := conn.SetDeadline(time.Now().Add(loginLimit)); err != nil {
		return
	}
	client, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil || conn.SetDeadline(time.Time{}) != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // commands end with their connection
	var work sync.WaitGroup
	defer work.Wait()
	for asked := range channels {
		if asked.ChannelType() != "session" {
			_ = asked.Reject(ssh.UnknownChannelType, "a simulated machine has sessions only")
			continue
		}
		channel, requests, err := asked.Accept()
		if err != nil {
			continue
		}
		s := &session{machine: m, client: client, channel: channel}
		work.Go(func() { s.run(ctx, requests) })
	}
	cancel()
}

var errKey = errors.New("the key is not one of the user")

// permit lets the keys of the user in.
func (m *Machine) permit(who ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if who.User() != User {
		return nil, errKey
	}
	for _, line := range m.Keys {
		known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err == nil && string(known.Marshal()) == string(key.Marshal()) {
			return nil, nil
		}
	}
	return nil, errKey
}

// HostKey reads the key of a machine, and makes it at the first time.
func HostKey(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the SSH server: %w", err)
	}
	return ssh.ParsePrivateKey(text)
}

func newKey(path string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return nil, err
	}
	return text, os.Rename(temporary, path)
}

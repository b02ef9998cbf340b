// Package emulator runs a Cosmos DB server on this machine, for tests and for the local
// Azure: @vercel/cosmosdb-server, pinned by the files in pinned/, behind a proxy that makes
// up for what it lacks. It keeps documents in memory.
//
// It implements the protocol, does not interpret documents, and accepts any key.
package emulator

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// installTimeout bounds the first installation of the emulator.
	installTimeout = 5 * time.Minute
	stopTimeout    = 5 * time.Second
)

//go:embed pinned
var pinned embed.FS

// Server is an emulator that runs. It is the handler of an empty account.
type Server struct {
	http.Handler
	command *exec.Cmd
	stdin   io.Closer
}

// Start runs an emulator that is installed in a directory. The first time it installs it
// there, which needs Node.js 20 and npm.
func Start(ctx context.Context, dir string) (*Server, error) {
	if err := install(ctx, dir); err != nil {
		return nil, fmt.Errorf("the Cosmos DB emulator: %w", err)
	}
	command := exec.Command("node", "server.js")
	command.Dir, command.Stderr = dir, os.Stderr
	stdin, err := command.StdinPipe() // it ends with its input: also when this process is killed
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("the Cosmos DB emulator: %w", err)
	}
	s := &Server{command: command, stdin: stdin}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		s.Close()
		return nil, fmt.Errorf("the Cosmos DB emulator did not start: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
	}
	s.Handler = newProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + lines.Text()})
	return s, nil
}

// Close ends the emulator; its documents are lost.
func (s *Server) Close() {
	_ = s.stdin.Close()
	kill := time.AfterFunc(stopTimeout, func() { _ = s.command.Process.Kill() })
	defer kill.Stop()
	_ = s.command.Wait() // its input has ended
}

// install puts the emulator and all that it needs into a directory.
func install(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // one installation at a time
		return err
	}
	var pins []byte
	for _, name := range []string{"server.js", "package.json", "package-lock.json"} {
		if pins, err = pinned.ReadFile("pinned/" + name); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), pins, 0o644); err != nil {
			return err
		}
	}
	installed := filepath.Join(dir, "installed.json")
	if have, _ := os.ReadFile(installed); bytes.Equal(have, pins) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("installation, which needs Node.js 20 or newer with npm: %w\n%s", err, out)
	}
	return os.WriteFile(installed, pins, 0o644)
}

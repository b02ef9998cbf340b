package sshd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/term"
)

// session is one command, or a shell.
type session struct {
	machine *Machine
	client  *ssh.ServerConn
	channel ssh.Channel

	terminal bool // the client has one
	agent    bool // the client has keys
}

// run answers requests of a session, one of which says what to run.
func (s *session) run(ctx context.Context, requests <-chan *ssh.Request) {
	defer func() { _ = s.channel.Close() }()
	for r := range requests {
		var command struct{ Line string }
		ok := true
		switch r.Type {
		case "pty-req":
			s.terminal = true
		case "auth-agent-req@openssh.com":
			s.agent = true
		case "env":
		case "exec":
			ok = ssh.Unmarshal(r.Payload, &command) == nil
		case "shell":
		default:
			ok = false
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if ok && (r.Type == "exec" || r.Type == "shell") {
			go ssh.DiscardRequests(requests)
			code := s.shell(ctx, command.Line)
			_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
			return
		}
	}
}

// shell runs a line, or without one those that the client types. It returns the exit code.
func (s *session) shell(ctx context.Context, line string) (code int) {
	out, problems := io.Writer(s.channel), io.Writer(s.channel.Stderr())
	if line != "" {
		return s.execute(ctx, line, out, problems)
	}
	read := lines(s.channel)
	if s.terminal {
		screen := term.NewTerminal(s.channel, User+"@"+s.machine.Name+"$ ")
		out, problems, read = screen, screen, screen.ReadLine
		_, _ = fmt.Fprintf(out, "%s is a simulated machine. help lists its commands.\n", s.machine.Name)
	}
	for {
		line, err := read()
		if err != nil || strings.TrimSpace(line) == "exit" {
			return code
		}
		code = s.execute(ctx, line, out, problems)
	}
}

// lines reads what a client without a terminal sends.
func lines(from io.Reader) func() (string, error) {
	scanner := bufio.NewScanner(from)
	return func() (string, error) {
		if scanner.Scan() {
			return scanner.Text(), nil
		}
		return "", errors.Join(scanner.Err(), io.EOF)
	}
}

// keys are those that the client of the session lends.
func (s *session) keys() ([]ssh.Signer, error) {
	if !s.agent {
		return nil, errors.New("the session has no agent")
	}
	channel, requests, err := s.client.OpenChannel("auth-agent@openssh.com", nil)
	if err != nil {
		return nil, fmt.Errorf("the client's agent: %w", err)
	}
	go ssh.DiscardRequests(requests)
	signers, err := agent.NewClient(channel).Signers()
	if err != nil {
		return nil, fmt.Errorf("the client's agent: %w", err)
	}
	return signers, nil // which use the channel until the connection ends
}

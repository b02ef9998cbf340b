package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The exit codes of shells.
const (
	exitFailed  = 1
	exitUnknown = 127
	exitSSH     = 255
)

const help = `cat FILE...              show files of the machine's configuration
console                  show what the machine wrote to its serial console; also dmesg
hostname, uname, whoami  say what the machine is
journalctl [-n LINES]    show its journal: the console, and the log of its control plane
ls [DIRECTORY]           list files of the machine's configuration
ssh ADDRESS [COMMAND]    run a command on another machine of the network, with the keys of the session's agent
exit                     end the session
`

// execute runs one line.
func (s *session) execute(ctx context.Context, line string, out, problems io.Writer) (code int) {
	words := strings.Fields(line)
	if len(words) > 0 && words[0] == "sudo" {
		words = words[1:]
	}
	if len(words) == 0 {
		return 0
	}
	var err error
	switch name, args := words[0], words[1:]; name {
	case "help":
		_, err = io.WriteString(out, help)
	case "hostname":
		_, err = fmt.Fprintln(out, s.machine.Name)
	case "whoami":
		_, err = fmt.Fprintln(out, User)
	case "uname":
		_, err = fmt.Fprintf(out, "Linux %s (simulated)\n", s.machine.Name)
	case "console", "dmesg":
		_, err = out.Write(s.machine.Console())
	case "journalctl":
		err = s.journal(args, out)
	case "cat":
		err = s.cat(args, out)
	case "ls":
		err = s.list(args, out)
	case "ssh":
		if code, err = s.ssh(ctx, args, out, problems); err == nil {
			return code
		}
		_, _ = fmt.Fprintf(problems, "ssh: %v\n", err)
		return exitSSH
	default:
		_, _ = fmt.Fprintf(problems, "%s: command not found; a simulated machine has few, which help lists\n", name)
		return exitUnknown
	}
	if err != nil {
		_, _ = fmt.Fprintf(problems, "%s: %v\n", words[0], err)
		return exitFailed
	}
	return 0
}

// journal shows the last lines of the journal.
func (s *session) journal(args []string, out io.Writer) error {
	text := s.machine.Journal()
	if at := slices.Index(args, "-n"); at >= 0 && at+1 < len(args) {
		most, err := strconv.Atoi(args[at+1])
		if err != nil || most < 0 {
			return fmt.Errorf("-n takes a number of lines, not %q", args[at+1])
		}
		all := slices.Collect(bytes.Lines(text))
		text = bytes.Join(all[max(0, len(all)-most):], nil)
	}
	_, err := out.Write(text)
	return err
}

func (s *session) cat(names []string, out io.Writer) error {
	for _, name := range names {
		if s.machine.Files == nil {
			return fs.ErrNotExist
		}
		text, err := fs.ReadFile(s.machine.Files, local(name))
		if err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) list(names []string, out io.Writer) error {
	if len(names) == 0 {
		names = []string{"/"}
	}
	for _, name := range names {
		if s.machine.Files == nil {
			return fs.ErrNotExist
		}
		entries, err := fs.ReadDir(s.machine.Files, local(name))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			mark := ""
			if entry.IsDir() {
				mark = "/"
			}
			if _, err := fmt.Fprintln(out, entry.Name()+mark); err != nil {
				return err
			}
		}
	}
	return nil
}

// local is a path of the machine below the root of its files.
func local(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return name
}

// ssh runs a command on another machine. Its key is not known before, as those of machines never
// are.
func (s *session) ssh(ctx context.Context, args []string, out, problems io.Writer) (code int, err error) {
	if len(args) == 0 {
		return 0, errors.New("it takes the address of a machine")
	}
	signers, err := s.keys()
	if err != nil {
		return 0, err
	}
	host := strings.TrimPrefix(args[0], User+"@")
	conn, err := s.machine.Dial(ctx, "tcp", net.JoinHostPort(host, "22"))
	if err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	opened, channels, requests, err := ssh.NewClientConn(conn, host, &ssh.ClientConfig{User: User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}) //nolint:gosec // see above
	if err != nil {
		_ = conn.Close()
		return 0, err
	}
	client := ssh.NewClient(opened, channels, requests)
	defer func() { _ = client.Close() }()
	run, err := client.NewSession()
	if err != nil {
		return 0, err
	}
	run.Stdout, run.Stderr = out, problems
	err = run.Run(strings.Join(args[1:], " "))
	if ended, ok := errors.AsType[*ssh.ExitError](err); ok {
		return ended.ExitStatus(), nil
	}
	return 0, err
}

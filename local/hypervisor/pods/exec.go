package pods

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/creack/pty"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/cri-client/pkg/logs"
	streaming "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	"k8s.io/kubernetes/pkg/probe"
	utilexec "k8s.io/utils/exec"
	"k8s.io/utils/ptr"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

const (
	idleExec = 4 * time.Hour
	// outputPatience is how long output is waited for that a command's own children
	// hold open.
	outputPatience = time.Second
)

// session is what people do in the container of a program.
type session struct {
	w    *workload
	name string
}

var (
	_ streaming.Executor = session{}
	_ streaming.Attacher = session{}
)

// serveSession serves exec and attach for programs, and refuses them for containers
// in which nothing runs.
func (n *Node) serveSession(rw http.ResponseWriter, r *http.Request) {
	pod, c, err := n.container(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusNotFound)
		return
	}
	w := n.workload(pod.UID)
	if w == nil || n.Programs.Of(c.Image) == "" {
		n.refuse(rw, r)
		return
	}
	options, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	s := session{w, c.Name}
	if _, err := s.pid(); err != nil {
		conflict(rw, err.Error())
		return
	}
	if strings.HasPrefix(r.URL.Path, "/attach/") {
		streaming.ServeAttach(rw, r, s, pod.Name, pod.UID, c.Name, options, idleExec, streamPatience, protocols)
		return
	}
	streaming.ServeExec(rw, r, s, pod.Name, pod.UID, c.Name, r.Form["command"], options, idleExec, streamPatience, protocols)
}

// protocols are those that API servers speak with kubelets.
var protocols = []string{"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"}

// pid is that of the container's process.
func (s session) pid() (int, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	status := s.w.statuses[s.name]
	if status == nil || status.State.Running == nil {
		return 0, fmt.Errorf("container %q in pod %q is not running", s.name, s.w.pod.Name)
	}
	return strconv.Atoi(strings.TrimPrefix(status.ContainerID, processScheme))
}

// ExecInContainer implements streaming.Executor.
func (s session) ExecInContainer(ctx context.Context, _ string, _ types.UID, _ string, arguments []string, in io.Reader, out, problems io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	command, err := container.Enter(pid, arguments)
	if err != nil {
		return err
	}
	command.WaitDelay = outputPatience
	if tty {
		err = inTerminal(ctx, command, in, out, resize)
	} else {
		err = inPipes(ctx, command, in, out, problems)
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", ended.ExitCode()), Code: ended.ExitCode()}
	}
	return err
}

func inPipes(ctx context.Context, command *exec.Cmd, in io.Reader, out, problems io.Writer) error {
	if out != nil {
		command.Stdout = out
	}
	if problems != nil {
		command.Stderr = problems
	}
	if in != nil {
		// Wait does not wait for this one, which ends only when the client's does.
		input, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(input, in)
			_ = input.Close()
		}()
	}
	if err := command.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { container.Kill(command) })()
	if err := command.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	return nil
}

func inTerminal(ctx context.Context, command *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	terminal, err := pty.Start(command)
	if err != nil {
		return err
	}
	defer func() { _ = terminal.Close() }()
	defer context.AfterFunc(ctx, func() { container.Kill(command) })()
	go func() {
		for size := range resize {
			_ = pty.Setsize(terminal, &pty.Winsize{Rows: size.Height, Cols: size.Width})
		}
	}()
	if in != nil {
		go func() { _, _ = io.Copy(terminal, in) }()
	}
	if out != nil {
		_, _ = io.Copy(out, terminal) // until the last process that has it ends
	}
	return command.Wait()
}

// AttachContainer implements streaming.Attacher: the program's output from now on. A
// program has no input here.
func (s session) AttachContainer(ctx context.Context, _ string, _ types.UID, _ string, _ io.Reader, out, problems io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	if out == nil {
		out = nopCloser{io.Discard}
	}
	if problems == nil {
		problems = out
	}
	options := logs.NewLogOptions(&corev1.PodLogOptions{Follow: true, TailLines: ptr.To[int64](0)}, time.Now())
	return logs.ReadLogs(ctx, nil, filepath.Join(s.w.dir, "logs", s.name, logName), s.name, options, following{w: s.w}, out, problems)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// maxProbeOutput bounds what a probe reports of a command's output.
const maxProbeOutput = 10 << 10

// byCommand probes a container by a command in it.
func (w *workload) byCommand(c *corev1.Container, arguments []string, timeout time.Duration) (probe.Result, string, error) {
	pid, err := session{w, c.Name}.pid()
	if err != nil {
		return probe.Unknown, "", err
	}
	command, err := container.Enter(pid, arguments)
	if err != nil {
		return probe.Unknown, "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var output bytes.Buffer
	err = inPipes(ctx, command, nil, &output, &output)
	text := string(output.Bytes()[:min(output.Len(), maxProbeOutput)])
	switch {
	case ctx.Err() != nil:
		return probe.Failure, fmt.Sprintf("command timed out: %q timed out after %s", strings.Join(arguments, " "), timeout), nil
	case err != nil:
		return probe.Failure, text, nil
	}
	return probe.Success, text, nil
}

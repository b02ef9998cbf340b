package openshift

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
)

// Command is a command in a container of a pod.
type Command struct {
	Namespace, Pod string
	// Container is empty for the only one of the pod.
	Container string
	Args      []string
	// Stdout and Stderr get what the command writes.
	Stdout, Stderr io.Writer
}

// Exec runs a command and returns its exit code. API servers accept the connection first
// and fail inside it: such a failure is an error, and not the result of the command.
func (a *API) Exec(ctx context.Context, c Command) (exitCode int, err error) {
	to, config, err := a.direct()
	if err != nil {
		return 0, err
	}
	query := url.Values{"command": c.Args, "stdout": {"true"}, "stderr": {"true"}}
	if c.Container != "" {
		query.Set("container", c.Container)
	}
	to.Path, to.RawQuery = "/api/v1/namespaces/"+c.Namespace+"/pods/"+c.Pod+"/exec", query.Encode()
	overWebSocket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, to.String())
	if err != nil {
		return 0, fmt.Errorf("run a command: %w", err)
	}
	overSPDY, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, to)
	if err != nil {
		return 0, fmt.Errorf("run a command: %w", err)
	}
	// OpenShift before 4.16 has SPDY only.
	executor, err := remotecommand.NewFallbackExecutor(overWebSocket, overSPDY, httpstream.IsUpgradeFailure)
	if err != nil {
		return 0, fmt.Errorf("run a command: %w", err)
	}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: c.Stdout, Stderr: c.Stderr})
	if code, ended := errors.AsType[exec.CodeExitError](err); ended {
		return code.Code, nil
	}
	return 0, err
}

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package harness

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// startTime bounds the start of an API server with all of OpenShift's kinds, which takes
	// a minute and more on two busy processors, and endTime its end. buildTime is for a
	// program that is not built yet.
	startTime = 5 * time.Minute
	endTime   = 30 * time.Second
	buildTime = 9 * time.Minute
)

// APIServer starts an API server with the kinds of OpenShift and nothing behind it, and
// returns an administrator's kubeconfig. It is the program aro-local below root, which is
// built if it is not there.
func APIServer(root string) (kubeconfig []byte, stop func(), err error) {
	binary, err := Local(root)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return nil, nil, err
	}
	log := &bytes.Buffer{}
	command := exec.Command(binary, "apiserver", "--dir", dir)
	command.Stderr = log
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = stdin.Close() // it ends by itself; if not:
		late := time.AfterFunc(endTime, func() { _ = command.Process.Kill() })
		_ = command.Wait()
		late.Stop()
		_ = os.RemoveAll(dir)
	}
	late := time.AfterFunc(startTime, func() { _ = command.Process.Kill() })
	kubeconfig, err = io.ReadAll(stdout)
	late.Stop()
	if err != nil || len(kubeconfig) == 0 {
		stop()
		return nil, nil, fmt.Errorf("the API server did not become ready (%w)\n%s", cmp.Or(err, io.ErrUnexpectedEOF), log.String())
	}
	return kubeconfig, stop, nil
}

// Local is the program aro-local below root, which is built if it is not there.
func Local(root string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, "bin", "aro-local")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	build := exec.CommandContext(ctx, "make", "bin/aro-local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aro-local: %w\n%s", err, out)
	}
	return binary, nil
}

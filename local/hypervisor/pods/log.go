package pods

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
)

// The logs of a container are this file of its directory, and that of its run before.
const (
	logName      = "log"
	previousName = "log.previous"
	// maxLog is the size, in bytes, at which a log is rotated and the rotated log before it is
	// removed.
	maxLog = 10 << 20
)

// logFile is a container's log in the format of the container runtime interface,
// whose own reader reads it.
type logFile struct {
	dir string

	mu   sync.Mutex
	file *os.File
	size int
}

func openLog(dir string) (*logFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &logFile{dir: dir}
	return l, l.begin()
}

// begin keeps what there is as the previous log.
func (l *logFile) begin() (err error) {
	path := filepath.Join(l.dir, logName)
	if err := os.Rename(path, filepath.Join(l.dir, previousName)); err != nil && !os.IsNotExist(err) {
		return err
	}
	l.size = 0
	l.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return err
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.file.Close()
}

func (l *logFile) stream(name string) io.Writer { return &stream{log: l, name: name} }

// stream is one of a container's outputs.
type stream struct {
	log  *logFile
	name string
	rest []byte // of a line that has not ended
}

// maxLine is where a line is written in parts.
const maxLine = 16 << 10

// Write implements io.Writer. What cannot be kept does not stop the program.
func (s *stream) Write(content []byte) (int, error) {
	s.rest = append(s.rest, content...)
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole && len(s.rest) < maxLine {
			return len(content), nil
		}
		tag := "F"
		if !whole {
			tag, line, rest = "P", s.rest[:maxLine], s.rest[maxLine:]
		}
		s.log.write(fmt.Appendf(nil, "%s %s %s %s\n", time.Now().UTC().Format(time.RFC3339Nano), s.name, tag, line))
		s.rest = append([]byte{}, rest...)
	}
}

func (l *logFile) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size += len(line); l.size > maxLog {
		_ = l.file.Close()
		if l.begin() != nil {
			return
		}
	}
	_, _ = l.file.Write(line)
}

// copyLog writes the requested part of a container's log.
func (w *workload) copyLog(ctx context.Context, name string, options *corev1.PodLogOptions, to io.Writer) error {
	path := filepath.Join(w.dir, "logs", name, logName)
	if options.Previous {
		path = filepath.Join(w.dir, "logs", name, previousName)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("container %q in pod %q has no log", name, w.pod.Name)
	}
	return logs.ReadLogs(ctx, nil, path, name, logs.NewLogOptions(options, time.Now()), following{w: w}, to, to)
}

// following reports whether more lines of a log may come.
type following struct {
	internalapi.RuntimeService
	w *workload
}

// ContainerStatus implements internalapi.RuntimeService.
func (f following) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if status := f.w.statuses[id]; status != nil && status.State.Running != nil {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{Id: id, State: state}}, nil
}

package registry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// startTime and stopTime are how long a program may take to say its address, and to end.
const startTime, stopTime = time.Minute, 10 * time.Second

// server is the program that has the images of one registry, while it runs.
type server struct {
	http.Handler
	target *url.URL
	input  io.Closer
	ended  chan struct{}
}

// server of a registry, which is started when it is first asked for, and again after it
// has ended.
func (s *Service) server(name string) (*server, error) {
	name = strings.ToLower(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.servers[name]; one != nil {
		select {
		case <-one.ended:
		default:
			return one, nil
		}
	}
	if _, err := os.Stat(s.Program); err != nil || s.Program == "" {
		return nil, fmt.Errorf("the local Azure keeps no images: the program aro-registry, which does, is not beside aro-local (%q)", s.Program)
	}
	one, err := start(s.Program, s.dirOf(name))
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", name, err)
	}
	s.servers[name] = one
	return one, nil
}

func (s *Service) dirOf(name string) string { return filepath.Join(s.Dir, strings.ToLower(name)) }

// start runs the program, with its log beside the images. It ends with its input, so also when
// this process is killed.
func start(program, dir string) (*server, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has it
	command := exec.Command(program, "-data", dir, "-until-eof")
	command.Stderr = log
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	one := &server{input: input, ended: make(chan struct{})}
	lines := bufio.NewReader(output)
	late := time.AfterFunc(startTime, func() { _ = command.Process.Kill() })
	address, err := lines.ReadString('\n')
	late.Stop()
	go func() {
		_, _ = io.Copy(io.Discard, lines) // the pipe is read to its end before Wait closes it
		_ = command.Wait()                // how it ended is in its log
		close(one.ended)
	}()
	if err != nil {
		one.close()
		return nil, errors.Join(errors.New("it did not start"), err)
	}
	target := &url.URL{Scheme: "http", Host: strings.TrimSpace(address)}
	one.target = target
	one.Handler = &httputil.ReverseProxy{Rewrite: func(q *httputil.ProxyRequest) {
		q.SetURL(target)
		q.SetXForwarded() // of which it makes the addresses of uploads
		q.Out.Header.Del("Authorization")
	}}
	return one, nil
}

// close ends the program, and returns when it has ended.
func (s *server) close() {
	_ = s.input.Close()
	select {
	case <-s.ended:
	case <-time.After(stopTime):
	}
}

// drop ends the program of a registry that is gone, and removes its images.
func (s *Service) drop(_ context.Context, r *resources.Resource) error {
	name := strings.ToLower(r.Name)
	s.mu.Lock()
	one := s.servers[name]
	delete(s.servers, name)
	s.mu.Unlock()
	if one != nil {
		one.close()
	}
	return os.RemoveAll(s.dirOf(name))
}

// Close ends the programs.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.servers {
		one.close()
	}
	s.servers = map[string]*server{}
}

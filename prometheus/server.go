package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// server is a Prometheus that runs while it is used.
type server struct {
	config, dir string
	variables   map[string]string // of the configuration
	idle        time.Duration
	log         *slog.Logger

	mu      sync.Mutex
	running *instance // nil while it rests
	used    time.Time
	users   int
}

// firstScrape is how long the first request waits for samples.
const firstScrape = 20 * time.Second

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/-/healthy" { // which probes ask again and again
		w.WriteHeader(http.StatusOK)
		return
	}
	i, done, err := s.use()
	if err != nil {
		s.log.Error("cannot start", "error", err)
		http.Error(w, "Prometheus does not start: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.Context(), firstScrape)
	defer cancel()
	i.scraped(ctx)
	i.api.ServeHTTP(w, r)
}

// use returns the running instance until done.
func (s *server) use() (i *instance, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		if s.running, err = s.start(); err != nil {
			return nil, nil, err
		}
	}
	s.users++
	return s.running, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.users--
		s.used = time.Now()
	}, nil
}

// rest stops the instance again and again when it is not used, until ctx ends.
func (s *server) rest(ctx context.Context) error {
	look := time.NewTicker(max(s.idle/10, time.Millisecond))
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		s.mu.Lock()
		idle := s.running != nil && s.users == 0 && time.Since(s.used) > s.idle
		s.mu.Unlock()
		if !idle {
			continue
		}
		if err := s.stop(); err != nil {
			return err
		}
		debug.FreeOSMemory()
	}
}

// stop stops the instance, unless it is used.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil || s.users > 0 {
		return nil
	}
	i := s.running
	s.running = nil
	return i.stop()
}

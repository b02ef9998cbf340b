package instance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/supervisor"
)

// unit is a service that was started.
type unit struct {
	process *supervisor.Process
	stop    context.CancelFunc
	done    chan struct{}
}

// kill ends a unit at once.
func (u *unit) kill() {
	u.stop()
	for {
		u.process.Kill()
		select {
		case <-u.done:
			return
		case <-time.After(10 * time.Millisecond): // it may just be starting
		}
	}
}

// applied are the settings of a unit that a simulated machine obeys.
func applied() []string {
	return []string{"Description", "ExecStart", "ExecStop", "Environment", "EnvironmentFile", "Restart", "RestartSec", "KillSignal", "TimeoutStopSec", "Wants", "After", "WantedBy", "LogsDirectory", "StateDirectory"}
}

// startUnit starts a service, unless it runs.
func (h *Host) startUnit(r *running, name string) error {
	values, err := readUnit(r.path("/etc/systemd/system/" + name))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unit == nil {
		return fmt.Errorf("the instance is gone")
	}
	if r.unit[name] != nil {
		return nil
	}
	command := strings.Fields(values["ExecStart"])
	if len(command) == 0 {
		return fmt.Errorf("%s has no ExecStart", name)
	}
	program := r.path(command[0])
	if _, err := os.Stat(program); err != nil {
		r.logf("not simulated: %s is not started, for this machine has no %s", name, command[0])
		return nil
	}
	var ignored []string
	for key := range values {
		if !slices.Contains(applied(), key) {
			ignored = append(ignored, key)
		}
	}
	slices.Sort(ignored)
	if len(ignored) > 0 {
		r.logf("not simulated: %s runs as the user of the local Azure, without %s", name, strings.Join(ignored, ", "))
	}
	for key, place := range map[string]string{"LogsDirectory": "/var/log/", "StateDirectory": "/var/lib/"} {
		if values[key] != "" {
			if err := os.MkdirAll(r.path(place+values[key]), 0o700); err != nil {
				return err
			}
		}
	}
	environment := h.Environment(r.Machine)
	if values["Environment"] != "" {
		environment = append(environment, strings.Fields(values["Environment"])...)
	}
	if file := values["EnvironmentFile"]; file != "" {
		more, err := r.settings(file)
		if err != nil {
			return err
		}
		environment = append(environment, more...)
	}
	grace, err := time.ParseDuration(values["TimeoutStopSec"] + "s")
	if err != nil {
		grace = time.Minute
	}
	u := &unit{done: make(chan struct{}), process: &supervisor.Process{
		Name: r.Name + " " + name, Path: program, Args: command[1:], Env: environment, Grace: grace,
		LogFile: filepath.Join(r.dir, path.Base(name)+".log"), PIDFile: filepath.Join(r.dir, path.Base(name)+".pid"), Log: h.Log,
	}}
	var ctx context.Context
	ctx, u.stop = context.WithCancel(h.ctx)
	r.unit[name] = u
	h.work.Go(func() {
		defer close(u.done)
		if err := u.process.Run(ctx); err != nil {
			r.logf("FAILED: %s: %v", name, err)
		}
	})
	return nil
}

// settle waits until a service that was started answers where its health check asks, for a bounded time: one
// without a check, or that does not answer, is the business of the probes.
func (h *Host) settle(ctx context.Context, r *running, name string) {
	r.mu.Lock()
	u := r.unit[name]
	r.mu.Unlock()
	check, err := readUnit(r.path("/etc/systemd/system/" + strings.TrimSuffix(name, ".service") + "-health.service"))
	asks := strings.Fields(check["ExecStart"]) // the program, the unit, the URL
	if u == nil || err != nil || len(asks) < 3 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, asks[2], nil)
		if err != nil {
			return
		}
		if resp, err := transport.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-u.done:
			return
		case <-time.After(settlePoll):
		}
	}
}

// settleTime bounds the wait for the answer of a unit that starts, settlePoll is the time between two looks.
const settleTime, settlePoll = 5 * time.Second, 50 * time.Millisecond

// stopUnit stops a service and waits until it has ended.
func (h *Host) stopUnit(ctx context.Context, r *running, name string) error {
	r.mu.Lock()
	u := r.unit[name]
	delete(r.unit, name)
	r.mu.Unlock()
	if u == nil {
		return nil
	}
	u.stop()
	select {
	case <-u.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readUnit reads the settings of a unit file; of one that is set twice, the last.
func readUnit(name string) (map[string]string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(content)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			values[key] = value
		}
	}
	return values, nil
}

package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// restarter runs the provider, and starts it again at once whenever it ends.
// aro-local itself would take many ends in a row for a provider that cannot start.
const restarter = `#!/bin/bash
trap 'stopping=1; kill -TERM $child' TERM
while [ -z "$stopping" ]; do
  '%[1]s/aro' "$@" & child=$!
  echo $child > '%[2]s'
  wait $child
done
wait
`

// killer is an environment whose provider is killed repeatedly.
type killer struct {
	*environment
	pidFile string
	killed  int      // the last one's process id
	died    []string // the steps after which a process ended before the next was done
}

func newKiller(t *testing.T, settings ...string) *killer {
	t.Helper()
	bin, err := filepath.Abs(*programs)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k := &killer{pidFile: filepath.Join(dir, "pid")}
	script := filepath.Join(dir, "aro")
	if err := os.WriteFile(script, fmt.Appendf(nil, restarter, bin, k.pidFile), 0o700); err != nil {
		t.Fatal(err)
	}
	k.environment = newEnvironment(t, append(settings, "ARO_RP="+script)...)
	return k
}

// kill ends the provider that runs, unless that was done before.
func (k *killer) kill() bool {
	text, err := os.ReadFile(k.pidFile)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 || pid == k.killed {
		return false
	}
	k.killed = pid
	return syscall.Kill(pid, syscall.SIGKILL) == nil
}

// entry is a line of the provider's log.
type entry struct {
	Time          time.Time `json:"time"`
	Level         string    `json:"level"`
	Msg           string    `json:"msg"`
	Step          string    `json:"step"`
	Error         string    `json:"error"`
	OperationKind string    `json:"operation_kind"`
	OperationID   string    `json:"operation_id"`
	ResourceID    string    `json:"resource_id"`
}

// openLog opens the provider's log where it ends now.
func (w *environment) openLog() (*os.File, error) {
	log, err := os.Open(filepath.Join(w.dir, "logs", "rp.log"))
	if err == nil {
		_, err = log.Seek(0, io.SeekEnd)
	}
	return log, err
}

// follow gives the lines of a log to see, those written until ctx ends, and closes it.
func follow(ctx context.Context, log *os.File, see func(entry)) error {
	defer func() { _ = log.Close() }()
	reader, line := bufio.NewReader(log), ""
	for {
		ended := ctx.Err() != nil
		part, err := reader.ReadString('\n')
		line += part
		switch {
		case errors.Is(err, io.EOF) && ended:
			return nil
		case errors.Is(err, io.EOF):
			time.Sleep(200 * time.Microsecond) // steps that only write a document follow fast
			continue
		case err != nil:
			return err
		}
		var e entry
		if json.Unmarshal([]byte(line), &e) == nil { // a killed process may leave half a line
			see(e)
		}
		line = ""
	}
}

// missed are those of the steps after which no process ended.
func (k *killer) missed(steps ...string) []string {
	return slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(steps))), func(step string) bool {
		return slices.Contains(k.died, step)
	})
}

// shapes are what each kind of cluster consists of.
type shapes struct {
	mutex sync.Mutex
	of    map[string][]string
}

func (s *shapes) set(kind string, shape []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.of[kind] = shape
}

const (
	// A step may be over before the provider that did the one before it is killed, on
	// a busy machine more often. The operation is then repeated, at most so often.
	mostUpdates = 10 // for each create
	mostCreates = 4

	// killedLease is how long a killed provider keeps its cluster. A shorter lease
	// costs less time, but must not end while a running provider waits for a processor.
	killedLease = "3s"
)

// TestAKilledProviderContinuesWhereItWas kills the provider after each step of a create,
// an update and a delete. The clusters have the same resources as those of a provider
// that was not killed, and leave none.
func TestAKilledProviderContinuesWhereItWas(t *testing.T) {
	t.Parallel()
	orders := map[string]order{"service principal": {name: "cat"}, "identities": {name: "cat", workload: true}}
	alive, killed := shapes{of: map[string][]string{}}, shapes{of: map[string][]string{}}
	t.Run("clusters", func(t *testing.T) {
		t.Run("undisturbed", func(t *testing.T) {
			t.Parallel()
			w := newEnvironment(t)
			for kind, o := range orders {
				c := w.customer(t, o)
				ground := w.footprint(t.Context(), t)
				c.created(t)
				alive.set(kind, w.shape(t, ground))
				c.removed(t)
			}
		})
		for kind, o := range orders {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				k := newKiller(t, "ARO_LEASE="+killedLease, "ARO_POLL=100ms")
				killed.set(kind, k.killInEachStep(t, o))
			})
		}
	})
	for kind := range orders {
		if more, less := minus(killed.of[kind], alive.of[kind]), minus(alive.of[kind], killed.of[kind]); len(more)+len(less) > 0 {
			t.Errorf("%s: unlike the undisturbed cluster it has %q too much and %q too few", kind, more, less)
		}
	}
}

// killInEachStep has a cluster created, changed and deleted by providers that are killed,
// until one was killed after each step, and returns the resources of the cluster.
func (k *killer) killInEachStep(t *testing.T, o order) (shape []string) {
	t.Helper()
	before := k.footprint(t.Context(), t)
	c := k.customer(t, o)
	ground := k.footprint(t.Context(), t)
	var missed []string
	for try := 1; try == 1 || len(missed) > 0 && try <= mostCreates; try++ {
		made, ran := k.lifecycle(t, c, ground, try)
		if try == 1 {
			shape = made
		}
		missed = k.missed(ran...)
	}
	if len(missed) > 0 {
		t.Errorf("no process ended after %q", missed)
	}
	ctx, cancel := context.WithTimeout(t.Context(), groundTimeout)
	defer cancel()
	c.leave(ctx, t)
	k.isAsBefore(t, before)
	return shape
}

// lifecycle creates, updates and deletes the cluster once, and returns its resources and the
// steps that ran.
func (k *killer) lifecycle(t *testing.T, c *customer, ground []string, round int) (shape, ran []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*createTimeout)
	defer cancel()
	ran = k.killing(ctx, t, c, func() string { return c.create(ctx, t) })
	shape = k.shape(t, ground)
	access := c.kube(ctx, t)
	access.isWell(ctx, t, 3)
	for n := 1; n <= mostUpdates; n++ {
		updated := k.update(ctx, t, c, access, round*mostUpdates+n)
		ran = append(ran, updated...)
		if len(k.missed(updated...)) == 0 {
			break
		}
	}
	// The first step waits for Azure until the request is answered.
	k.want(ctx, t, http.MethodPut, "/local/faults/slow", m{"match": m{"method": "GET", "path": "/resourceGroups/" + c.name + "-managed$"},
		"count": 1, "action": m{"kind": "delay", "milliseconds": 2000}}, nil)
	ran = append(ran, k.killing(ctx, t, c, func() string { return c.remove(ctx, t) })...)
	k.want(ctx, t, http.MethodDelete, "/local/faults", nil, nil)
	return shape, ran
}

// update gives the cluster its nth new secret, or an operator its nth new identity.
func (k *killer) update(ctx context.Context, t *testing.T, c *customer, access *kube, n int) (ran []string) {
	t.Helper()
	var change m
	if c.workload {
		change = c.otherIdentity(ctx, t, n)
	} else {
		change = m{"servicePrincipalProfile": m{"clientSecret": c.newSecret(ctx, t)}}
	}
	ran = k.killing(ctx, t, c, func() string {
		return c.want(ctx, t, http.MethodPatch, c.id()+"?api-version="+newestAPI, m{"properties": change}, nil).Get("Azure-Asyncoperation")
	})
	if !c.workload {
		c.usesSecret(ctx, t, access, change["servicePrincipalProfile"].(m)["clientSecret"].(string))
	}
	return ran
}

// shape is what there is more than before, without names.
func (w *environment) shape(t *testing.T, before []string) (all []string) {
	t.Helper()
	more := minus(w.footprint(t.Context(), t), before)
	for _, one := range more {
		kind, name, _ := strings.Cut(one, " ")
		switch {
		case kind == "resource":
			all = append(all, typeOf(name))
		case strings.HasPrefix(name, "/azure/blob/"):
			all = append(all, "blob")
		case kind != "file": // those of machines come and go
			all = append(all, kind)
		}
	}
	return all
}

// typeOf is an id without names: a resource's type, or a collection of a vault.
func typeOf(id string) string {
	at := strings.LastIndex(id, "/providers/")
	if at < 0 {
		return path.Base(path.Dir(id))
	}
	parts := strings.Split(id[at+len("/providers/"):], "/")
	names := slices.Clone(parts[:1])
	for i := 1; i < len(parts); i += 2 {
		names = append(names, parts[i])
	}
	return strings.Join(names, "/")
}

// killing kills the provider after each step of an operation after which none was
// killed. The operation must succeed; it returns the steps that ran.
func (k *killer) killing(ctx context.Context, t *testing.T, c *customer, begin func() string) (ran []string) {
	t.Helper()
	log, err := k.openLog()
	if err != nil {
		t.Fatal(err)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	began, done := make(chan string, 1), make(chan error, 1)
	var watch string
	var hit []string // the steps after which a process ended
	go func() {
		var last time.Time // when a process was killed
		done <- follow(watching, log, func(e entry) {
			if e.Msg != "step done" {
				return
			}
			if watch == "" {
				watch = <-began // no request is to be in the way
			}
			if !strings.Contains(watch, e.OperationID) {
				return
			}
			step := e.OperationKind + ": " + e.Step
			ran = append(ran, step)
			switch {
			case e.Time.Before(last): // it was faster than the kill, which came here
				hit[len(hit)-1] = step
			case watching.Err() == nil && len(k.missed(step)) > 0 && k.kill():
				last, hit = time.Now(), append(hit, step)
			}
		})
	}()
	operation := begin()
	began <- operation
	c.succeeds(ctx, t, operation)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	k.died = append(k.died, hit...)
	t.Logf("of %d steps that ran, no process ended after %q", len(ran), k.missed(ran...))
	return ran
}

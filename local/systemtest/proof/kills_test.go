package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// killer is a world whose provider can be killed again and again.
type killer struct {
	*world
	pidFile string
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
	k.world = newWorld(t, append(settings, "ARO_RP="+script)...)
	return k
}

func (k *killer) kill() error {
	text, err := os.ReadFile(k.pidFile)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return errors.New("there is no process id")
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// entry is a line of the provider's log.
type entry struct {
	Level         string `json:"level"`
	Msg           string `json:"msg"`
	Step          string `json:"step"`
	Error         string `json:"error"`
	OperationKind string `json:"operation_kind"`
	OperationID   string `json:"operation_id"`
	ResourceID    string `json:"resource_id"`
}

// openLog opens the provider's log where it ends now.
func (w *world) openLog() (*os.File, error) {
	log, err := os.Open(filepath.Join(w.dir, "logs", "rp.log"))
	if err == nil {
		_, err = log.Seek(0, io.SeekEnd)
	}
	return log, err
}

// follow gives the lines of a log to see, until ctx ends, and closes it.
func follow(ctx context.Context, log *os.File, see func(entry)) error {
	defer func() { _ = log.Close() }()
	reader, line := bufio.NewReader(log), ""
	for ctx.Err() == nil {
		part, err := reader.ReadString('\n')
		line += part
		switch {
		case errors.Is(err, io.EOF):
			time.Sleep(5 * time.Millisecond)
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
	return nil
}

// TestAKilledProviderGoesOnWhereItWas kills the provider whenever it has done a
// step of a create, and then of a delete.
func TestAKilledProviderGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	k := newKiller(t, "ARO_LEASE=2s", "ARO_POLL=200ms")
	before := k.footprint(t.Context(), t)
	c := k.customer(t, order{name: "cat", workload: true})
	ctx, cancel := context.WithTimeout(t.Context(), 2*createTimeout)
	defer cancel()

	killed := k.killing(ctx, t, c, func() string { return c.create(ctx, t) })
	if len(killed) < 40 {
		t.Errorf("the provider was killed after %d steps of the create only: %q", len(killed), killed)
	}
	c.hasExactly(ctx, t, map[string]int{
		"microsoft.compute/virtualmachines": 6, "microsoft.compute/disks": 6,
		"microsoft.network/networkinterfaces":     7, // of machines, and of the private link service
		"microsoft.network/loadbalancers":         2,
		"microsoft.network/publicipaddresses":     2,
		"microsoft.network/networksecuritygroups": 1,
		"microsoft.network/privatelinkservices":   1,
		"microsoft.storage/storageaccounts":       2,
	})
	c.kube(ctx, t).isWell(ctx, t, 3)

	killed = k.killing(ctx, t, c, func() string { return c.remove(ctx, t) })
	if len(killed) < 9 {
		t.Errorf("the provider was killed after %d steps of the delete only: %q", len(killed), killed)
	}
	c.leave(ctx, t)
	k.isAsBefore(t, before)
}

// killing kills the provider after each step of an operation, which must succeed.
func (k *killer) killing(ctx context.Context, t *testing.T, c *customer, begin func() string) (killed []string) {
	t.Helper()
	watching, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	seen := map[string]bool{}
	var watch string
	began := make(chan struct{})
	log, err := k.openLog()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		done <- follow(watching, log, func(e entry) {
			if e.Msg != "step done" || seen[e.OperationID+e.Step] {
				return
			}
			seen[e.OperationID+e.Step] = true
			<-began // no request is to be in the way
			if !strings.Contains(watch, e.OperationID) {
				return
			}
			if k.kill() == nil {
				killed = append(killed, e.Step)
			}
		})
	}()
	watch = begin()
	close(began)
	c.succeeds(ctx, t, watch)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("killed after %q", killed)
	return killed
}

// hasExactly checks how many resources of each type the managed group has.
func (c *customer) hasExactly(ctx context.Context, t *testing.T, want map[string]int) {
	t.Helper()
	found := map[string][]string{}
	for _, id := range c.inventory(ctx, t) {
		rest, within := strings.CutPrefix(id, strings.ToLower(c.managedGroup())+"/providers/")
		if parts := strings.Split(rest, "/"); within && len(parts) == 3 {
			kind := parts[0] + "/" + parts[1]
			found[kind] = append(found[kind], parts[2])
		}
	}
	for kind, n := range want {
		if len(found[kind]) != n {
			t.Errorf("there are %d %s, want %d: %q", len(found[kind]), kind, n, found[kind])
		}
	}
}

// Package clusters provides control planes on this machine: it answers the seam
// of backend/controlplane, gives each cluster a home and a process of its own,
// and remembers all of them over restarts.
//
// What a cluster consists of is not its business: that is package openshift,
// which runs in the clusters' processes. Nor does it know what a plan is.
package clusters

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/backend/controlplane"
	"github.com/aro-rp/aro/local/home"
	"github.com/aro-rp/aro/local/supervisor"
)

// What Apply refuses. The messages of errors are fit for the caller.
var (
	ErrInvalid  = errors.New("the spec cannot be provided")
	ErrRemoving = errors.New("the cluster is being removed")
)

const (
	// removingPrefix marks homes that are no cluster's any more.
	removingPrefix = ".removing-"
	// stopGrace is how long a cluster may take to finish requests under way.
	stopGrace = 8 * time.Second
)

// Clusters are all clusters of one directory. Nobody else may use the directory.
type Clusters struct {
	dir     string
	program []string
	log     *slog.Logger
	ctx     context.Context
	work    sync.WaitGroup

	mu       sync.Mutex
	known    map[string]*cluster
	removing map[string]bool
	closed   bool
}

// Open takes over dir: it ends what a killed predecessor left running there,
// continues removals, and boots every cluster again. Program with the argument
// --dir DIR must run the cluster whose home is DIR. All clusters stop with ctx;
// Wait tells when.
func Open(ctx context.Context, dir string, program []string, log *slog.Logger) (*Clusters, error) {
	c := &Clusters{dir: dir, program: program, log: log, ctx: ctx, known: map[string]*cluster{}, removing: map[string]bool{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("clusters: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("clusters: %w", err)
	}
	for _, entry := range entries {
		if err := c.resume(entry.Name()); err != nil {
			return nil, fmt.Errorf("cluster in %s: %w", filepath.Join(dir, entry.Name()), err)
		}
	}
	return c, nil
}

// resume goes on with what the directory of that name was for.
func (c *Clusters) resume(name string) error {
	h := home.At(filepath.Join(c.dir, name))
	if err := supervisor.StopLeftover(h.PIDFile()); err != nil {
		return err
	}
	_, err := h.Spec()
	switch {
	case strings.HasPrefix(name, removingPrefix):
		return os.RemoveAll(h.Dir())
	case errors.Is(err, fs.ErrNotExist): // nobody was told that this one exists
		return os.RemoveAll(h.Dir())
	case err != nil:
		return err
	}
	return c.boot(name, h)
}

// Apply makes the cluster be as spec says. It returns before that is so.
func (c *Clusters) Apply(ctx context.Context, spec controlplane.Spec) (controlplane.Status, error) {
	if err := validate(spec); err != nil {
		return controlplane.Status{}, err
	}
	cluster, err := c.apply(spec)
	if err != nil {
		return controlplane.Status{}, err
	}
	return cluster.status(ctx)
}

func (c *Clusters) apply(spec controlplane.Spec) (*cluster, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removing[spec.ID] {
		return nil, ErrRemoving
	}
	h := home.At(filepath.Join(c.dir, spec.ID))
	have := c.known[spec.ID]
	if have != nil {
		if err := unchanged(h, spec); err != nil {
			return nil, err
		}
	}
	if err := h.Furnish(spec); err != nil {
		return nil, err
	}
	if have != nil {
		return have, nil
	}
	if err := c.boot(spec.ID, h); err != nil {
		return nil, err
	}
	return c.known[spec.ID], nil
}

// Get tells what exists for the cluster, or controlplane.ErrNotFound.
func (c *Clusters) Get(ctx context.Context, id string) (controlplane.Status, error) {
	c.mu.Lock()
	cluster, removing := c.known[id], c.removing[id]
	c.mu.Unlock()
	switch {
	case removing:
		return controlplane.Status{Message: "being removed"}, nil
	case cluster == nil:
		return controlplane.Status{}, controlplane.ErrNotFound
	}
	status, err := cluster.status(ctx)
	if errors.Is(err, fs.ErrNotExist) { // its home was taken away meanwhile
		return controlplane.Status{Message: "being removed"}, nil
	}
	return status, err
}

// Remove begins to remove the cluster unless that goes on already. It returns
// gone when nothing of it is left.
func (c *Clusters) Remove(id string) (gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removing[id] {
		return false, nil
	}
	cluster := c.known[id]
	if cluster == nil {
		return true, nil
	}
	// Once the home has its new name, no crash brings the cluster back.
	trash := filepath.Join(c.dir, removingPrefix+id)
	if err := os.Rename(cluster.home.Dir(), trash); err != nil {
		return false, fmt.Errorf("cluster %s: remove: %w", id, err)
	}
	delete(c.known, id)
	c.removing[id] = true
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		cluster.kill()
		c.discard(id, trash)
	}()
	return false, nil
}

// discard deletes a home whose process is gone.
func (c *Clusters) discard(id, trash string) {
	for {
		err := os.RemoveAll(trash)
		if err == nil {
			break
		}
		c.log.WarnContext(c.ctx, "a removed cluster's files are still there", "cluster", id, "error", err)
		select {
		case <-c.ctx.Done(): // the next Open goes on
			return
		case <-time.After(time.Second):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.removing, id)
}

// Wait returns when all clusters have stopped, after the context of Open ended.
func (c *Clusters) Wait() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.work.Wait()
}

// boot starts the cluster's process. The lock must be held, but in Open.
func (c *Clusters) boot(id string, h home.Home) error {
	if c.closed {
		return errors.New("clusters are stopping")
	}
	if err := c.settlePort(h); err != nil {
		return err
	}
	client, err := newClient(h)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.ctx)
	cl := &cluster{home: h, client: client, cancel: cancel, done: make(chan struct{}), process: &supervisor.Process{
		Name:    "cluster " + id,
		Path:    c.program[0],
		Args:    append(c.program[1:len(c.program):len(c.program)], "--dir", h.Dir()),
		LogFile: h.LogFile(),
		PIDFile: h.PIDFile(),
		Grace:   stopGrace,
		Log:     c.log,
	}}
	c.known[id] = cl
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		defer close(cl.done)
		_ = cl.process.Run(ctx) // it never gives up, so it has no error
	}()
	return nil
}

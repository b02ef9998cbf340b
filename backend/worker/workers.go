package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// key identifies a document.
type key struct{ partition, id string }

// errNoWorker means that an operation may continue but no worker became free in time.
var errNoWorker = errors.New("no worker is free")

// workers counts the operations of this process, in total and for each partition: running ones,
// each on a worker, and held ones, which need no worker until their next attempt.
type workers struct {
	mu sync.Mutex
	// size is the number of workers, room the number of operations that may be held.
	size, room int
	tasks      map[key]*task
	running    int
	busy       map[string]int // running, by partition
	held       int
	// ready are held operations that need a worker: by partition, the longest waiting first.
	ready map[string][]*task
	// unserved: the database may have new work that found no worker. New and ready operations are
	// served alternately; readyFirst means that a ready one is next.
	unserved, readyFirst bool
	idle                 sync.WaitGroup
}

// task is one operation of this process.
type task struct {
	key
	isHeld   bool
	worker   chan struct{} // gets one when a worker takes it up again
	replaced chan struct{} // gets one when another operation has replaced it
}

func newWorkers(size, room int) *workers {
	return &workers{size: size, room: room, tasks: map[key]*task{}, busy: map[string]int{}, ready: map[string][]*task{}}
}

// take selects, of documents in the order in which they became due, as many as workers are free:
// repeatedly the first one of the partition with the fewest running operations. A document that is
// here already is not taken again until it is done.
func (w *workers) take(due []key) (taken []*task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.running < w.size {
		var best *key
		for i, k := range due {
			if w.tasks[k] == nil && (best == nil || w.busy[k.partition] < w.busy[best.partition]) {
				best = &due[i]
			}
		}
		if best == nil {
			break
		}
		t := &task{key: *best, worker: make(chan struct{}, 1), replaced: make(chan struct{}, 1)}
		w.tasks[t.key] = t
		w.occupy(t)
		w.idle.Add(1)
		w.readyFirst = true
		taken = append(taken, t)
	}
	return taken
}

func (w *workers) occupy(t *task) {
	w.running++
	w.busy[t.partition]++
}

func (w *workers) free(t *task) {
	w.running--
	if w.busy[t.partition]--; w.busy[t.partition] == 0 {
		delete(w.busy, t.partition)
	}
}

// allBusy reports whether no worker is free. One of the next free workers is then reserved for new
// work.
func (w *workers) allBusy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running < w.size {
		return false
	}
	w.unserved = true
	return true
}

// hold frees the worker of t, which stays here, if there is room. It reports whether to look for
// new work.
func (w *workers) hold(t *task) (ok, look bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held >= w.room {
		return false, false
	}
	w.held++
	t.isHeld = true
	w.free(t)
	return true, w.serve()
}

// resume waits until a worker is free for t. After that time it returns errNoWorker, because
// another process may have a free one.
func (w *workers) resume(ctx context.Context, t *task, within time.Duration) (look bool, err error) {
	w.mu.Lock()
	w.ready[t.partition] = append(w.ready[t.partition], t)
	look = w.serve()
	w.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-t.worker:
		return look, nil
	case <-ctx.Done():
		return look, context.Cause(ctx)
	case <-timer.C:
		return look, w.giveUp(t)
	}
}

// giveUp removes t from those that need a worker, unless it has just got one.
func (w *workers) giveUp(t *task) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !t.isHeld {
		return nil
	}
	w.leave(t)
	return errNoWorker
}

// serve assigns free workers to ready operations, except one that is reserved for new work. It
// reports whether to look for new work.
func (w *workers) serve() (look bool) {
	for w.running < w.size && len(w.ready) > 0 && (!w.unserved || w.readyFirst) {
		t := w.nextReady()
		w.leave(t)
		w.held--
		t.isHeld = false
		w.occupy(t)
		w.readyFirst = false
		t.worker <- struct{}{}
	}
	return w.unserved && w.running < w.size
}

// nextReady returns the first operation of the partition with the fewest running ones.
func (w *workers) nextReady() *task {
	best, found := "", false
	for partition := range w.ready {
		if !found || w.busy[partition] < w.busy[best] {
			best, found = partition, true
		}
		if w.busy[best] == 0 {
			break // there may be thousands
		}
	}
	return w.ready[best][0]
}

// leave removes t, if present, from the ready operations.
func (w *workers) leave(t *task) {
	line := w.ready[t.partition]
	if i := slices.Index(line, t); i >= 0 {
		line = slices.Delete(line, i, i+1)
	}
	if w.ready[t.partition] = line; len(line) == 0 {
		delete(w.ready, t.partition)
	}
}

// noneDue records that no new work is left.
func (w *workers) noneDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unserved = false
	w.serve()
}

// done removes t. It reports whether to look for new work.
func (w *workers) done(t *task) (look bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.isHeld {
		w.leave(t) // it may have given up waiting for a worker
		w.held--
	} else {
		w.free(t)
	}
	delete(w.tasks, t.key)
	w.idle.Done()
	return w.serve()
}

// notify makes the operation of a document, if it is here, check whether another one has replaced
// it.
func (w *workers) notify(k key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tasks[k]; t != nil {
		select {
		case t.replaced <- struct{}{}:
		default:
		}
	}
}

func (w *workers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tasks)
}

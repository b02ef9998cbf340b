package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// key is where a document is.
type key struct{ partition, id string }

// errNoWorker means that an operation may continue and no worker was free for long.
var errNoWorker = errors.New("no worker is free")

// workers counts the operations of this process, in all and for each partition: those
// that run, each on a worker, and those that are held, which need none until their
// next attempt.
type workers struct {
	mu sync.Mutex
	// size is how many workers there are, room how many operations may be held.
	size, room int
	tasks      map[key]*task
	running    int
	busy       map[string]int // running, by partition
	held       int
	// ready are held and want a worker: by partition, the longest waiting first.
	ready map[string][]*task
	// unserved: there may be new work in the database that found no worker. It and those
	// that are ready are served in turn; readyFirst says that it is the turn of the ready.
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

// take chooses, of documents in the order they became due, as many as there are free
// workers: again and again the first one of the partition that has the least running.
// A document that is here already is not taken again until it is done.
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

// allBusy reports whether no worker is free. Then one of the next is for new work.
func (w *workers) allBusy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running < w.size {
		return false
	}
	w.unserved = true
	return true
}

// hold frees the worker of t, which stays here, if there is room. It reports whether
// new work is to be looked for.
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

// resume waits until a worker is free for t. After that time it gives up with
// errNoWorker, for another process may have one.
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

// giveUp takes t out of those that want a worker, unless it got one just now.
func (w *workers) giveUp(t *task) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !t.isHeld {
		return nil
	}
	w.leave(t)
	return errNoWorker
}

// serve gives free workers to those that are ready, but for one that is for new work.
// It reports whether new work is to be looked for.
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

// nextReady is the first of the partition that has the least running.
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

// leave takes t, if it is there, out of those that are ready.
func (w *workers) leave(t *task) {
	line := w.ready[t.partition]
	if i := slices.Index(line, t); i >= 0 {
		line = slices.Delete(line, i, i+1)
	}
	if w.ready[t.partition] = line; len(line) == 0 {
		delete(w.ready, t.partition)
	}
}

// noneDue says that no new work is left.
func (w *workers) noneDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unserved = false
	w.serve()
}

// done forgets t. It reports whether new work is to be looked for.
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

// notify makes the operation of a document, if it is here, look whether another one has
// replaced it.
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

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	codes "modernc.org/sqlite/lib"

	"github.com/aro-rp/aro/store"
)

const (
	// batchLimit bounds a transaction, and so how long a write waits.
	batchLimit = 256
	// lockWait is how long another process may lock the file.
	lockWait = 10 * time.Second
	// A process that writes continuously yields to others once per courtesyEvery
	// for courtesy; they poll the lock every lockPoll.
	courtesyEvery = 25 * time.Millisecond
	courtesy      = time.Millisecond
	lockPoll      = 500 * time.Microsecond
	// batchWait is how long renewals wait for others to share a transaction, if
	// nothing else is to be written.
	batchWait = 50 * time.Millisecond
)

var errClosed = errors.New("database is closed")

// writer owns the one connection that writes. It combines concurrent writes into
// one transaction, because syncing the disk is most of a write's cost.
type writer struct {
	clock  clock
	db     *sql.DB
	conn   *sql.Conn
	tables map[string]*statements
	// reserve, begin, commit and rollback are the statements of the transaction.
	reserve, begin, commit, rollback *sql.Stmt
	// pad and unpad are those of Ping.
	pad, unpad *sql.Stmt

	queue  chan *write
	closed chan struct{}
	once   sync.Once
	ended  chan struct{}
	// yielded is when the writer last yielded to others.
	yielded time.Time
}

// stamp is the version and the time that a write gets from its transaction.
type stamp struct{ version, now int64 }

// write is one queued write. act runs in the transaction, in statements that either
// take effect or fail as a whole.
type write struct {
	ctx   context.Context
	table *statements
	act   func(*statements, stamp) error
	done  chan error
	// patient writes can wait for a larger batch.
	patient bool
}

func openWriter(ctx context.Context, source string, clock clock) (_ *writer, err error) {
	w := &writer{
		clock:  clock,
		tables: map[string]*statements{},
		queue:  make(chan *write, batchLimit),
		closed: make(chan struct{}),
		ended:  make(chan struct{}),
	}
	if w.db, err = sql.Open("sqlite", source); err != nil {
		return nil, err
	}
	if err = w.prepare(ctx); err != nil {
		_ = w.db.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

func (w *writer) prepare(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if err = migrate(ctx, w.conn); err != nil {
		return err
	}
	// From here on run waits for locks itself: the delays of SQLite's own waiting become too
	// long.
	if _, err = w.conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	for query, into := range map[string]**sql.Stmt{
		"BEGIN IMMEDIATE": &w.begin,
		"COMMIT":          &w.commit,
		"ROLLBACK":        &w.rollback,
		"UPDATE sequence SET last = last + ?1 RETURNING last - ?1": &w.reserve,
		"INSERT INTO ping VALUES (zeroblob(?1))":                   &w.pad,
		"DELETE FROM ping":                                         &w.unpad,
	} {
		if *into, err = w.conn.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	for _, c := range store.Containers() {
		if w.tables[c.Name], err = prepareTable(ctx, w.conn, c); err != nil {
			return err
		}
	}
	return nil
}

// put writes r with act and returns the written record.
func (w *writer) put(ctx context.Context, c *store.Container, r store.Record, act func(*statements, stamp) error) (store.Record, error) {
	var at stamp
	err := w.do(ctx, c, func(t *statements, s stamp) error {
		at = s
		return t.unique(r.Partition, s, act)
	})
	if err != nil {
		return store.Record{}, err
	}
	r.ETag, r.WrittenAt = strconv.FormatInt(at.version, 10), time.UnixMilli(at.now).UTC()
	return r, nil
}

// putSealed is put with the record's secrets: both are written or neither is.
func (w *writer) putSealed(ctx context.Context, c *store.Container, r store.Record, act func(*statements, stamp) error) (store.Record, error) {
	return w.put(ctx, c, r, func(t *statements, at stamp) error {
		if err := act(t, at); err != nil {
			return err
		}
		if err := t.keepSecrets(r); err != nil {
			return &halfError{err}
		}
		return nil
	})
}

// halfError means that a part of a write has taken effect. The other part fails only
// if the database does, so the whole transaction is rolled back.
type halfError struct{ error }

func (e *halfError) Unwrap() error { return e.error }

// do runs act in a transaction and returns when it is durable.
func (w *writer) do(ctx context.Context, c *store.Container, act func(*statements, stamp) error) error {
	return w.enqueue(&write{ctx: ctx, table: w.tables[c.Name], act: act, done: make(chan error, 1)})
}

// doPatiently is do for a write that can wait for a larger batch.
func (w *writer) doPatiently(ctx context.Context, c *store.Container, act func(*statements, stamp) error) error {
	return w.enqueue(&write{ctx: ctx, table: w.tables[c.Name], act: act, done: make(chan error, 1), patient: true})
}

func (w *writer) enqueue(p *write) error {
	ctx := p.ctx
	select {
	case w.queue <- p:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-w.closed:
		return unavailable(errClosed)
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-w.ended:
	}
	select { // the last batch may have included the write
	case err := <-p.done:
		return err
	default:
		return unavailable(errClosed)
	}
}

// close waits for the running batch; queued writes fail. It writes the write-ahead log
// to the file, unless other processes use it, so that one file is complete.
func (w *writer) close() error {
	w.once.Do(func() { close(w.closed) })
	<-w.ended
	_, err := w.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	return errors.Join(err, w.conn.Close(), w.db.Close())
}

func (w *writer) run() {
	defer close(w.ended)
	batch := make([]*write, 0, batchLimit)
	for {
		select {
		case <-w.closed:
			return
		case first := <-w.queue:
			batch = w.linger(w.gather(append(batch[:0], first)))
		}
		outcomes, err := w.transact(batch)
		for i, p := range batch {
			if err != nil {
				p.done <- unavailable(err)
			} else {
				p.done <- outcomes[i]
			}
		}
		clear(batch)
		w.yield()
	}
}

// gather adds the queued writes.
func (w *writer) gather(batch []*write) []*write {
	for len(batch) < batchLimit {
		select {
		case p := <-w.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// linger waits for more writes while all of the batch are patient.
func (w *writer) linger(batch []*write) []*write {
	var timer <-chan time.Time
	for seen := 0; len(batch) < batchLimit; {
		for ; seen < len(batch); seen++ {
			if !batch[seen].patient {
				return batch
			}
		}
		if timer == nil {
			timer = time.After(batchWait)
		}
		select {
		case p := <-w.queue:
			batch = w.gather(append(batch, p))
		case <-timer:
			return batch
		case <-w.closed:
			return batch
		}
	}
	return batch
}

// yield lets other processes lock the file if this one has more to write.
func (w *writer) yield() {
	if len(w.queue) == 0 {
		w.yielded = time.Now()
	} else if time.Since(w.yielded) > courtesyEvery {
		time.Sleep(courtesy)
		w.yielded = time.Now()
	}
}

// transact runs the batch in one transaction. Its error means that nothing was
// written, or that the outcome is unknown; otherwise outcomes has the error of each
// write.
func (w *writer) transact(batch []*write) (outcomes []error, err error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_, _ = w.rollback.Exec()
		}
	}()
	at := stamp{now: w.clock.millis()}
	if err := w.reserve.QueryRow(len(batch)).Scan(&at.version); err != nil {
		return nil, fmt.Errorf("reserve versions: %w", err)
	}
	outcomes = make([]error, len(batch))
	for i, p := range batch {
		at.version++
		if err := p.ctx.Err(); err != nil {
			outcomes[i] = unavailable(err)
			continue
		}
		err := p.act(p.table, at)
		if half := (*halfError)(nil); errors.As(err, &half) {
			return nil, half.error
		}
		outcomes[i] = fault(err)
	}
	if _, err := w.commit.Exec(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return outcomes, nil
}

// lock begins a transaction as soon as no other process has one.
func (w *writer) lock() error {
	for end := time.Now().Add(lockWait); ; time.Sleep(lockPoll) {
		_, err := w.begin.Exec()
		if err == nil || code(err) != codes.SQLITE_BUSY || time.Now().After(end) {
			return err
		}
		select {
		case <-w.closed:
			return errClosed
		default:
		}
	}
}

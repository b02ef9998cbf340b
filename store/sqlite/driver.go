// Package sqlite stores documents in one SQLite file: the embedded default, for
// laptops, tests and small sites. Several processes on one machine may share the
// file; their clock is the database's clock.
//
// Writes are durable when they return: the file survives kill -9 and loss of power.
// It knows containers and records and does not interpret documents.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	codes "modernc.org/sqlite/lib"

	"github.com/aro-rp/aro/store"
)

const (
	purgeEvery = 30 * time.Second
	// A clock that was set back leaves documents with times in the future. Those
	// ahead by more than clockSlack are found within restampEvery.
	restampEvery = 5 * time.Second
	clockSlack   = time.Second
	// A start waits for locks of other processes in attempts, for startPatience in sum, and a
	// read for readWait.
	startPatience = time.Minute
	attempt       = time.Second
	readWait      = 10 * time.Second
	// purgeBatch bounds how long other writers wait for a purge.
	purgeBatch = 500
	// pingPad is the number of bytes that Ping writes.
	pingPad = 64 << 10
)

// driver is a store.Driver on one file.
type driver struct {
	readers *sql.DB
	reads   map[string]*sql.Stmt // by container
	bodies  map[string]*sql.Stmt // reads without secrets
	writer  *writer
	clock   clock

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the database at path, creates it if it does not exist, and migrates it
// to this release's schema. It rejects files of other programs and of newer
// releases. While other processes keep the file locked, as the recovery of a large log on a
// slow disk does, it waits for up to a minute.
func Open(ctx context.Context, path string) (store.Driver, error) {
	k, err := openUnlocked(ctx, path, startPatience)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, explain(err))
	}
	return k, nil
}

func openUnlocked(ctx context.Context, path string, patience time.Duration) (*driver, error) {
	for end := time.Now().Add(patience); ; {
		k, err := open(ctx, path, time.Now)
		if err == nil || code(err) != codes.SQLITE_BUSY || time.Now().After(end) || ctx.Err() != nil {
			return k, err
		}
		slog.WarnContext(ctx, "other processes keep the database locked: waiting", "database", path, "error", err)
	}
}

// clock is the wall clock of the machine, which all processes of a file share. It
// may be set back.
type clock func() time.Time

func (c clock) millis() int64 { return c().UnixMilli() }

func open(ctx context.Context, path string, clock clock) (_ *driver, err error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	k := &driver{reads: map[string]*sql.Stmt{}, bodies: map[string]*sql.Stmt{}, clock: clock}
	defer func() {
		if err != nil {
			_ = k.Close()
		}
	}()
	// The writer comes first: it creates the tables for which readers prepare
	// statements.
	if k.writer, err = openWriter(ctx, source(path, attempt, "_pragma=synchronous(FULL)"), clock); err != nil {
		return nil, err
	}
	if k.readers, err = sql.Open("sqlite", source(path, readWait, "_pragma=query_only(1)")); err != nil {
		return nil, err
	}
	connections := 2 * runtime.GOMAXPROCS(0)
	k.readers.SetMaxOpenConns(connections)
	k.readers.SetMaxIdleConns(connections)
	for _, c := range store.Containers() {
		for secrets, into := range map[bool]map[string]*sql.Stmt{true: k.reads, false: k.bodies} {
			query := "SELECT " + content(c, secrets) + " FROM " + c.Name + " AS d WHERE partition = ?1 AND id = ?2 AND " + live("?3")
			if into[c.Name], err = k.readers.PrepareContext(ctx, query); err != nil {
				return nil, err
			}
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = stop
	k.done.Go(func() { every(background, purgeEvery, "expired documents stay for now", k.purgeContainer) })
	k.done.Go(func() { every(background, restampEvery, "a clock that was set back holds up work", k.restamp) })
	return k, nil
}

// touch creates the file with access for its owner only; SQLite uses the same mode
// for its side files.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// source returns the driver's name of the database. Connections wait for each other for
// the given time. The write-ahead log may grow to 16 MB before it is written
// to the file: pages shared by many renewals of leases are then written once.
func source(path string, wait time.Duration, pragma string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(" + strconv.FormatInt(wait.Milliseconds(), 10) + ")&_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(4000)&" + pragma
}

// live returns the condition that a document has not expired at that time.
func live(now string) string { return "(expires_at IS NULL OR expires_at > " + now + ")" }

func (k *driver) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	put := k.writer.put
	if len(r.Secrets) > 0 {
		put = k.writer.putSealed
	}
	return put(ctx, c, r, func(t *statements, at stamp) error {
		_, err := t.insert.Exec(r.Partition, r.ID, at.now, at.version, string(r.Body), ttl(c))
		return err
	})
}

func (k *driver) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	current := version(r.ETag)
	put := k.writer.putSealed
	if r.SecretsKept {
		put = k.writer.put
	}
	return put(ctx, c, r, func(t *statements, at stamp) error {
		return t.guarded(t.update, r.Partition, r.ID, at.now, current, string(r.Body), ttl(c), at.version)
	})
}

func (k *driver) Delete(ctx context.Context, c *store.Container, partition, id, etag string) error {
	current := version(etag)
	return k.writer.do(ctx, c, func(t *statements, at stamp) error {
		return t.guarded(t.delete, partition, id, at.now, current)
	})
}

func (k *driver) Postpone(ctx context.Context, c *store.Container, r store.Record, after time.Duration) (store.Record, error) {
	current := version(r.ETag)
	err := k.writer.doPatiently(ctx, c, func(t *statements, at stamp) error {
		for _, renew := range []*sql.Stmt{t.renew, t.renewFirst} {
			result, err := renew.Exec(r.Partition, r.ID, at.now, current, after.Milliseconds())
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 1 {
				return err
			}
		}
		// Another worker may claim an expired lease at any moment: that needs a new
		// version.
		err := t.guarded(t.postpone, r.Partition, r.ID, at.now, current, after.Milliseconds(), after.Seconds(), at.version)
		if err == nil {
			r.ETag, r.WrittenAt = strconv.FormatInt(at.version, 10), time.UnixMilli(at.now).UTC()
		}
		return err
	})
	return r, err
}

// version returns the version of an ETag; 0, which no document has, for an invalid one.
func version(etag string) int64 {
	n, err := strconv.ParseInt(etag, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (k *driver) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	return k.read(ctx, k.reads[c.Name], partition, id)
}

func (k *driver) ReadBody(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	return k.read(ctx, k.bodies[c.Name], partition, id)
}

func (k *driver) read(ctx context.Context, query *sql.Stmt, partition, id string) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, unavailable(err)
	}
	// A read of one row does not justify a goroutine that watches the context.
	r := store.Record{Partition: partition, ID: id}
	err := scanContent(query.QueryRow(partition, id, k.clock.millis()), &r)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Record{}, store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, unavailable(err)
	}
	return r, nil
}

// body takes the bytes that the driver copied out of SQLite. Otherwise database/sql
// would copy them again, for drivers that do not copy.
type body []byte

// Scan implements sql.Scanner.
func (b *body) Scan(value any) error {
	bytes, ok := value.([]byte)
	if !ok && value != nil {
		return fmt.Errorf("a column is a %T", value)
	}
	*b = bytes
	return nil
}

// Ping writes a pad of the size of a large document and removes it afterwards. It
// detects a full disk: the pad uses pages of its own.
func (k *driver) Ping(ctx context.Context) error {
	err := k.writer.do(ctx, store.Containers()[0], func(*statements, stamp) error {
		_, err := k.writer.pad.Exec(pingPad)
		return err
	})
	if err != nil {
		return err
	}
	return k.writer.do(ctx, store.Containers()[0], func(*statements, stamp) error {
		_, err := k.writer.unpad.Exec()
		return err
	})
}

func (k *driver) Close() error {
	if k.stop != nil {
		k.stop()
	}
	k.done.Wait()
	var errs []error
	if k.readers != nil {
		errs = append(errs, k.readers.Close())
	}
	if k.writer != nil {
		errs = append(errs, k.writer.close())
	}
	return errors.Join(errs...)
}

// every calls a function for each container periodically; complaint is the log
// message of a failure.
func every(ctx context.Context, period time.Duration, complaint string, look func(context.Context, *store.Container) error) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		for _, c := range store.Containers() {
			if err := look(ctx, c); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, complaint, "container", c.Name, "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// restamp adjusts leases and delays after the clock was set back. A document with a
// write time in the future is due as long from now as it was from its last write:
// no lease ends early, and none lasts longer than after a write of now. Contents
// and ETags are unchanged.
func (k *driver) restamp(ctx context.Context, c *store.Container) error {
	var ahead bool
	query := "SELECT EXISTS (SELECT 1 FROM " + c.Name + " WHERE due_at IS NOT NULL AND written_at > ?1)" +
		" OR EXISTS (SELECT 1 FROM " + c.Name + "_renewals WHERE written_at > ?1)"
	err := k.readers.QueryRowContext(ctx, query, k.clock().Add(clockSlack).UnixMilli()).Scan(&ahead)
	if err != nil || !ahead {
		return err
	}
	return k.writer.do(ctx, c, func(t *statements, at stamp) error {
		_, err := t.restamp.Exec(at.now, at.now+clockSlack.Milliseconds())
		if err == nil {
			_, err = t.restampRenewals.Exec(at.now, at.now+clockSlack.Milliseconds())
		}
		return err
	})
}

// purgeContainer removes expired documents, which reads ignore.
func (k *driver) purgeContainer(ctx context.Context, c *store.Container) error {
	for more := true; more; {
		due, err := k.expired(ctx, c)
		if err != nil || !due {
			return err
		}
		err = k.writer.do(ctx, c, func(t *statements, at stamp) error {
			result, err := t.purge.Exec(at.now, purgeBatch)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			more = n == purgeBatch
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expired reports whether there is anything to purge, without a write.
func (k *driver) expired(ctx context.Context, c *store.Container) (yes bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM " + c.Name + " WHERE expires_at <= ?)"
	err = k.readers.QueryRowContext(ctx, query, k.clock.millis()).Scan(&yes)
	return yes, err
}

// ttl returns the container's time to live in seconds, nil if it has none.
func ttl(c *store.Container) any {
	if c.TTL == 0 {
		return nil
	}
	return int64(c.TTL / time.Second)
}

func unavailable(err error) error { return &store.UnavailableError{Cause: err} }

// Package sqlite keeps documents in one SQLite file: the embedded default, for
// laptops, tests and small sites. Several processes may share the file on one
// machine; their clock is the database's clock.
//
// Writes are durable when they return: the file survives kill -9 and loss of
// power. It knows containers and records, never what a document means.
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

	"github.com/aro-rp/aro/store"
)

const (
	purgeEvery = 30 * time.Second
	// purgeBatch bounds how long other writers wait for a purge.
	purgeBatch = 500
)

// keeper is a store.Keeper on one file.
type keeper struct {
	readers *sql.DB
	reads   map[string]*sql.Stmt // by container
	writer  *writer

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the database at path, creates it if there is none, and brings it to
// this release's schema. It refuses files that are not ours or of a newer release.
func Open(ctx context.Context, path string) (store.Keeper, error) {
	k, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, explain(err))
	}
	return k, nil
}

func open(ctx context.Context, path string) (_ *keeper, err error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	k := &keeper{reads: map[string]*sql.Stmt{}}
	defer func() {
		if err != nil {
			_ = k.Close()
		}
	}()
	// The writer comes first: it makes the tables that readers prepare for.
	if k.writer, err = openWriter(ctx, source(path, "_pragma=synchronous(FULL)")); err != nil {
		return nil, err
	}
	if k.readers, err = sql.Open("sqlite", source(path, "_pragma=query_only(1)")); err != nil {
		return nil, err
	}
	connections := 2 * runtime.GOMAXPROCS(0)
	k.readers.SetMaxOpenConns(connections)
	k.readers.SetMaxIdleConns(connections)
	for _, c := range store.Containers() {
		query := "SELECT version, written_at, CAST(body AS BLOB) FROM " + c.Name + " WHERE partition = ?1 AND id = ?2 AND " + live("?3")
		if k.reads[c.Name], err = k.readers.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = stop
	k.done.Go(func() { k.purge(background) })
	return k, nil
}

// touch creates the file so that only its owner can read it; SQLite gives its
// side files the same mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// source is the driver's name of the database. Connections wait up to ten
// seconds for each other.
func source(path, pragma string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&" + pragma
}

// live is the condition that a document has not expired at that time.
func live(now string) string { return "(expires_at IS NULL OR expires_at > " + now + ")" }

func (k *keeper) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	return k.writer.put(ctx, c, r, func(t *statements, at stamp) error {
		_, err := t.insert.Exec(r.Partition, r.ID, at.now, at.version, string(r.Body), ttl(c))
		return err
	})
}

func (k *keeper) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	current := version(r.ETag)
	return k.writer.put(ctx, c, r, func(t *statements, at stamp) error {
		return t.guarded(t.update, r.Partition, r.ID, at.now, current, string(r.Body), ttl(c), at.version)
	})
}

func (k *keeper) Delete(ctx context.Context, c *store.Container, partition, id, etag string) error {
	current := version(etag)
	return k.writer.do(ctx, c, func(t *statements, at stamp) error {
		return t.guarded(t.delete, partition, id, at.now, current)
	})
}

// version is what an ETag stands for; what is no ETag of ours is 0, which no document has.
func version(etag string) int64 {
	n, err := strconv.ParseInt(etag, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (k *keeper) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, unavailable(err)
	}
	r := store.Record{Partition: partition, ID: id}
	var version, writtenAt int64
	// A read of one row is not worth a goroutine that watches the context.
	err := k.reads[c.Name].QueryRow(partition, id, time.Now().UnixMilli()).Scan(&version, &writtenAt, (*body)(&r.Body))
	if errors.Is(err, sql.ErrNoRows) {
		return store.Record{}, store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, unavailable(err)
	}
	r.ETag, r.WrittenAt = strconv.FormatInt(version, 10), time.UnixMilli(writtenAt).UTC()
	return r, nil
}

// body takes the bytes that the driver copied out of SQLite. Without it
// database/sql would copy them once more, to be safe from drivers that do not.
type body []byte

// Scan implements sql.Scanner.
func (b *body) Scan(value any) error {
	bytes, ok := value.([]byte)
	if !ok {
		return fmt.Errorf("body is a %T", value)
	}
	*b = bytes
	return nil
}

// Ping writes, durably: a full disk is found out here.
func (k *keeper) Ping(ctx context.Context) error {
	return k.writer.do(ctx, store.Containers()[0], func(*statements, stamp) error { return nil })
}

func (k *keeper) Close() error {
	if k.stop != nil {
		k.stop()
	}
	k.done.Wait()
	var errs []error
	if k.writer != nil {
		errs = append(errs, k.writer.close())
	}
	if k.readers != nil {
		errs = append(errs, k.readers.Close())
	}
	return errors.Join(errs...)
}

// purge removes expired documents, which nobody sees any more, now and then.
func (k *keeper) purge(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		for _, c := range store.Containers() {
			if err := k.purgeContainer(ctx, c); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "expired documents stay for now", "container", c.Name, "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (k *keeper) purgeContainer(ctx context.Context, c *store.Container) error {
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

// expired tells whether there is anything to purge, without a write.
func (k *keeper) expired(ctx context.Context, c *store.Container) (yes bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM " + c.Name + " WHERE expires_at <= ?)"
	err = k.readers.QueryRowContext(ctx, query, time.Now().UnixMilli()).Scan(&yes)
	return yes, err
}

// ttl is the container's time to live in seconds, nil for ever.
func ttl(c *store.Container) any {
	if c.TTL == 0 {
		return nil
	}
	return int64(c.TTL / time.Second)
}

func unavailable(err error) error { return &store.UnavailableError{Cause: err} }

// Package state is the memory of the local Azure: JSON documents of several kinds
// by key, in one SQLite file. What was written survives kill -9.
//
// It knows no resource, token or blob; what a document means is its owner's affair.
package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver of sql.Open
)

const schema = `CREATE TABLE IF NOT EXISTS documents (
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID`

// DB is an open file. Its methods may be called from many goroutines.
type DB struct {
	readers, writer *sql.DB
}

// Entry is one document of a list.
type Entry struct {
	Key   string
	Value json.RawMessage
}

// Open opens the file at path and creates it if there is none.
func Open(path string) (*DB, error) {
	db, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", path, err)
	}
	return db, nil
}

func open(path string) (*DB, error) {
	// SQLite gives its side files the mode of the file.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	// With one writing connection, writers queue here and never meet a locked file.
	writer, err := sql.Open("sqlite", source(path, "&_txlock=immediate&_pragma=synchronous(NORMAL)"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	if _, err := writer.Exec(schema); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	readers, err := sql.Open("sqlite", source(path, "&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	readers.SetMaxOpenConns(4)
	readers.SetMaxIdleConns(4)
	return &DB{readers: readers, writer: writer}, nil
}

func source(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" + more
}

// Close waits for calls that run.
func (db *DB) Close() error { return errors.Join(db.readers.Close(), db.writer.Close()) }

// Get reads a document into v, which stays as it is if there is none.
func (db *DB) Get(ctx context.Context, kind, key string, v any) (found bool, err error) {
	return get(ctx, db.readers, kind, key, v)
}

// Put writes a document, whether or not it exists.
func (db *DB) Put(ctx context.Context, kind, key string, v any) error {
	return put(ctx, db.writer, kind, key, v)
}

// Delete removes a document and reports whether there was one.
func (db *DB) Delete(ctx context.Context, kind, key string) (existed bool, err error) {
	return remove(ctx, db.writer, kind, key)
}

// List returns the documents of a kind whose key begins with prefix, by key.
func (db *DB) List(ctx context.Context, kind, prefix string) ([]Entry, error) {
	return list(ctx, db.readers, kind, prefix)
}

// Update runs change; all its writes happen, or none if it fails. One change runs
// at a time, so what it reads stays true until it ends. It must use only its Tx:
// a write through the DB would wait for itself.
func (db *DB) Update(ctx context.Context, change func(*Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := change(&Tx{tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// Tx is an atomic change that is being made.
type Tx struct{ tx *sql.Tx }

// Get is as DB.Get.
func (t *Tx) Get(ctx context.Context, kind, key string, v any) (found bool, err error) {
	return get(ctx, t.tx, kind, key, v)
}

// Put is as DB.Put.
func (t *Tx) Put(ctx context.Context, kind, key string, v any) error {
	return put(ctx, t.tx, kind, key, v)
}

// Delete is as DB.Delete.
func (t *Tx) Delete(ctx context.Context, kind, key string) (existed bool, err error) {
	return remove(ctx, t.tx, kind, key)
}

// List is as DB.List.
func (t *Tx) List(ctx context.Context, kind, prefix string) ([]Entry, error) {
	return list(ctx, t.tx, kind, prefix)
}

// queries is what *sql.DB and *sql.Tx have in common.
type queries interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func get(ctx context.Context, q queries, kind, key string, v any) (bool, error) {
	var value []byte
	err := q.QueryRowContext(ctx, "SELECT value FROM documents WHERE kind = ? AND key = ?", kind, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(value, v)
	}
	if err != nil {
		return false, fmt.Errorf("state: read %s %s: %w", kind, key, err)
	}
	return true, nil
}

func put(ctx context.Context, q queries, kind, key string, v any) error {
	value, err := json.Marshal(v)
	if err == nil {
		_, err = q.ExecContext(ctx, "INSERT INTO documents (kind, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3", kind, key, string(value))
	}
	if err != nil {
		return fmt.Errorf("state: write %s %s: %w", kind, key, err)
	}
	return nil
}

func remove(ctx context.Context, q queries, kind, key string) (bool, error) {
	result, err := q.ExecContext(ctx, "DELETE FROM documents WHERE kind = ? AND key = ?", kind, key)
	if err != nil {
		return false, fmt.Errorf("state: delete %s %s: %w", kind, key, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func list(ctx context.Context, q queries, kind, prefix string) (_ []Entry, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("state: list %s %s: %w", kind, prefix, err)
		}
	}()
	// Keys hold no last code point of Unicode, so it bounds those with the prefix.
	rows, err := q.QueryContext(ctx, "SELECT key, value FROM documents WHERE kind = ? AND key >= ? AND key < ? ORDER BY key", kind, prefix, prefix+"\U0010FFFF")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	entries := []Entry{}
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Key, (*[]byte)(&e.Value)); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

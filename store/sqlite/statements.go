package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	codes "modernc.org/sqlite/lib"

	"github.com/aro-rp/aro/store"
)

// statements are the prepared writes of one container's table. Those for one
// document have its partition and id as ?1 and ?2, the time as ?3.
type statements struct {
	container *store.Container
	// insert: version, body, ttl.
	insert *sql.Stmt
	// update: the version to match, body, ttl, the new version.
	update *sql.Stmt
	// delete: the version to match.
	delete *sql.Stmt
	// postpone: the version to match, the delay in milliseconds and in seconds,
	// the new version.
	postpone *sql.Stmt
	// renew and renewFirst renew a lease that has not expired, without a new version: the
	// version to match, the unchanged delay in milliseconds.
	renew, renewFirst *sql.Stmt
	exists            *sql.Stmt
	// seal and unseal set and remove the secrets of a document, by partition and id.
	seal, unseal *sql.Stmt
	// restamp and restampRenewals take a time and a later one: what was written after
	// the later one is due as if it had been written at the first.
	restamp, restampRenewals *sql.Stmt
	// purge takes a time and how many documents to remove that expired by then.
	purge *sql.Stmt
	// evict takes a time and a partition, and removes expired documents there.
	evict *sql.Stmt
}

func prepareTable(ctx context.Context, conn *sql.Conn, c *store.Container) (*statements, error) {
	const (
		due     = "?3 + CAST(json_extract(?5, '$.due') * 1000 AS INTEGER)"
		expires = "?3 + 1000 * coalesce(json_extract(?5, '$.ttl'), ?6)"
	)
	const lasts = " AND due_at > ?3 AND due_at - written_at = ?5"
	document := " WHERE partition = ?1 AND id = ?2 AND " + live("?3")
	t := &statements{container: c}
	for query, into := range map[string]**sql.Stmt{
		"INSERT INTO " + c.Name + " (partition, id, version, written_at, due_at, expires_at, body)" +
			" VALUES (?1, ?2, ?4, ?3, " + due + ", " + expires + ", ?5)": &t.insert,
		"UPDATE " + c.Name + " SET version = ?7, written_at = ?3, due_at = " + due + ", expires_at = " + expires +
			", body = ?5" + document + " AND version = ?4": &t.update,
		"DELETE FROM " + c.Name + document + " AND version = ?4": &t.delete,
		"UPDATE " + c.Name + " SET version = ?7, written_at = ?3, due_at = ?3 + ?5," +
			" body = CASE WHEN json_valid(body) THEN json_set(body, '$.due', ?6) ELSE body END" +
			document + " AND version = ?4": &t.postpone,
		"UPDATE " + c.Name + "_renewals SET written_at = ?3, due_at = ?3 + ?5 WHERE partition = ?1 AND id = ?2" + lasts +
			" AND EXISTS (SELECT 1 FROM " + c.Name + document + " AND version = ?4)": &t.renew,
		"INSERT INTO " + c.Name + "_renewals SELECT partition, id, ?3, ?3 + ?5 FROM " + c.Name +
			document + " AND version = ?4" + lasts: &t.renewFirst,
		"SELECT EXISTS (SELECT 1 FROM " + c.Name + document + ")": &t.exists,
		"INSERT INTO " + c.Name + "_secrets (partition, id, box) VALUES (?1, ?2, ?3)" +
			" ON CONFLICT DO UPDATE SET box = excluded.box": &t.seal,
		"DELETE FROM " + c.Name + "_secrets WHERE partition = ?1 AND id = ?2": &t.unseal,
		"UPDATE " + c.Name + " SET due_at = due_at - written_at + ?1, written_at = ?1" +
			" WHERE due_at IS NOT NULL AND written_at > ?2": &t.restamp,
		"UPDATE " + c.Name + "_renewals SET due_at = due_at - written_at + ?1, written_at = ?1 WHERE written_at > ?2": &t.restampRenewals,
		"DELETE FROM " + c.Name + " WHERE rowid IN" +
			" (SELECT rowid FROM " + c.Name + " WHERE expires_at <= ?1 LIMIT ?2)": &t.purge,
		// The plus makes SQLite read the index of expiry times instead of the partition.
		"DELETE FROM " + c.Name + " WHERE expires_at <= ?1 AND +partition = ?2": &t.evict,
	} {
		var err error
		if *into, err = conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// guarded runs a write that has to match a version of one document, and returns why
// it matched none. The first three arguments are partition, id and time.
func (t *statements) guarded(s *sql.Stmt, args ...any) error {
	result, err := s.Exec(args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var exists bool
	if err := t.exists.QueryRow(args[:3]...).Scan(&exists); err != nil {
		return err
	}
	if exists {
		return store.ErrPreconditionFailed
	}
	return store.ErrNotFound
}

// keepSecrets writes the secrets of a record that was just written.
func (t *statements) keepSecrets(r store.Record) (err error) {
	if len(r.Secrets) == 0 {
		_, err = t.unseal.Exec(r.Partition, r.ID)
	} else {
		_, err = t.seal.Exec(r.Partition, r.ID, r.Secrets)
	}
	return err
}

// unique runs a write that may violate a unique constraint. If it collides with an
// expired document that is not purged yet, that is removed first.
func (t *statements) unique(partition string, at stamp, act func(*statements, stamp) error) error {
	err := act(t, at)
	violation := conflict(err, t.container)
	if violation == nil {
		return err
	}
	result, err := t.evict.Exec(at.now, partition)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return violation
	}
	err = act(t, at)
	if violation := conflict(err, t.container); violation != nil {
		return violation
	}
	return err
}

// fault wraps temporary failures of the database in an UnavailableError. Errors
// that the store handles, and those that only a bug can cause, are returned
// unchanged.
func fault(err error) error {
	known := err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrPreconditionFailed) ||
		errors.As(err, new(*store.ConflictError))
	if known {
		return err
	}
	switch code(err) {
	case codes.SQLITE_ERROR, codes.SQLITE_CONSTRAINT, codes.SQLITE_MISUSE, codes.SQLITE_RANGE:
		return fmt.Errorf("sqlite: %w", err)
	}
	return unavailable(err)
}

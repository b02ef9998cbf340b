package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/aro-rp/aro/store"
)

// applicationID marks a database file of this service ("ARO1").
const applicationID = 0x41524f31

// migrations[v] migrates a database from schema version v to v+1. Migrations are
// only added: a released one is never edited.
var migrations = []string{
	// The one row of sequence counts all writes; it orders them and is their ETag.
	`CREATE TABLE sequence (last INTEGER NOT NULL);
	INSERT INTO sequence VALUES (0);`,
	// Ping writes here. From this schema on secrets are bound to their places;
	// earlier releases cannot read them.
	`CREATE TABLE ping (pad BLOB);`,
	// From this schema on secrets are in tables of their own, which earlier releases
	// do not read.
	``,
	// From this schema on renewals have the due time of documents whose due_at is
	// null.
	``,
}

// table creates the tables of one container and of the secrets of its documents,
// which are deleted with the document. Times are milliseconds since 1970.
const table = `
CREATE TABLE IF NOT EXISTS %[1]s (
	partition  TEXT NOT NULL,
	id         TEXT NOT NULL,
	version    INTEGER NOT NULL,
	written_at INTEGER NOT NULL,
	due_at     INTEGER,
	expires_at INTEGER,
	body       TEXT NOT NULL,
	PRIMARY KEY (partition, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS %[1]s_version ON %[1]s (version);
CREATE INDEX IF NOT EXISTS %[1]s_due ON %[1]s (due_at, partition) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS %[1]s_expires ON %[1]s (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS %[1]s_secrets (
	partition  TEXT NOT NULL,
	id         TEXT NOT NULL,
	box        BLOB NOT NULL,
	PRIMARY KEY (partition, id)
);
CREATE TRIGGER IF NOT EXISTS %[1]s_no_secrets AFTER DELETE ON %[1]s BEGIN
	DELETE FROM %[1]s_secrets WHERE partition = OLD.partition AND id = OLD.id;
END;` + renewals

// renewals are leases that were renewed since their document was last written. They
// leave the document and its version unchanged, and replace its due_at: renewing a
// lease writes a few bytes, and many renewals share a page. Any write of the document
// removes its renewal. They are stored in the order of their first renewal, because
// leases of about the same time are renewed together.
const renewals = `
CREATE TABLE IF NOT EXISTS %[1]s_renewals (
	partition  TEXT NOT NULL,
	id         TEXT NOT NULL,
	written_at INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	UNIQUE (partition, id)
);
CREATE INDEX IF NOT EXISTS %[1]s_renewals_due ON %[1]s_renewals (due_at);
CREATE TRIGGER IF NOT EXISTS %[1]s_renewed AFTER INSERT ON %[1]s_renewals BEGIN
	UPDATE %[1]s SET due_at = NULL WHERE partition = NEW.partition AND id = NEW.id;
END;
CREATE TRIGGER IF NOT EXISTS %[1]s_written AFTER UPDATE OF version ON %[1]s WHEN OLD.due_at IS NULL BEGIN
	DELETE FROM %[1]s_renewals WHERE partition = OLD.partition AND id = OLD.id;
END;
CREATE TRIGGER IF NOT EXISTS %[1]s_deleted AFTER DELETE ON %[1]s WHEN OLD.due_at IS NULL BEGIN
	DELETE FROM %[1]s_renewals WHERE partition = OLD.partition AND id = OLD.id;
END;`

const uniqueIndex = `
CREATE UNIQUE INDEX IF NOT EXISTS %[1]s_unique_%[2]s ON %[1]s (partition, json_extract(body, '$.%[2]s'))
WHERE json_extract(body, '$.%[2]s') IS NOT NULL;`

// migrate migrates the database to this release's schema, in one transaction.
func migrate(ctx context.Context, conn *sql.Conn) (err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	var script strings.Builder
	for _, step := range migrations[version:] {
		script.WriteString(step)
	}
	for _, c := range store.Containers() {
		fmt.Fprintf(&script, table, c.Name)
		for _, key := range c.UniqueKeys {
			fmt.Fprintf(&script, uniqueIndex, c.Name, key)
		}
	}
	fmt.Fprintf(&script, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", applicationID, len(migrations))
	_, err = conn.ExecContext(ctx, script.String())
	return err
}

// schemaVersion rejects a database of another program or of a newer release.
func schemaVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var application, version, objects int
	err := conn.QueryRowContext(ctx, `SELECT (SELECT * FROM pragma_application_id),
		(SELECT * FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &objects)
	switch {
	case err != nil:
		return 0, err
	case objects > 0 && application != applicationID:
		return 0, errors.New("is the database of another program")
	case version > len(migrations):
		return 0, fmt.Errorf("was written by a newer release: it has schema %d, this release knows %d", version, len(migrations))
	}
	return version, nil
}

// explain returns an error that says what to do for SQLite's codes.
func explain(err error) error {
	switch code(err) {
	case codes.SQLITE_NOTADB, codes.SQLITE_CORRUPT:
		return fmt.Errorf("is not an SQLite database, or is damaged: %w", err)
	case codes.SQLITE_CANTOPEN:
		return fmt.Errorf("cannot be opened or created; does its folder exist: %w", err)
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_AUTH:
		return fmt.Errorf("is not writable for this user: %w", err)
	}
	return err
}

// code returns SQLite's primary result code, 0 if err is not SQLite's.
func code(err error) int {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// conflict converts a violated unique constraint to a ConflictError, and returns
// nil for other errors. SQLite names the index in the error's text only.
func conflict(err error, c *store.Container) *store.ConflictError {
	if code(err) != codes.SQLITE_CONSTRAINT {
		return nil
	}
	for _, key := range c.UniqueKeys {
		if strings.Contains(err.Error(), "'"+c.Name+"_unique_"+key+"'") {
			return &store.ConflictError{UniqueKey: key}
		}
	}
	return &store.ConflictError{}
}

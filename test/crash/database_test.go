package crash

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // for the database's own integrity check

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/cosmos/cosmostest"
	"github.com/aro-rp/aro/store/sqlite"
)

// database is what a fleet shares.
type database struct {
	flag string   // the value of --store
	args []string // what else the processes need for it
	keys string   // the file of the keys that seal secrets
	// open reads it beside the processes; whole is its own check of its files.
	open  func(context.Context) (store.Driver, error)
	whole func(t *testing.T)
	// still runs act while no process is inside a write; nil if writes lock out no
	// others.
	still func(t *testing.T, act func())
}

// inFile is SQLite.
func inFile(t *testing.T) database {
	path := filepath.Join(t.TempDir(), "aro.db")
	return database{flag: "sqlite:" + path, keys: path + ".keys",
		open: func(ctx context.Context) (store.Driver, error) { return sqlite.Open(ctx, path) },
		whole: func(t *testing.T) {
			t.Helper()
			var verdict string
			if err := connect(t, path).QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				t.Errorf("integrity of the database: %q, %v", verdict, err)
			}
		},
		still: func(t *testing.T, act func()) {
			t.Helper()
			conn := connect(t, path)
			if _, err := conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
			act()
			if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// connect is a connection to the file beside those of the service.
func connect(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// inCosmos is the emulator of Cosmos DB.
func inCosmos(t *testing.T) database {
	if testing.Short() {
		t.Skip("starts processes")
	}
	endpoint, key := cosmostest.Start(t)
	keys := filepath.Join(t.TempDir(), "keys")
	return database{flag: "cosmos:" + endpoint + "?database=aro", keys: keys,
		args: []string{"--encryption-keys", keys, "--cosmos-key", key},
		open: func(ctx context.Context) (store.Driver, error) {
			return cosmos.Open(ctx, cosmos.Options{Endpoint: endpoint, Database: "aro", Key: key})
		},
		whole: func(*testing.T) {}, // it has no files of ours
	}
}

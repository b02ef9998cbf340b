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
	open  func(context.Context) (store.Keeper, error)
	whole func(t *testing.T)
}

// inFile is SQLite.
func inFile(t *testing.T) database {
	path := filepath.Join(t.TempDir(), "aro.db")
	return database{flag: "sqlite:" + path, keys: path + ".keys",
		open: func(ctx context.Context) (store.Keeper, error) { return sqlite.Open(ctx, path) },
		whole: func(t *testing.T) {
			t.Helper()
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var verdict string
			if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				t.Errorf("integrity of the database: %q, %v", verdict, err)
			}
		},
	}
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
		open: func(ctx context.Context) (store.Keeper, error) {
			return cosmos.Open(ctx, cosmos.Options{Endpoint: endpoint, Database: "aro", Key: key})
		},
		whole: func(*testing.T) {}, // it has no files of ours
	}
}

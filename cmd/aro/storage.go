package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/env"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/database"
)

// storeFlags say where the database is.
type storeFlags struct {
	Store     string `env:"ARO_STORE" default:"sqlite:aro.db" help:"Database: sqlite:PATH or cosmos:ENDPOINT?database=NAME, which needs --encryption-keys."`
	CosmosKey secret `env:"ARO_COSMOS_KEY" placeholder:"KEY" help:"Key of the Cosmos DB account, for emulators and development. Default: the environment's Azure credential, which may not create databases."`
}

// openStore opens the database that --store names and puts the store on it, with
// the keys that seal its secrets, which it checks.
func (c *rpCommand) openStore(ctx context.Context) (*store.Store, *store.Keyring, error) {
	kind, location, _ := strings.Cut(c.Store, ":")
	keyFile := c.EncryptionKeys
	if keyFile == "" && kind == "sqlite" && !c.Production {
		keyFile = location + ".keys"
	}
	if keyFile == "" && (kind == "sqlite" || kind == "cosmos") {
		return nil, nil, c.keysMissing(kind)
	}
	keeper, err := c.open(ctx, c.Production, c.service())
	if err != nil {
		return nil, nil, err
	}
	keys, err := c.readKeys(ctx, keyFile, keeper)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %w", err), keeper.Close())
	}
	documents := store.New(keeper, keys)
	if err := documents.CheckKeys(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %s: %w", keyFile, err), documents.Close())
	}
	return documents, keys, nil
}

// readKeys reads the keyring from the vault or a file, and lets it follow the
// keys that come there later. Outside production it makes them for a database that
// is empty.
func (c *rpCommand) readKeys(ctx context.Context, source string, keeper store.Keeper) (*store.Keyring, error) {
	read := func(context.Context) ([]byte, error) { return os.ReadFile(source) }
	if name, ok := strings.CutPrefix(source, env.InVault); ok {
		read = func(ctx context.Context) ([]byte, error) {
			text, err := c.vault.Text(ctx, name)
			return []byte(text), err
		}
	}
	text, err := read(ctx)
	if errors.Is(err, os.ErrNotExist) && !c.Production {
		text, err = firstKeys(ctx, source, keeper)
	}
	if err != nil {
		return nil, err
	}
	keys, err := store.ParseKeyring(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	keys.Follow(read)
	return keys, nil
}

// reportUnreadable counts and logs the documents that cannot be read. Those that are
// due are met again at least every ten minutes, so the count goes on rising while one
// is left, which is for alerts.
func reportUnreadable(documents *store.Store, metrics prometheus.Registerer, log *slog.Logger) error {
	met := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aro_store_unreadable_documents_total",
		Help: "Times that a document was met that cannot be read, by container and by where it was met; due ones were set aside.",
	}, []string{"container", "met"})
	documents.Observe(func(ctx context.Context, at store.Sighting, e *store.UnreadableError) {
		met.WithLabelValues(e.Container, string(at)).Inc()
		level := slog.LevelDebug // customers make it happen, as often as they like
		if at == store.DueSighting {
			level = slog.LevelError
		}
		log.Log(ctx, level, "document cannot be read", "met", at, "container", e.Container, "partition", e.Partition, "id", e.ID, "reason", e.Reason)
	})
	for _, c := range store.Containers() { // so that an alert sees the first one rise from 0
		met.WithLabelValues(c.Name, string(store.DueSighting))
	}
	return metrics.Register(met)
}

// renewEvery is how long a process may go on sealing with a key that is not the
// newest. One that it does not know it looks for at once.
const renewEvery = 5 * time.Minute

// renewKeys reads the keys anew from time to time, until ctx ends.
func renewKeys(ctx context.Context, keys *store.Keyring, log *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(renewEvery):
		}
		if err := keys.Renew(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "encryption keys not renewed, the old ones serve on", "error", err)
		}
	}
}

// keysMissing says what file is wanted where there is no default.
func (c *rpCommand) keysMissing(kind string) error {
	if c.Production {
		return errors.New("--encryption-keys is missing: production needs a file with one base64 key of 32 bytes a line, newest first")
	}
	return fmt.Errorf("--encryption-keys is missing: %s: has no default for it. Name a file that all processes on this database share; it is made if absent", kind)
}

// open opens the database. In production the deployment creates Cosmos DB's
// containers; the service has no right to.
func (f *storeFlags) open(ctx context.Context, production bool, credential azcore.TokenCredential) (store.Keeper, error) {
	return database.Open(ctx, database.Options{Name: f.Store, CosmosKey: model.Secret(f.CosmosKey), Credential: credential, Prepare: !production, Production: production})
}

// firstKeys makes the keys of an empty database. For another one new keys would open
// nothing and hide what was lost.
func firstKeys(ctx context.Context, source string, keeper store.Keeper) ([]byte, error) {
	used, err := store.HasDocuments(ctx, keeper)
	if err != nil {
		return nil, err
	}
	if !used {
		return createKeys(source)
	}
	text, err := os.ReadFile(source) // another process may have made both since
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: the database has documents already, which new keys would not open: put the file back, or begin with another database", err)
	}
	return text, err
}

// createKeys writes a new key file with one key, readable by its owner alone, unless
// another process has just done so: a complete file is linked into place, so that
// nobody reads half of one.
func createKeys(path string) ([]byte, error) {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	text := "# Keys that seal secrets in the database, newest first. Keep them: without them nothing opens.\n" + store.NewKey() + "\n"
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

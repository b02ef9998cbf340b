package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/database"
)

// Database configures the database.
type Database struct {
	Store     string `env:"ARO_STORE" default:"sqlite:aro.db" help:"Database: sqlite:PATH or cosmos:ENDPOINT?database=NAME, which needs --encryption-keys."`
	CosmosKey Secret `env:"ARO_COSMOS_KEY" placeholder:"KEY" help:"Key of the Cosmos DB account, for emulators and development. Default: the environment's Azure credential, which may not create databases."`
}

// Check adds what is wrong with the name of the database.
func (d *Database) Check(f *Faults, production bool) {
	o := database.Options{Name: d.Store, CosmosKey: model.Secret(d.CosmosKey), Production: production}
	if err := o.Check(); err != nil {
		f.Add("--store", "%q: %s", d.Store, err)
	}
}

// Caller is the identity and the transport of requests to Cosmos DB. The zero Caller uses
// the environment's Azure credential and the system's certificate authorities.
type Caller struct {
	Credential azcore.TokenCredential
	Transport  policy.Transporter
}

// Open opens the database. In production the deployment creates the containers of
// Cosmos DB; the service does not have permission to.
func (d *Database) Open(ctx context.Context, production bool, by Caller) (store.Driver, error) {
	return database.Open(ctx, database.Options{Name: d.Store, CosmosKey: model.Secret(d.CosmosKey), Credential: by.Credential, Transport: by.Transport, Prepare: !production, Production: production})
}

// OpenWithoutSecrets opens the database for processes that read no secrets, without keys.
// Without the key of the account it uses a role, as in production, and creates nothing.
func (d *Database) OpenWithoutSecrets(ctx context.Context) (*store.Store, error) {
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		return nil, err
	}
	driver, err := d.Open(ctx, d.CosmosKey == "", Caller{})
	if err != nil {
		return nil, err
	}
	return store.New(driver, keys), nil
}

// keyFile returns the file, or the name in the vault, of the keys; empty if there is
// none.
func (c *Config) keyFile() string {
	kind, location, _ := strings.Cut(c.Store, ":")
	if c.EncryptionKeys == "" && kind == "sqlite" && !c.Production {
		return location + ".keys"
	}
	return c.EncryptionKeys
}

// keysMissing returns why a key file is needed if there is no default.
func (c *Config) keysMissing() string {
	if c.Production {
		return "production needs a file with one base64 key of 32 bytes a line, newest first"
	}
	kind, _, _ := strings.Cut(c.Store, ":")
	return kind + ": has no default for it. Name a file that all processes on this database share; it is made if absent"
}

// openStore opens the database and the store on it, with the keys that encrypt its
// secrets, which it checks.
func openStore(ctx context.Context, cfg *Config, vault Vault, by Caller) (*store.Store, *store.Keyring, error) {
	driver, err := cfg.Open(ctx, cfg.Production, by)
	if err != nil {
		return nil, nil, err
	}
	source := cfg.keyFile()
	first := func(ctx context.Context) ([]byte, error) { return firstKeys(ctx, source, driver) }
	if cfg.Production {
		first = nil
	}
	keys, err := readKeys(ctx, source, vault, first)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %w", err), driver.Close())
	}
	documents := store.New(driver, keys)
	if err := documents.CheckKeys(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %s: %w", source, err), documents.Close())
	}
	return documents, keys, nil
}

// readKeys reads the keyring from the vault or a file, and refreshes it from there
// later. first creates the keys of a file that does not exist; nil creates none.
func readKeys(ctx context.Context, source string, vault Vault, first func(context.Context) ([]byte, error)) (*store.Keyring, error) {
	read := func(context.Context) ([]byte, error) { return os.ReadFile(source) }
	if name, ok := InVault(source); ok {
		if vault == nil {
			return nil, errors.New("this process has no service vault")
		}
		read = func(ctx context.Context) ([]byte, error) {
			text, err := vault.Text(ctx, name)
			return []byte(text), err
		}
	}
	text, err := read(ctx)
	if errors.Is(err, os.ErrNotExist) && first != nil {
		text, err = first(ctx)
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

// reportUnreadable counts and logs documents that cannot be read. A worker reads
// those that are due at least every ten minutes, so the count rises while one
// remains, which alerts depend on.
func reportUnreadable(documents *store.Store, metrics prometheus.Registerer, log *slog.Logger) error {
	met := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aro_store_unreadable_documents_total",
		Help: "Times that a document was met that cannot be read, by container and by where it was met; due ones were set aside.",
	}, []string{"container", "met"})
	documents.Observe(func(ctx context.Context, at store.Sighting, e *store.UnreadableError) {
		met.WithLabelValues(e.Container, string(at)).Inc()
		level := slog.LevelDebug // customers can cause it at any rate
		if at == store.DueSighting {
			level = slog.LevelError
		}
		log.Log(ctx, level, "document cannot be read", "met", at, "container", e.Container, "partition", e.Partition, "id", e.ID, "reason", e.Reason)
	})
	for _, c := range store.Containers() { // an alert sees the first one rise from 0
		met.WithLabelValues(c.Name, string(store.DueSighting))
	}
	return metrics.Register(met)
}

// firstKeys creates the keys of an empty database. In another one new keys would
// decrypt nothing and hide the loss of the old ones.
func firstKeys(ctx context.Context, source string, driver store.Driver) ([]byte, error) {
	used, err := store.HasDocuments(ctx, driver)
	if err != nil {
		return nil, err
	}
	if !used {
		return createKeys(source)
	}
	text, err := os.ReadFile(source) // another process may have created both
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: the database has documents already, which new keys cannot decrypt: restore the file, or use another database", err)
	}
	return text, err
}

// createKeys writes a new key file with one key, readable by its owner only, unless
// another process has just done so: a complete file is linked into place, so that no
// process reads a part of one.
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

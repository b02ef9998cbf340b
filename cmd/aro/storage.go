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
// the keys that seal its secrets.
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
	keys, err := c.readKeys(ctx, keyFile)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %w", err), keeper.Close())
	}
	return store.New(keeper, keys), keys, nil
}

// readKeys reads the keyring from the vault or a file, and lets it follow the
// keys that come there later.
func (c *rpCommand) readKeys(ctx context.Context, source string) (*store.Keyring, error) {
	read := func(context.Context) ([]byte, error) { return os.ReadFile(source) }
	if name, ok := strings.CutPrefix(source, env.InVault); ok {
		read = func(ctx context.Context) ([]byte, error) {
			text, err := c.vault.Text(ctx, name)
			return []byte(text), err
		}
	}
	text, err := read(ctx)
	if errors.Is(err, os.ErrNotExist) && !c.Production {
		text, err = createKeys(source)
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

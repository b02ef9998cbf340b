package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/sqlite"
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
	keeper, err := c.open(ctx, c.Production)
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
	if name, ok := strings.CutPrefix(source, inVault); ok {
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

// open opens the database; outside production a missing one is made.
func (f *storeFlags) open(ctx context.Context, production bool) (keeper store.Keeper, err error) {
	switch kind, location, _ := strings.Cut(f.Store, ":"); kind {
	case "sqlite":
		keeper, err = sqlite.Open(ctx, location)
	case "cosmos":
		keeper, err = f.openCosmos(ctx, location, production)
	default:
		return nil, fmt.Errorf("--store %q: use sqlite:PATH or cosmos:ENDPOINT?database=NAME", f.Store)
	}
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return keeper, nil
}

func (f *storeFlags) openCosmos(ctx context.Context, location string, production bool) (store.Keeper, error) {
	options, err := f.cosmosOptions(location, production)
	if err != nil {
		return nil, err
	}
	if options.Key == "" {
		if options.Credential, err = azidentity.NewDefaultAzureCredential(nil); err != nil {
			return nil, fmt.Errorf("credential: %w", err)
		}
	}
	keeper, err := cosmos.Open(ctx, options)
	if err != nil || production {
		return keeper, err
	}
	// In production the deployment creates the containers; the service has no right to.
	if err := keeper.Prepare(ctx); err != nil {
		if options.Key == "" {
			err = fmt.Errorf("outside production the database is made if missing, which needs --cosmos-key: %w", err)
		}
		return nil, errors.Join(err, keeper.Close())
	}
	return keeper, nil
}

// cosmosOptions reads ENDPOINT?database=NAME.
func (f *storeFlags) cosmosOptions(location string, production bool) (cosmos.Options, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return cosmos.Options{}, errors.New("use cosmos:ENDPOINT?database=NAME with an endpoint such as https://ACCOUNT.documents.azure.com")
	}
	if u.Scheme == "http" && (production || f.CosmosKey == "") {
		return cosmos.Options{}, errors.New("plain http is for emulators: not in production, and only with --cosmos-key")
	}
	database := u.Query().Get("database")
	if database == "" {
		return cosmos.Options{}, errors.New("the endpoint needs ?database=NAME")
	}
	u.RawQuery = ""
	return cosmos.Options{Endpoint: u.String(), Database: database, Key: string(f.CosmosKey)}, nil
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

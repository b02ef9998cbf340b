package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/sqlite"
)

// openStore opens the database that --store names and puts the store on it, with
// the keys that seal its secrets.
func (c *rpCommand) openStore(ctx context.Context) (*store.Store, *store.Keyring, error) {
	kind, location, _ := strings.Cut(c.Store, ":")
	keyFile := c.EncryptionKeys
	var keeper store.Keeper
	var err error
	switch kind {
	case "sqlite":
		if keyFile == "" && !c.Production {
			keyFile = location + ".keys"
		}
		keeper, err = sqlite.Open(ctx, location)
	case "cosmos":
		keeper, err = c.openCosmos(ctx, location)
	default:
		return nil, nil, fmt.Errorf("--store %q: use sqlite:PATH or cosmos:ENDPOINT?database=NAME", c.Store)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--store: %w", err)
	}
	keys, err := readKeyring(keyFile, !c.Production)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--encryption-keys: %w", err), keeper.Close())
	}
	return store.New(keeper, keys), keys, nil
}

func (c *rpCommand) openCosmos(ctx context.Context, location string) (store.Keeper, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return nil, errors.New("use cosmos:ENDPOINT?database=NAME with an https endpoint")
	}
	database := u.Query().Get("database")
	if database == "" {
		return nil, errors.New("the endpoint needs ?database=NAME")
	}
	u.RawQuery = ""
	options := cosmos.Options{Endpoint: u.String(), Database: database, Key: string(c.CosmosKey)}
	if c.CosmosKey == "" {
		if options.Credential, err = azidentity.NewDefaultAzureCredential(nil); err != nil {
			return nil, fmt.Errorf("credential: %w", err)
		}
	}
	keeper, err := cosmos.Open(ctx, options)
	if err != nil || c.Production {
		return keeper, err
	}
	// In production the deployment creates the containers; the service has no right to.
	if err := keeper.Prepare(ctx); err != nil {
		return nil, errors.Join(err, keeper.Close())
	}
	return keeper, nil
}

// readKeyring reads the keys that seal secrets. In development an absent file is
// made with one new key, readable by its owner alone.
func readKeyring(path string, create bool) (*store.Keyring, error) {
	if path == "" {
		return nil, errors.New("name a file with one base64 key of 32 bytes a line, newest first")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && create {
		text, err = createKeys(path)
	}
	if err != nil {
		return nil, err
	}
	keys, err := store.ParseKeyring(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// createKeys writes a new key file unless another process has just done so: a
// complete file is linked into place, so that nobody reads half of one.
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

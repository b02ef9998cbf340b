package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aro-rp/aro/store"
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
	// COSMOS
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

// Package documents reads the service's database for developer tools, without
// changing it. Secrets are decrypted only on request, with their keys.
package documents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/database"
)

// Flags say where the database and its keys are. The Azure flags are for keys in
// the service's vault.
type Flags struct {
	Azure login.Flags `embed:""`

	Store     string       `env:"ARO_STORE" default:"sqlite:.aro/aro.db" help:"Database: sqlite:PATH or cosmos:ENDPOINT?database=NAME."`
	CosmosKey model.Secret `env:"ARO_COSMOS_KEY" placeholder:"KEY" help:"Key of the Cosmos DB account. Default: the environment's Azure credential, such as that of az login."`
	Keys      string       `env:"ARO_ENCRYPTION_KEYS" placeholder:"FILE" help:"Keys that unseal secrets; or keyvault:NAME in the service vault. Default: SQLite's path with .keys. Read only when secrets are asked for."`
	Vault     string       `env:"ARO_SERVICE_VAULT" placeholder:"URL" help:"Key vault of the service's own secrets. Default: the local Azure's."`
}

// Open opens the database. With secrets, documents can be read with their secrets
// decrypted.
func (f Flags) Open(ctx context.Context, secrets bool) (*store.Store, error) {
	source := f.Keys
	if path, ok := strings.CutPrefix(f.Store, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil { // opening would create it
			return nil, fmt.Errorf("--store: %w", err)
		}
		source = cmp.Or(source, path+".keys")
	}
	keys := []byte(store.NewKey()) // decrypts nothing
	if secrets {
		var err error
		if keys, err = f.readKeys(ctx, source); err != nil {
			return nil, fmt.Errorf("--keys: %w", err)
		}
	}
	ring, err := store.ParseKeyring(keys)
	if err != nil {
		return nil, fmt.Errorf("--keys: %w", err)
	}
	driver, err := database.Open(ctx, database.Options{Name: f.Store, CosmosKey: f.CosmosKey})
	if err != nil {
		return nil, err
	}
	return store.New(driver, ring), nil
}

// readKeys reads the encryption keys from the source that the service uses.
func (f Flags) readKeys(ctx context.Context, source string) ([]byte, error) {
	if source == "" {
		return nil, errors.New("it is missing: name the keys that the service seals with")
	}
	name, inVault := strings.CutPrefix(source, environment.InVault)
	if !inVault {
		return os.ReadFile(source)
	}
	service, err := f.Azure.OpenService(ctx, f.Vault)
	if err != nil {
		return nil, err
	}
	vault, err := service.Keep(service.Vault)
	if err != nil {
		return nil, err
	}
	keys, err := vault.Text(ctx, name)
	return []byte(keys), err
}

// Read reads a document; secrets are decrypted if they were requested.
func Read[T any](ctx context.Context, c *store.Collection[T], partition, id string, secrets bool) (*T, error) {
	read := c.View
	if secrets {
		read = c.Get
	}
	doc, err := read(ctx, partition, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is no %q", id)
	}
	return doc, err
}

// Plain converts a document to maps, lists and text, secrets included. No other
// code of the service does so. Absent values are omitted.
func Plain(doc any) any { return plain(reflect.ValueOf(doc)) }

func plain(v reflect.Value) any {
	switch kind := v.Interface().(type) {
	case model.Secret:
		return string(kind)
	case time.Time:
		return kind.Format(time.RFC3339Nano)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Struct:
		return members(v)
	case reflect.Slice, reflect.Array:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for _, key := range v.MapKeys() {
			m[key.String()] = plain(v.MapIndex(key))
		}
		return m
	}
	return v.Interface()
}

// members returns the members of a struct, and of the structs embedded in it.
func members(v reflect.Value) map[string]any {
	m := map[string]any{}
	if unknown, ok := v.Interface().(model.Unknown); ok {
		for name, value := range unknown.CodecMissingFields() {
			m[name] = value
		}
		return m
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-" || v.Field(i).IsZero():
		case field.Anonymous && name == "":
			for n, value := range members(v.Field(i)) {
				m[n] = value
			}
		default:
			m[name] = plain(v.Field(i))
		}
	}
	return m
}

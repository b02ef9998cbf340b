// Package database opens the database of a flag. It is the only package that
// imports every driver.
package database

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/sqlite"
)

// Options configure a database.
type Options struct {
	// Name is sqlite:PATH or cosmos:ENDPOINT?database=NAME.
	Name string
	// CosmosKey is the account's key; if empty, Credential is used.
	CosmosKey model.Secret
	// Credential for Cosmos DB; nil uses the environment's Azure credential.
	Credential azcore.TokenCredential
	// Transport of the requests to Cosmos DB; nil is the default.
	Transport policy.Transporter
	// Prepare creates what does not exist in the Cosmos DB account.
	Prepare bool
	// Production rejects unencrypted connections.
	Production bool
}

// Check returns what is wrong with the name of the database.
func (o *Options) Check() error {
	switch kind, location, _ := strings.Cut(o.Name, ":"); kind {
	case "sqlite":
		if location == "" {
			return errors.New("use sqlite:PATH")
		}
	case "cosmos":
		_, err := o.cosmos(location)
		return err
	default:
		return errors.New("use sqlite:PATH or cosmos:ENDPOINT?database=NAME")
	}
	return nil
}

// Open opens the database. SQLite creates a file that does not exist.
func Open(ctx context.Context, o Options) (driver store.Driver, err error) {
	switch kind, location, _ := strings.Cut(o.Name, ":"); kind {
	case "sqlite":
		driver, err = sqlite.Open(ctx, location)
	case "cosmos":
		driver, err = o.openCosmos(ctx, location)
	default:
		err = o.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return driver, nil
}

func (o *Options) openCosmos(ctx context.Context, location string) (store.Driver, error) {
	options, err := o.cosmos(location)
	if err != nil {
		return nil, err
	}
	if options.Key == "" {
		if options.Credential, err = o.credential(); err != nil {
			return nil, fmt.Errorf("credential: %w", err)
		}
	}
	driver, err := cosmos.Open(ctx, options)
	if err != nil || !o.Prepare {
		return driver, err
	}
	if err := driver.Prepare(ctx); err != nil {
		if options.Key == "" {
			err = fmt.Errorf("outside production the database is made if missing, which needs --cosmos-key: %w", err)
		}
		return nil, errors.Join(err, driver.Close())
	}
	return driver, nil
}

func (o *Options) credential() (azcore.TokenCredential, error) {
	if o.Credential != nil {
		return o.Credential, nil
	}
	return azidentity.NewDefaultAzureCredential(nil)
}

// cosmos parses ENDPOINT?database=NAME.
func (o *Options) cosmos(location string) (cosmos.Options, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return cosmos.Options{}, errors.New("use cosmos:ENDPOINT?database=NAME with an endpoint such as https://ACCOUNT.documents.azure.com")
	}
	if u.Scheme == "http" && (o.Production || o.CosmosKey == "") {
		return cosmos.Options{}, errors.New("plain http is for emulators: not in production, and only with --cosmos-key")
	}
	name := u.Query().Get("database")
	if name == "" {
		return cosmos.Options{}, errors.New("the endpoint needs ?database=NAME")
	}
	u.RawQuery = ""
	return cosmos.Options{Endpoint: u.String(), Database: name, Key: string(o.CosmosKey), Transport: o.Transport}, nil
}

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// tokenTimeout bounds how long a token is waited for.
const tokenTimeout = 15 * time.Second

type tokenCommand struct {
	Data string `env:"ARO_DATA" default:".aro" type:"path" help:"Data directory of the aro-local that runs."`
}

// Run prints a token of the demo application for Azure Resource Manager, for
// curl. It is good for about an hour.
func (c tokenCommand) Run(ctx context.Context) error {
	content, err := os.ReadFile(filepath.Join(c.Data, "demo.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return notStarted(c.Data)
	}
	if err != nil {
		return err
	}
	var id identity
	if err := json.Unmarshal(content, &id); err != nil {
		return fmt.Errorf("demo.json: %w", err)
	}
	authority, err := os.ReadFile(id.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return errors.New(id.CAFile + " holds no certificate")
	}
	tokens, err := id.tokens(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	token, err := tokens(ctx)
	if err != nil && strings.Contains(err.Error(), syscall.ECONNREFUSED.Error()) { // the SDK's error wraps no other
		return fmt.Errorf("the local Azure of %s is not running: start it with `make run` or `aro-local`", c.Data)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Println(token)
	return err
}

// tokens gives the identity's tokens for Azure Resource Manager.
func (id identity) tokens(client *http.Client) (func(context.Context) (string, error), error) {
	credential, err := azidentity.NewClientSecretCredential(id.TenantID, id.ClientID, id.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		DisableInstanceDiscovery: true,
		ClientOptions:            azcore.ClientOptions{Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: id.Origin}, Transport: client},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{id.Origin + "/.default"}})
		return token.Token, err
	}, nil
}

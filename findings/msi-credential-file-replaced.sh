#!/usr/bin/env bash
# github.com/Azure/msi-dataplane v0.4.3, NewUserAssignedIdentityCredential, which "watches"
# a file with a managed identity's certificate: only a write into the same file is noticed.
# A file that is replaced by rename, as careful writers do, or by a changed symbolic link,
# as Kubernetes does in volumes of secrets, is not read again before the backstop timer,
# by default 6 hours. After a replacement, later writes into the new file are not noticed
# either: the watch belonged to the old one.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/msi-dataplane/pkg/dataplane"
	"github.com/go-logr/logr"
)

// directory answers token requests with the client id as the token.
type directory struct{}

func (directory) Do(r *http.Request) (*http.Response, error) {
	base := "https://" + r.URL.Host + "/t"
	body := fmt.Sprintf(`{"issuer":"%s/v2.0","authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/token"}`, base)
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		body = fmt.Sprintf(`{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, r.PostForm.Get("client_id"))
	}
	return &http.Response{StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var secret = func() string {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})...)
	return base64.StdEncoding.EncodeToString(text)
}()

var day int

// write writes a credential that is newer than the one before.
func write(path, client string) {
	day++
	c := map[string]string{"client_id": client, "tenant_id": "t", "client_secret": secret, "authentication_endpoint": "https://directory.example/",
		"not_before": fmt.Sprintf("2026-01-%02dT00:00:00Z", day)}
	if err := os.WriteFile(path, must(json.Marshal(c)), 0o600); err != nil {
		panic(err)
	}
}

// noticed reports whether the credential's tokens become those of the client within 5 s.
func noticed(c azcore.TokenCredential, client string) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if must(c.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"s/.default"}})).Token == client {
			return true
		}
	}
	return false
}

func open(path string) azcore.TokenCredential {
	silent := logr.Discard()
	return must(dataplane.NewUserAssignedIdentityCredential(context.Background(), path, dataplane.WithLogger(&silent),
		dataplane.WithClientOpts(azcore.ClientOptions{Transport: directory{}})))
}

func main() {
	path := filepath.Join(os.Args[1], "credential.json")
	write(path, "first")
	c := open(path)
	write(path, "second")
	fmt.Println("written in place: noticed", noticed(c, "second"))
	write(path+".new", "third")
	if err := os.Rename(path+".new", path); err != nil {
		panic(err)
	}
	fmt.Println("replaced by rename: noticed", noticed(c, "third"))
	write(path, "fourth")
	fmt.Println("written in place after that: noticed", noticed(c, "fourth"))

	// A volume of a secret: the name links to ..data, which links to the content of one version.
	volume := os.Args[1]
	for _, version := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(volume, version), 0o700); err != nil {
			panic(err)
		}
		write(filepath.Join(volume, version, "mounted.json"), version)
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(volume, name)); err != nil {
			panic(err)
		}
	}
	link("v1", "..data")
	link("..data/mounted.json", "mounted.json")
	c = open(filepath.Join(volume, "mounted.json"))
	link("v2", "..data_tmp")
	if err := os.Rename(filepath.Join(volume, "..data_tmp"), filepath.Join(volume, "..data")); err != nil {
		panic(err)
	}
	if err := os.RemoveAll(filepath.Join(volume, "v1")); err != nil {
		panic(err)
	}
	fmt.Println("link changed, as in a volume of a secret: noticed", noticed(c, "v2"))
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/Azure/msi-dataplane@v0.4.3 github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.24.0 github.com/Azure/azure-sdk-for-go/sdk/azidentity@v1.15.0 github.com/go-logr/logr@v1.4.3 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
mkdir data
want='written in place: noticed true
replaced by rename: noticed false
written in place after that: noticed false
link changed, as in a volume of a secret: noticed false'
got=$(timeout 300 go run . data)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

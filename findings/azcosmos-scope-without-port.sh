#!/usr/bin/env bash
# github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos v1.4.2: for an account at an address
# with a port, as emulators and gateways have, the token that it requests is for the
# host without the port, while its requests go to the port. An identity provider that
# compares the scope with the address of the account refuses it.
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
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// scopes are those that a token is requested for.
type scopes map[string]bool

func (s scopes) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s[fmt.Sprint(options.Scopes)] = true
	return azcore.AccessToken{}, errors.New("no token")
}

func main() {
	for _, address := range []string{"https://account.example.com:8081", "https://account.example.com"} {
		requested := scopes{}
		client, err := azcosmos.NewClient(address, requested, nil)
		if err != nil {
			panic(err)
		}
		database, err := client.NewDatabase("d")
		if err != nil {
			panic(err)
		}
		_, _ = database.Read(context.Background(), nil)
		for scope := range requested {
			fmt.Println(address, "needs a token for", scope)
		}
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos@v1.4.2 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
want='https://account.example.com:8081 needs a token for [https://account.example.com/.default]
https://account.example.com needs a token for [https://account.example.com/.default]'
got=$(timeout 600 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

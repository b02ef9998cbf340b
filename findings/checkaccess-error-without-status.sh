#!/usr/bin/env bash
# github.com/Azure/checkaccess-v2-go-sdk v0.0.3: what its client makes of refusals.
# - An error in ARM's envelope, {"error": {"code", "message"}}, becomes an
#   azcore.ResponseError with ErrorCode "0": it reads a top-level member statusCode.
# - An answer that is not JSON, like a gateway's page with status 502, becomes a
#   json.SyntaxError: it is no azcore.ResponseError, and the status is lost, so that a
#   caller who decides by errors.As cannot see that the failure will pass.
# azcore's own runtime.NewResponseError, on the same answers, has status and code.
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
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	checkaccess "github.com/Azure/checkaccess-v2-go-sdk/client"
)

type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

type answer struct {
	status int
	body   string
}

func (a answer) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func describe(err error) string {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return fmt.Sprintf("ResponseError %d, code %q", response.StatusCode, response.ErrorCode)
	}
	return fmt.Sprintf("%T", err)
}

func main() {
	for _, a := range []answer{{403, `{"error":{"code":"AuthorizationFailed","message":"no"}}`}, {502, `<html></html>`}} {
		client, err := checkaccess.NewRemotePDPClient("https://example.com", "s", token{}, &azcore.ClientOptions{Transport: a, Retry: policy.RetryOptions{MaxRetries: -1}})
		if err != nil {
			panic(err)
		}
		_, err = client.CheckAccess(context.Background(), checkaccess.AuthorizationRequest{})
		request, _ := http.NewRequest(http.MethodPost, "https://example.com", nil)
		same, _ := a.Do(request)
		fmt.Printf("%d: checkaccess %s; azcore %s\n", a.status, describe(err), describe(runtime.NewResponseError(same)))
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/Azure/checkaccess-v2-go-sdk/client@v0.0.3 github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.24.0 >/dev/null 2>&1
want='403: checkaccess ResponseError 403, code "0"; azcore ResponseError 403, code "AuthorizationFailed"
502: checkaccess *json.SyntaxError; azcore ResponseError 502, code ""'
got=$(timeout 300 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

#!/usr/bin/env bash
# github.com/Azure/azure-sdk-for-go/sdk/azcore v1.24.0, runtime.Poller.PollUntilDone: a
# frequency below one second is an error in a program and none under go test. The check is
# skipped when a flag named test.v is registered, which every test binary has. A suite
# therefore passes with a frequency with which the same code fails in production, before
# its first request. A program that registers a flag test.v of its own is not checked
# either.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >poll.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// operation is a long-running operation that is done at its second poll.
type operation struct{ polls int }

func (o *operation) Done() bool { return o.polls > 1 }

func (o *operation) Poll(context.Context) (*http.Response, error) {
	o.polls++
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, nil
}

func (o *operation) Result(_ context.Context, out *string) error {
	*out = "done"
	return nil
}

func poll() string {
	handler := &operation{}
	poller, err := runtime.NewPoller(nil, runtime.NewPipeline("m", "v1", runtime.PipelineOptions{}, nil), &runtime.NewPollerOptions[string]{Handler: handler})
	if err != nil {
		return err.Error()
	}
	result, err := poller.PollUntilDone(context.Background(), &runtime.PollUntilDoneOptions{Frequency: 10 * time.Millisecond})
	return fmt.Sprintf("%q, %v after %d polls", result, err, handler.polls)
}

func main() { fmt.Println("as a program:", poll()) }
GO
cat >poll_test.go <<'GO'
package main

import (
	"fmt"
	"testing"
)

func TestPoll(*testing.T) { fmt.Println("under go test:", poll()) }
GO
export GOFLAGS=-mod=mod
go mod init example.com/poll 2>/dev/null
go get github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.24.0 2>/dev/null
{
  go run .
  go test -count=1 . -v | grep 'under go test'
} >got
cat >want <<'TEXT'
as a program: "", polling frequency minimum is one second after 0 polls
under go test: "done", <nil> after 2 polls
TEXT
cat got
diff want got

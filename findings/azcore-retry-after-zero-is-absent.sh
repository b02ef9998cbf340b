#!/usr/bin/env bash
# github.com/Azure/azure-sdk-for-go/sdk/azcore v1.24.0: a response with "Retry-After: 0"
# (RFC 9110: retry at once) is treated as one without the header. PollUntilDone then waits
# its own frequency, 30 s by default, and the retry policy its own backoff, whereas
# "Retry-After: 1" or "retry-after-ms: 1" is obeyed. A service that says 0 to be polled at
# once makes its clients slower than one that says 1.
#
# Seen: the output below, from waits that differ by more than 2 s. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const own = 6 * time.Second // the client's frequency and backoff

// duration is how long it takes with a server that answers first with a status and a
// header, and then well; poll is whether the first answer begins a long-running
// operation, which is in progress when it is polled first.
func duration(poll bool, status int, name, value string) time.Duration {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.Header().Set(name, value)
		switch {
		case calls == 1:
			w.Header().Set("Azure-AsyncOperation", "http://"+r.Host+"/operation")
			w.WriteHeader(status)
		case poll && calls == 2:
			fmt.Fprint(w, `{"status":"InProgress"}`)
		default:
			fmt.Fprint(w, `{"status":"Succeeded"}`)
		}
	}))
	defer server.Close()
	pipeline := runtime.NewPipeline("m", "v1", runtime.PipelineOptions{}, &policy.ClientOptions{Retry: policy.RetryOptions{RetryDelay: own, MaxRetryDelay: own}})
	begun := time.Now()
	method := http.MethodGet
	if poll {
		method = http.MethodDelete
	}
	request, err := runtime.NewRequest(context.Background(), method, server.URL)
	if err != nil {
		panic(err)
	}
	response, err := pipeline.Do(request)
	if err != nil {
		panic(err)
	}
	if poll {
		poller, err := runtime.NewPoller[struct{}](response, pipeline, nil)
		if err != nil {
			panic(err)
		}
		if _, err := poller.PollUntilDone(context.Background(), &runtime.PollUntilDoneOptions{Frequency: own}); err != nil {
			panic(err)
		}
	}
	return time.Since(begun)
}

func main() {
	for _, header := range [][2]string{{"retry-after-ms", "1"}, {"Retry-After", "1"}, {"Retry-After", "0"}} {
		for _, kind := range []struct {
			what   string
			poll   bool
			status int
		}{{"poller", true, 202}, {"retry", false, 429}} {
			obeyed := duration(kind.poll, kind.status, header[0], header[1]) < 4*time.Second
			fmt.Printf("%s, %s: %s: obeyed %v\n", kind.what, header[0], header[1], obeyed)
		}
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.com/retry 2>/dev/null
go get github.com/Azure/azure-sdk-for-go/sdk/azcore@v1.24.0 2>/dev/null
go run . >got
cat >want <<'TEXT'
poller, retry-after-ms: 1: obeyed true
retry, retry-after-ms: 1: obeyed true
poller, Retry-After: 1: obeyed true
retry, Retry-After: 1: obeyed true
poller, Retry-After: 0: obeyed false
retry, Retry-After: 0: obeyed false
TEXT
cat got
diff want got

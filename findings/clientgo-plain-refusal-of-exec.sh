#!/usr/bin/env bash
# k8s.io/client-go v0.34.1, tools/remotecommand over SPDY (kubectl exec against servers
# without WebSocket): a server refuses the upgrade with a reason in plain text, as proxies
# do. If the text has a colon followed by a blank, the error has an empty message: the text
# is read as YAML, in which it is a Status without a single known member, although the
# Content-Type says text/plain. The same text without a colon is shown.
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
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

func refusedWith(text string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, text)
	}))
	defer server.Close()
	at, _ := url.Parse(server.URL + "/exec")
	executor, err := remotecommand.NewSPDYExecutor(&rest.Config{Host: server.URL}, http.MethodPost, at)
	if err == nil {
		err = executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{Stdin: strings.NewReader(""), Stdout: io.Discard})
	}
	fmt.Printf("refused with %q\n  error %T %q\n", text, err, err)
}

func main() {
	refusedWith("container main is simulated")
	refusedWith("container main is simulated: nothing runs")
}
GO
go mod init finding >/dev/null 2>&1
go get k8s.io/client-go@v0.34.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
want='refused with "container main is simulated"
  error *errors.errorString "unable to upgrade connection: container main is simulated"
refused with "container main is simulated: nothing runs"
  error *errors.StatusError ""'
got=$(timeout 600 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

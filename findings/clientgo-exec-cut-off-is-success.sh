#!/usr/bin/env bash
# k8s.io/client-go v0.34.1, tools/remotecommand (kubectl exec) over SPDY, protocol
# v5.channel.k8s.io, in which the server sends the status of the command at its end: if the
# connection ends without a status, because a proxy or a node is stopped, the command
# counts as successful (exit code 0), also when half of its output is missing. Over
# WebSocket the same end is an error.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

const output = "the first half"

// overSPDY answers with some output, and no status.
func overSPDY(w http.ResponseWriter, r *http.Request) {
	protocol, err := httpstream.Handshake(r, w, []string{"v5.channel.k8s.io", "v4.channel.k8s.io"})
	if err != nil {
		return
	}
	fmt.Println("SPDY, protocol", protocol)
	streams := make(chan httpstream.Stream, 3)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replied <-chan struct{}) error {
		streams <- s
		return nil
	})
	if conn == nil {
		return
	}
	for range 2 {
		s := <-streams
		if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeStdout {
			_, _ = s.Write([]byte(output))
		}
	}
	time.Sleep(200 * time.Millisecond) // both streams have their answers
	_ = conn.Close()
}

// overWebSocket does the same.
func overWebSocket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"v5.channel.k8s.io"}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	fmt.Println("WebSocket, protocol", conn.Subprotocol())
	_ = conn.WriteMessage(websocket.BinaryMessage, append([]byte{1}, output...))
	_ = conn.Close()
}

func run(handler http.HandlerFunc, executorOf func(*rest.Config, *url.URL) (remotecommand.Executor, error)) {
	server := httptest.NewServer(handler)
	defer server.Close()
	at, _ := url.Parse(server.URL + "/exec")
	executor, err := executorOf(&rest.Config{Host: server.URL}, at)
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	err = executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{Stdout: &out})
	fmt.Printf("  output %q, error %s\n", out.String(), strings.ReplaceAll(fmt.Sprint(err), server.Listener.Addr().String(), "ADDRESS"))
}

func main() {
	run(overSPDY, func(c *rest.Config, at *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(c, http.MethodPost, at)
	})
	run(overWebSocket, func(c *rest.Config, at *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(c, http.MethodGet, at.String())
	})
}
GO
go mod init finding >/dev/null 2>&1
go get k8s.io/client-go@v0.34.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
want='SPDY, protocol v5.channel.k8s.io
  output "the first half", error <nil>
WebSocket, protocol v5.channel.k8s.io
  output "the first half", error error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF'
got=$(timeout 600 go run . 2>/dev/null)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

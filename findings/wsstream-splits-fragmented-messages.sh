#!/usr/bin/env bash
# k8s.io/apimachinery v0.34.1, util/httpstream/wsstream (WebSocket of exec, attach and
# port-forward in API servers and kubelets), with github.com/gorilla/websocket v1.5.3 as
# client: a binary message that the client's library sends in fragments, as it does with
# every message larger than its write buffer, is not put together again. Each fragment is
# taken for a message of its own, whose first byte is the number of a channel, so the rest
# of the data loses a byte and comes out at another channel. Nothing reports an error.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
)

const protocol = "v4.channel.k8s.io"

func sentWith(writeBuffer int) {
	received := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
			protocol: {Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadWriteChannel, wsstream.ReadWriteChannel}},
		})
		conn.SetIdleTimeout(10 * time.Second)
		_, channels, err := conn.Open(w, r)
		if err != nil {
			panic(err)
		}
		for i, channel := range channels {
			go func() {
				text, _ := io.ReadAll(channel)
				received <- fmt.Sprintf("channel %d: %q", i, text)
			}()
		}
	}))
	defer server.Close()
	dialer := websocket.Dialer{Subprotocols: []string{protocol}, WriteBufferSize: writeBuffer}
	conn, _, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		panic(err)
	}
	// One message to channel 0. Its second half begins with a byte 1.
	w, _ := conn.NextWriter(websocket.BinaryMessage)
	_, _ = w.Write([]byte("\x00" + strings.Repeat("a", writeBuffer-1)))
	_, _ = w.Write([]byte("\x01bbb"))
	_ = w.Close()
	_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	all := []string{<-received, <-received}
	if all[0] > all[1] {
		all[0], all[1] = all[1], all[0]
	}
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], strings.Repeat("a", writeBuffer-1), fmt.Sprintf("%d × a", writeBuffer-1))
	}
	fmt.Println(strings.Join(all, "\n"))
}

func main() { sentWith(64) }
GO
go mod init finding >/dev/null 2>&1
go get k8s.io/apimachinery@v0.34.1 github.com/gorilla/websocket@v1.5.3 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
want='channel 0: "63 × a"
channel 1: "bbb"'
got=$(timeout 600 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi

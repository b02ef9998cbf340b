package openshift_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"

	"github.com/aro-rp/aro/openshift"
)

// forwards is the node of a pod whose port 9093 greets by name and echoes, and whose port 9 is closed. It
// uses Kubernetes' own server of the protocol.
func forwards(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/namespaces/n/pods/p/portforward" {
		http.NotFound(w, r)
		return
	}
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		"v4.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadWriteChannel, wsstream.WriteChannel}}})
	_, streams, err := conn.Open(w, r)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	for _, s := range streams {
		_, _ = s.Write([]byte{0x85, 0x23})
	}
	if r.URL.Query().Get("ports") == "9" {
		_, _ = io.WriteString(streams[1], "connection refused")
		return
	}
	lines := bufio.NewReader(streams[0])
	for {
		line, err := lines.ReadString('\n')
		if err != nil || line == "end\n" {
			return
		}
		_, _ = fmt.Fprintf(streams[0], "%s says %s", r.TLS.PeerCertificates[0].Subject.CommonName, line)
	}
}

func TestForward(t *testing.T) {
	kubeconfig, address, _ := apiServer(t, forwards, nil)
	api, err := openshift.Open(kubeconfig, address)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()

	conn, err := api.Forward(t.Context(), "n", "p", 9093)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	long := strings.Repeat("x", 100_000)
	read := bufio.NewReader(conn)
	for _, text := range []string{"one", long} {
		_, err := io.WriteString(conn, text+"\n")
		got, err := read.ReadString('\n')
		if want := "system:aro-service says " + text + "\n"; err != nil || got != want {
			t.Fatalf("%d bytes came back, %v; want %d", len(got), err, len(want))
		}
	}
	_, _ = io.WriteString(conn, "end\n")
	if _, err := read.ReadString('\n'); !errors.Is(err, io.EOF) {
		t.Errorf("after the pod closed the connection: %v, want the end", err)
	}
}

func TestForwardThatFails(t *testing.T) {
	kubeconfig, address, _ := apiServer(t, forwards, nil)
	api, err := openshift.Open(kubeconfig, address)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	if _, err := api.Forward(t.Context(), "n", "none", 9093); err == nil || !strings.Contains(err.Error(), "port 9093 of pod none: the API server answers 404") {
		t.Errorf("a pod that does not exist: %v", err)
	}
	conn, err := api.Forward(t.Context(), "n", "p", 9)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.ReadAll(conn); err == nil || !strings.Contains(err.Error(), "port 9 of pod p: connection refused") {
		t.Errorf("a port that is closed: %v", err)
	}
	conn, err = api.Forward(t.Context(), "n", "p", 9093)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a read after its deadline succeeded")
	}
	api.Abort()
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("a write after the connection was aborted succeeded")
	}
}

package actions

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
)

// kubelet is the part of one that an API server calls for commands and logs.
type kubelet struct {
	// run is a command: what it writes, and its exit code. Without run, the kubelet
	// refuses.
	run func(args []string, stdin io.Reader, stdout, stderr io.Writer) int
	// broken fails inside the connection, after it was accepted.
	broken string
	logs   string
	// endless logs do not end for those who follow them.
	endless bool
}

// serve starts the kubelet and returns its port.
func (k *kubelet) serve(t *testing.T) int {
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	mux.HandleFunc("/containerLogs/{namespace}/{pod}/{container}", k.tail)
	s := httptest.NewUnstartedServer(mux)
	s.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	s.StartTLS()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// streamsOf is the number of a command's streams over SPDY: one for its end, and those that
// were requested.
func streamsOf(r *http.Request) int {
	n := 1
	for _, name := range []string{"input", "output", "error"} {
		if r.URL.Query().Get(name) == "1" {
			n++
		}
	}
	return n
}

func (k *kubelet) exec(w http.ResponseWriter, r *http.Request) {
	if k.run == nil && k.broken == "" {
		http.Error(w, "Container is simulated, and nothing is in it to talk to.", http.StatusConflict)
		return
	}
	if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, streamsOf(r))
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	of := map[string]httpstream.Stream{}
	for range streamsOf(r) {
		select {
		case s := <-streams:
			of[s.Headers().Get(corev1.StreamType)] = s
		case <-time.After(patience):
			return
		}
	}
	status := metav1.Status{Status: metav1.StatusSuccess}
	if k.broken != "" {
		status = metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonInternalError, Message: k.broken}
	} else if code := k.run(r.URL.Query()["command"], of["stdin"], of["stdout"], of["stderr"]); code != 0 {
		status = metav1.Status{Status: metav1.StatusFailure, Reason: "NonZeroExitCode", Message: fmt.Sprint("command terminated with exit code ", code),
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: "ExitCode", Message: strconv.Itoa(code)}}}}
	}
	_ = json.NewEncoder(of["error"]).Encode(status)
	for _, s := range of {
		_ = s.Close()
	}
	select {
	case <-conn.CloseChan():
	case <-time.After(patience):
	}
}

// tail writes the log.
func (k *kubelet) tail(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, k.logs)
	if !k.endless || r.URL.Query().Get("follow") != "true" {
		return
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// portForward greets each connection to a port, and echoes what it sends.
func (k *kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replied <-chan struct{}) error {
		go func() {
			<-replied
			if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeData {
				_, _ = fmt.Fprintf(s, "port %s\n", s.Headers().Get(corev1.PortHeader))
				_, _ = io.Copy(s, s)
			}
			_ = s.Close() // at once if it is for errors: there are none
		}()
		return nil
	})
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	select {
	case <-conn.CloseChan():
	case <-time.After(patience):
	}
}

// shell is a command that does what its test needs.
func shell(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	switch strings.Join(args, " ") {
	case "both":
		_, _ = io.WriteString(stdout, "to the one\nno end")
		_, _ = io.WriteString(stderr, "to the other\n")
	case "cat":
		_, _ = io.Copy(stdout, stdin)
	case "three":
		return 3
	case "much":
		for range 3000 {
			_, _ = io.WriteString(stdout, strings.Repeat("x", 1023)+"\n")
		}
	case "etcdctl get / --prefix --keys-only":
		_, _ = io.WriteString(stdout, "/kubernetes.io/pods/a/one\n\n/kubernetes.io/pods/a/two\n\n/kubernetes.io/machine.openshift.io/machines/b/three\n\n/openshift.io/oauth/clients/four\n\n")
	default:
		_, _ = io.WriteString(stderr, "there is no command "+args[0])
		return 127
	}
	return 0
}

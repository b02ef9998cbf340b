package region

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/region"
)

// portalAnswers waits until the portal sends browsers to log in.
func (w *fixture) portalAnswers() {
	w.t.Helper()
	client := w.front()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.await(30*time.Second, "the portal answers", func() bool {
		resp, err := client.Get(region.Portal() + "/")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode < http.StatusBadRequest
	})
}

// sshAnswers waits until the portal's SSH server says that it is one.
func (w *fixture) sshAnswers() {
	w.t.Helper()
	w.await(30*time.Second, "SSH answers", func() bool {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", w.Frontend(context.Background()), region.SSHPort), 5*time.Second)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		said := make([]byte, len("SSH-2.0-"))
		_, err = io.ReadFull(conn, said)
		return err == nil && string(said) == "SSH-2.0-"
	})
}

// metricsCome waits until services have sent metrics of their own.
func (w *fixture) metricsCome(services ...string) {
	w.t.Helper()
	w.await(90*time.Second, "metrics come", func() bool {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.azure.Origin+region.MetricsPath+"series", nil)
		must(w.t, err)
		resp, err := w.azure.Client().Do(req)
		must(w.t, err)
		defer func() { _ = resp.Body.Close() }()
		var series []struct {
			Namespace string            `json:"namespace"`
			Dims      map[string]string `json:"dims"`
		}
		must(w.t, json.NewDecoder(resp.Body).Decode(&series))
		seen := map[string]string{}
		for _, one := range series {
			seen[one.Dims["service"]] = one.Namespace
		}
		for _, service := range services {
			if seen[service] == "" {
				return false
			}
		}
		return true
	})
}

// unitsRun checks that the boot of each instance started the units, and that what it
// could not do is in its log.
func (w *fixture) unitsRun(units ...string) {
	w.t.Helper()
	logs, _ := filepath.Glob(filepath.Join(w.Dir, "instances", "*", "boot.log"))
	if len(logs) != 2 {
		w.t.Errorf("the instances have the boot logs %v", logs)
	}
	for _, log := range logs {
		content, err := os.ReadFile(log)
		must(w.t, err)
		for _, unit := range units {
			timer := strings.TrimSuffix(unit, ".service") + "-health.timer"
			for _, want := range []string{"ran: systemctl enable --now " + unit, "not simulated: systemctl enable --now " + timer, "not simulated: " + unit + " runs as the user of the local Azure, without CapabilityBoundingSet"} {
				if !strings.Contains(string(content), want) {
					w.t.Errorf("%s does not have %q:\n%s", log, want, content)
				}
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(log), unit+".pid")); err != nil {
				w.t.Errorf("%s does not run: %v", unit, err)
			}
		}
	}
}

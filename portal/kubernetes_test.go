package portal_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/entra"
)

// kubectl sends a request with the token of a kubeconfig.
func (w *fixture) kubectl(token, method, path string) reply {
	w.Helper()
	return w.browser().do(method, w.cluster+"/kubeconfig/proxy"+path, nil, "Authorization", "Bearer "+token, "Referer", w.origin, "Origin", w.origin)
}

func TestAKubeconfigReachesItsCluster(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	high := w.login("high@example.com", entra.GroupHigh)
	config, token := high.kubeconfig(false)
	if server := config.Clusters["cluster"].Server; server != w.origin+w.cluster+"/kubeconfig/proxy" {
		t.Errorf("the server is %s", server)
	}
	_, elevated := high.kubeconfig(true)
	for who, secret := range map[string]string{"system:aro-sre": token, "system:aro-service": elevated} {
		r := w.kubectl(secret, "PATCH", "/apis/apps/v1/namespaces/a%2Fb/deployments/x?fieldManager=k&force=true")
		if r.StatusCode != http.StatusOK || r.text != "PATCH fieldManager=k&force=true" || r.Header.Get("X-Asked-By") != who || r.Header.Get("X-Asked-For") != "/apis/apps/v1/namespaces/a%2Fb/deployments/x" {
			t.Errorf("%s: %s %q %v", who, r.Status, r.text, r.Header)
		}
		if r.Header.Get("Set-Cookie") != "" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("an answer of a cluster may act in a browser: %v", r.Header)
		}
	}
	if r := w.kubectl(token, "GET", ""); r.StatusCode != http.StatusOK || r.Header.Get("X-Asked-For") != "/" {
		t.Errorf("the root: %s %s", r.Status, r.Header.Get("X-Asked-For"))
	}
}

func TestAKubeconfigReachesNothingElse(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	_, token := sre.kubeconfig(false)
	other := w.create("other", func(c *model.Cluster) { c.Properties.ProvisioningState = model.Creating })
	session := sre.Jar.Cookies(w.address())[0].Value
	mine := w.cluster
	for name, test := range map[string]struct {
		cluster, authorization string
		status                 int
	}{
		"no token":              {mine, "", http.StatusForbidden},
		"another scheme":        {mine, "Basic " + token, http.StatusForbidden},
		"no such token":         {mine, "Bearer " + token[:len(token)-1], http.StatusForbidden},
		"no form of a token":    {mine, "Bearer x", http.StatusForbidden},
		"a session":             {mine, "Bearer " + session, http.StatusForbidden},
		"another cluster":       {other, "Bearer " + token, http.StatusBadRequest},
		"in another casing":     {strings.ToUpper(mine), "bearer " + token, http.StatusOK},
		"a cluster that is not": {mine + "x", "Bearer " + token, http.StatusBadRequest},
	} {
		r := w.browser().do("GET", test.cluster+"/kubeconfig/proxy/api", nil, "Authorization", test.authorization)
		var status metav1.Status
		if r.StatusCode != test.status {
			t.Errorf("%s: %s %s, want %d", name, r.Status, r.text, test.status)
		} else if err := json.Unmarshal([]byte(r.text), &status); test.status != http.StatusOK && (err != nil || status.Kind != "Status" || int(status.Code) != test.status || status.Message == "") {
			t.Errorf("%s: kubectl cannot read %s", name, r.text)
		}
	}
	w.at(time.Now().Add(6*time.Hour + time.Minute))
	if r := w.kubectl(token, "GET", "/api"); r.StatusCode != http.StatusForbidden {
		t.Errorf("after six hours: %s", r.Status)
	}
	w.at(time.Time{})
	// A cluster that has no API server yet says so.
	w.cluster = other
	_, token = sre.kubeconfig(false)
	if r := w.kubectl(token, "GET", "/api"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without an API server: %s %s", r.Status, r.text)
	}
}

func TestADeadClusterIsABadGateway(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	_, token := w.login("sre@example.com", entra.GroupSRE).kubeconfig(false)
	w.api.Close()
	if r := w.kubectl(token, "GET", "/api"); r.StatusCode != http.StatusBadGateway || !strings.Contains(r.text, "cannot be reached") {
		t.Errorf("%s %s", r.Status, r.text)
	}
}

// watch begins one and reads its first line.
func (w *fixture) watch(token string) *bufio.Reader {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.origin+w.cluster+"/kubeconfig/proxy/api/v1/pods?watch=true", nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	b := w.browser()
	b.Timeout = 0
	res, err := b.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		w.Fatal(line, err)
	}
	return lines
}

// upgraded opens a connection that leaves HTTP, as exec and port-forward do.
func (w *fixture) upgraded(token string) (*tls.Conn, *bufio.Reader) {
	w.Helper()
	conn, err := tls.Dial("tcp", w.address().Host, &tls.Config{RootCAs: w.roots, NextProtos: []string{"http/1.1"}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "POST "+w.cluster+"/kubeconfig/proxy/api/v1/namespaces/n/pods/p/exec?command=sh HTTP/1.1\r\nHost: "+w.address().Host+
		"\r\nAuthorization: Bearer "+token+"\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n")
	if err != nil {
		w.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		w.Fatal(res, err)
	}
	return conn, r
}

func TestRevocationEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	_, token := sre.kubeconfig(false)
	_, other := sre.kubeconfig(false)
	lines, kept := w.watch(token), w.watch(other)
	conn, echo := w.upgraded(token)
	if _, err := io.WriteString(conn, "ping\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := echo.ReadString('\n'); line != "ping\n" || err != nil {
		t.Fatal(line, err)
	}
	ids := regexp.MustCompile(`name="id" value="([0-9a-f]{64})"`).FindAllStringSubmatch(sre.get(clusterPath).text, -1)
	if len(ids) != 2 {
		t.Fatalf("%d kubeconfigs are listed, want 2", len(ids))
	}
	// The one to revoke is the older.
	if r := sre.post(clusterPath+"/kubeconfig/revoke", url.Values{"csrf": {sre.csrf()}, "id": {ids[1][1]}}); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status, r.text)
	}
	if r := w.kubectl(token, "GET", "/api"); r.StatusCode != http.StatusForbidden {
		t.Errorf("a request afterwards: %s", r.Status)
	}
	if line, err := lines.ReadString('\n'); err == nil || err == io.EOF {
		t.Errorf("the watch ended as if it were complete: %q %v", line, err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := echo.ReadString('\n'); err == nil {
		t.Errorf("the upgraded connection goes on: %q", line)
	}
	if r := w.kubectl(other, "GET", "/api"); r.StatusCode != http.StatusOK {
		t.Errorf("the other kubeconfig: %s", r.Status)
	}
	if kept.Buffered() > 0 {
		t.Error("the other watch ended")
	}
}

func TestARevocationAtAnotherProcessEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	_, token := w.login("sre@example.com", entra.GroupSRE).kubeconfig(false)
	lines := w.watch(token)
	docs, _, err := w.store.Portal.List(t.Context(), queryAll())
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs {
		if doc.Portal.Kind != model.PortalKubeconfig {
			continue
		}
		doc, err := w.store.Portal.Get(t.Context(), doc.Partition, doc.ID)
		if err == nil {
			err = w.store.Portal.Delete(t.Context(), doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lines.ReadString('\n'); err == nil {
		t.Error("the watch goes on")
	}
	if r := w.kubectl(token, "GET", "/api"); r.StatusCode != http.StatusForbidden {
		t.Errorf("a request afterwards: %s", r.Status)
	}
}

func TestTheDatabaseHoldsNoSecretOfAHolder(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	_, token := w.login("sre@example.com", entra.GroupSRE).kubeconfig(false)
	docs, _, err := w.store.Portal.List(t.Context(), queryAll())
	if err != nil || len(docs) != 2 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	_, secret, _ := strings.Cut(token, ".")
	for _, doc := range docs {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) || strings.Contains(string(text), base64.StdEncoding.EncodeToString([]byte(secret))) {
			t.Error("a document has the secret of its holder in it")
		}
		if doc.TTL != 3600 && doc.TTL != 21600 {
			t.Errorf("a document of kind %s lasts %d s", doc.Portal.Kind, doc.TTL)
		}
		if !arm.EqualFold(doc.Portal.Username, "sre@example.com") {
			t.Errorf("it is of %s", doc.Portal.Username)
		}
	}
}

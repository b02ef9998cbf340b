package hostile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

const listOfClusters = "/subscriptions/" + subscription + "/providers/" + arm.ClusterResourceType

func TestAllowListsThatShareACertificateAreRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	for _, name := range []string{"server", "arm", "admin"} {
		certificate(t, dir, name, time.Now().Add(time.Hour))
	}
	join(t, dir, "admin.crt", "arm.crt")
	process, err := production(t, dir, "")
	if err == nil {
		process.Kill()
		t.Fatal("started although a certificate is ARM's and an engineer's")
	}
	if !strings.Contains(err.Error(), "share the certificate") {
		t.Error(err)
	}
}

// TestARemovedCertificateEndsOnItsLiveConnection keeps one connection open, over which
// all requests go, and changes the files of the lists.
func TestARemovedCertificateEndsOnItsLiveConnection(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, pairs := t.TempDir(), map[string]tls.Certificate{}
	for _, name := range []string{"server", "arm", "admin", "next"} {
		pairs[name] = certificate(t, dir, name, time.Now().Add(time.Hour))
	}
	process, err := production(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	dials := 0
	server, client := pairs["server"], pairs["arm"]
	caller := harness.NewClient("https://"+strings.TrimPrefix(process.URL, "http://"), &http.Transport{TLSClientConfig: trusting(t, &server, &client),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}})
	status := func() int {
		reply, err := caller.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: listOfClusters, Version: harness.Newest})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Status
	}
	if got := status(); got != http.StatusOK {
		t.Fatal(got)
	}
	original, err := os.ReadFile(filepath.Join(dir, "arm.crt"))
	if err != nil {
		t.Fatal(err)
	}
	// A list that shares a certificate, or has none, is not taken over.
	admins, err := os.ReadFile(filepath.Join(dir, "admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{admins, []byte("nothing")} {
		logged := strings.Count(process.Output(), "not usable")
		replace(t, filepath.Join(dir, "arm.crt"), bad)
		await(t, "the refusal in the log", func() bool {
			return status() == http.StatusOK && strings.Count(process.Output(), "not usable") > logged
		})
	}
	next, err := os.ReadFile(filepath.Join(dir, "next.crt"))
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(dir, "arm.crt"), next)
	await(t, "403 for the removed certificate", func() bool { return status() == http.StatusForbidden })
	replace(t, filepath.Join(dir, "arm.crt"), original)
	await(t, "200 for the certificate that is back", func() bool { return status() == http.StatusOK })
	if dials != 1 {
		t.Errorf("%d connections, want one", dials)
	}
}

// replace writes a file as deployments do: whole, by a rename.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestOnlyCertificatesForClientsAreAllowed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	for _, name := range []string{"server", "arm"} {
		certificate(t, dir, name, time.Now().Add(time.Hour))
	}
	certificate(t, dir, "admin", time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
	process, err := production(t, dir, "")
	if err == nil {
		process.Kill()
		t.Fatal("started with a server's certificate on a list of clients")
	}
	if !strings.Contains(err.Error(), "clientAuth") {
		t.Error(err)
	}
}

func TestTheAuditDoesNotDependOnTheLevel(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	w := watch(t, "--log-level", "ERROR", "--audit", file)
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "audited", Name: "cage"}
	if reply := w.ask(http.MethodPost, id.String()+"/listAdminCredentials", harness.Newest, nil); reply.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s may be kept by caches: %q", reply, reply.Header)
	}
	if created := w.send(http.MethodPut, id.String(), harness.Newest, harness.Body(harness.Newest, id, location)); created.Status != http.StatusCreated {
		t.Fatal(created)
	}
	w.settled(id.String())
	for _, action := range []string{"/listCredentials", "/listAdminCredentials"} {
		reply := w.ask(http.MethodPost, id.String()+action, harness.Newest, nil)
		if reply.Status != http.StatusOK || reply.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Cache-Control %q", action, reply.Status, reply.Header.Get("Cache-Control"))
		}
	}
	w.send(http.MethodGet, "/admin"+id.String(), "", nil)
	w.send(http.MethodPatch, "/admin"+id.String(), "", harness.Object{"properties": harness.Object{"maintenanceTask": "Nonsense"}})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range leaks(text) {
		t.Errorf("the audit holds the secret %q", canary)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		var record harness.Object
		if err := json.Unmarshal([]byte(line), &record); err != nil || record["msg"] != "audit" || record["request_id"] == "" {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, fmt.Sprint(record["method"], " ", strings.ReplaceAll(record["path"].(string), id.String(), "ID"), " ", record["status"], " ", record["code"]))
	}
	want := []string{"POST ID/listAdminCredentials 404 ResourceNotFound", "POST ID/listCredentials 200 ", "POST ID/listAdminCredentials 200 ", "GET /adminID 200 ", "PATCH /adminID 400 InvalidParameter"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(w.process.Output(), `"msg":"audit"`) {
		t.Error("the audit is in the log, too")
	}
}

// plain is a service without workers, in development.
func plain(t *testing.T, args ...string) (*harness.Process, *harness.Client) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	process := harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db"), Args: append([]string{"--backend=false"}, args...)})
	client := harness.NewClient(process.URL, nil)
	reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0", Body: harness.Object{"state": "Registered"}})
	if err != nil || reply.Status != http.StatusCreated {
		t.Fatal(reply, err)
	}
	return process, client
}

func TestDevelopmentAnswersToItsOwnNamesOnly(t *testing.T) {
	t.Parallel()
	process, _ := plain(t, "--hosts", "dev.example.com,dev.example.com:8443")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(process.URL, "http://"))
	for _, test := range []struct {
		host   string
		header http.Header
		want   int
	}{
		{"127.0.0.1:" + port, nil, 200},
		{"localhost:" + port, nil, 200},
		{"LOCALHOST", nil, 200},
		{"aro.localhost:" + port, nil, 200},
		{"127.9.9.9", nil, 200},
		{"[::1]:" + port, nil, 200},
		{"dev.example.com", nil, 200},
		{"dev.example.com:" + port, nil, 200},
		{"evil.example", nil, 421},
		{"localhost.evil.example:" + port, nil, 421},
		{"127.0.0.1.nip.io", nil, 421},
		{"10.0.0.1", nil, 421},
		{"locaſhost", nil, 421},
		{"localhost", http.Header{"Origin": {"https://evil.example"}}, 403},
		{"localhost", http.Header{"Origin": {"null"}}, 403},
		{"localhost", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"localhost", http.Header{"Origin": {"http://localhost:8443"}, "Sec-Fetch-Site": {"same-origin"}}, 200},
	} {
		for _, path := range []string{listOfClusters + "?api-version=" + harness.Newest, "/admin/clusters", "/healthz/live"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, process.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = test.host
			for name, values := range test.header {
				r.Header[name] = values
			}
			status := roundTrip(t, r)
			if status != test.want {
				t.Errorf("%s with Host %s and %v: %d, want %d", path, test.host, test.header, status, test.want)
			}
		}
	}
}

func roundTrip(t *testing.T, r *http.Request) int {
	t.Helper()
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	return reply.StatusCode
}

func TestTheIdentityURLIsJudgedAtPut(t *testing.T) {
	t.Parallel()
	_, client := plain(t, "--identity-hosts", ".identity.example.com")
	for address, allowed := range map[string]bool{
		"https://east.identity.example.com/x":          true,
		"https://evil.example/":                        false,
		"http://east.identity.example.com/":            false,
		"https://u:p@east.identity.example.com/":       false,
		"https://east.identity.example.com.evil.test/": false,
		"https://169.254.169.254/metadata":             false,
	} {
		id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: "identity"}
		body := harness.Body(harness.Newest, id, location)
		delete(body["properties"].(harness.Object), "servicePrincipalProfile")
		harness.Set(body, "properties.platformWorkloadIdentityProfile", harness.Object{"platformWorkloadIdentities": harness.Object{}})
		body["identity"] = harness.Object{"type": "UserAssigned", "userAssignedIdentities": harness.Object{
			"/subscriptions/" + subscription + "/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one": harness.Object{}}}
		reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: body,
			Header: map[string]string{"X-Ms-Identity-Url": address, "X-Ms-Home-Tenant-Id": foreign}})
		if err != nil {
			t.Fatal(err)
		}
		refused := false
		for _, target := range reply.Targets() {
			refused = refused || target == "X-Ms-Identity-Url"
		}
		if refused == allowed || !allowed && reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %s %s", address, reply, reply.Body)
		}
	}
}

func TestWordsOfCallersAreBounded(t *testing.T) {
	t.Parallel()
	process, client := plain(t, "--log-level", "DEBUG")
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: "words"}
	long := strings.Repeat("CANARY\u202e\n", 20000)
	for why, r := range map[string]harness.Request{
		"a member of a cluster":      {Method: "PUT", Path: id.String(), Version: harness.Newest, Body: harness.Set(harness.Body(harness.Newest, id, location), "properties", harness.Object{long: 1})},
		"a key of a map":             {Method: "PUT", Path: id.String(), Version: harness.Newest, Body: harness.Set(harness.Body(harness.Newest, id, location), "tags", harness.Object{long: 1})},
		"a member of a patch":        {Method: "PATCH", Path: id.String(), Version: harness.Newest, Body: harness.Object{long: 1}},
		"a member of a subscription": {Method: "PUT", Path: "/subscriptions/" + subscription, Version: "2.0", Body: []byte(`{"state":"Registered","` + strings.Repeat("CANARY", 20000) + `":{"a":1,"a":2}}`)},
		"a member for engineers":     {Method: "PUT", Path: "/admin/versions", Body: harness.Object{long: 1}},
		"an invented method":         {Method: strings.Repeat("CANARY", 2000), Path: id.String(), Version: harness.Newest},
		"a parameter":                {Method: "GET", Path: id.String() + "?" + strings.Repeat("CANARY", 2000) + "=1&" + strings.Repeat("CANARY", 2000) + "=2", Version: harness.Newest},
	} {
		before := len(process.Output())
		reply, err := client.Do(t.Context(), r)
		if err != nil {
			t.Fatal(why, err)
		}
		if reply.Status < 400 || reply.Status >= 500 || len(reply.Body) > 4096 {
			t.Errorf("%s: %d with %d bytes", why, reply.Status, len(reply.Body))
		}
		if bytes.ContainsAny(reply.Body, "\u202e") {
			t.Errorf("%s: the answer holds characters that do not print", why)
		}
		await(t, "line in the log", func() bool { return len(process.Output()) > before })
		for line := range strings.Lines(process.Output()[before:]) {
			if len(line) > 8192 || strings.Count(line, "CANARY") > 400 {
				t.Errorf("%s: a line of %d bytes in the log", why, len(line))
			}
		}
	}
}

func TestPutSubscriptionReadsItsBodyAsClustersDo(t *testing.T) {
	t.Parallel()
	_, client := plain(t)
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for why, body := range map[string]string{
		"a member twice":       `{"state":"Registered","state":"Deleted"}`,
		"a member twice below": `{"state":"Registered","properties":{"tenantId":"a","tenantId":"b"}}`,
		"too deep":             `{"state":"Registered","x":` + deep + `}`,
		"not UTF-8":            "{\"state\":\"Registered\",\"x\":\"\xff\"}",
		"something behind":     `{"state":"Registered"} {}`,
	} {
		reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0", Body: []byte(body)})
		if err != nil || reply.Status != http.StatusBadRequest || reply.Code() != "InvalidRequestContent" {
			t.Errorf("%s: %v %v", why, reply, err)
		}
	}
}

func TestNamesFoldAsTheyDoToARM(t *testing.T) {
	t.Parallel()
	_, client := plain(t)
	for _, name := range []string{"a", "b"} {
		id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g" + name, Name: name}
		if reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)}); err != nil || reply.Status != 201 {
			t.Fatal(reply, err)
		}
	}
	first, err := client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: listOfClusters + "?$top=1", Version: harness.Newest})
	if err != nil || first.Status != 200 {
		t.Fatal(first, err)
	}
	next := first.Text("nextLink")
	_, token, ok := strings.Cut(next, "skipToken=")
	if !ok {
		t.Fatal(next)
	}
	token, _, _ = strings.Cut(token, "&")
	api := "api-version=" + harness.Newest
	for _, test := range []struct {
		path   string
		status int
		first  string
	}{
		{listOfClusters + "?" + api + "&$TOP=1&$skiptoken=" + token, 200, "b"},
		{listOfClusters + "?API-Version=" + harness.Newest + "&$top=1", 200, "a"},
		{strings.ToUpper(listOfClusters) + "?" + api, 200, "a"},
		{listOfClusters + "?" + api + "&" + api, 400, ""},
		{listOfClusters + "?" + api + "&Api-Version=" + harness.Newest, 400, ""},
		{listOfClusters + "?" + api + "&$skipToken=" + token + "&$skiptoken=" + token, 400, ""},
		{listOfClusters + "?" + api + "&$top=1&$top=1", 400, ""},
		{listOfClusters + "?" + api + "&x=%zz", 400, ""},
		{strings.Replace(listOfClusters, "openShift", "open%C5%BFhift", 1) + "?" + api, 400, ""},
		{strings.Replace(listOfClusters, "subscriptions", "%C5%BFubscriptions", 1) + "?" + api, 404, ""},
		{"/admin/clu%C5%BFters", 404, ""},
		{"/admin/clusters?NAME=a&name=b", 400, ""},
	} {
		reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: test.path})
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != test.status || test.first != "" && reply.Text("value.0.name") != test.first && !bytes.Contains(reply.Body, []byte(`"name":"`+test.first+`"`)) {
			t.Errorf("%s: %s; want %d", test.path, reply, test.status)
		}
	}
}

func TestATooLargeBodyIsAnsweredVisibly(t *testing.T) {
	t.Parallel()
	process, _ := plain(t)
	address := strings.TrimPrefix(process.URL, "http://")
	const size = 8 << 20
	for why, framing := range map[string]string{"with a length": fmt.Sprintf("Content-Length: %d", size), "in chunks": "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		body := bytes.Repeat([]byte(" "), size)
		head := "PUT /subscriptions/" + subscription + "?api-version=2.0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n"
		if why == "in chunks" {
			body = fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", size, body)
		}
		// The whole body is written before anything is read, as simple clients do.
		if _, err := conn.Write(append([]byte(head), body...)); err != nil {
			t.Errorf("%s: the body cannot be sent: %v", why, err)
			continue
		}
		reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", why, err)
			continue
		}
		text, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusRequestEntityTooLarge || !bytes.Contains(text, []byte("RequestEntityTooLarge")) {
			t.Errorf("%s: %d %s %v", why, reply.StatusCode, text, err)
		}
	}
}

func TestHalfSentHeadersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"4096", "50"} {
		process, client := plain(t, "--connections", bound)
		address := strings.TrimPrefix(process.URL, "http://")
		for range 400 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET /healthz/live HTTP/1.1\r\nHost: local"); err != nil && bound == "4096" {
				t.Fatal(err)
			}
		}
		client.HTTP.CloseIdleConnections()
		reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: "/healthz/live"})
		if err != nil || reply.Status != http.StatusOK || reply.Took > 3*time.Second {
			t.Errorf("of %s connections: %v after %s, %v", bound, reply, reply.Took, err)
		}
	}
}

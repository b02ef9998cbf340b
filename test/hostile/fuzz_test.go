package hostile

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// foreignName is the name of a cluster of another customer.
const foreignName = "foreign-cluster-canary"

// newHandler is the server in this process, with three clusters of one customer
// and one of another. No worker touches them.
func newHandler(t testing.TB) http.Handler {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	documents := store.New(driver, keys)
	t.Cleanup(func() { _ = documents.Close() })
	if err := initialdata.Empty(t.Context(), documents, nil); err != nil {
		t.Fatal(err)
	}
	h := edge.Must(t, edge.Options{Config: server.Config{Store: documents, Location: location}, HTTP: httpserver.Config{Hosts: []string{"example.com"}}})
	for _, id := range []string{subscription, foreign} {
		put(t, h, "/subscriptions/"+id+"?api-version=2.0", harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": id}})
	}
	for _, id := range []arm.ClusterID{{SubscriptionID: subscription, ResourceGroup: "g", Name: "a"}, {SubscriptionID: subscription, ResourceGroup: "g", Name: "b"},
		{SubscriptionID: subscription, ResourceGroup: "g", Name: "c"}, {SubscriptionID: foreign, ResourceGroup: "g", Name: foreignName}} {
		put(t, h, id.String()+"?api-version="+harness.Newest, harness.Body(harness.Newest, id, location))
	}
	return h
}

func put(t testing.TB, h http.Handler, target string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPut, target, strings.NewReader(string(raw)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK && w.Code != http.StatusCreated {
		t.Fatalf("PUT %s: %d %s", target, w.Code, w.Body)
	}
}

// checkResponse validates every response, whatever the request.
func checkResponse(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 500 || w.Code < 200 {
		t.Fatalf("answered %d: %s", w.Code, w.Body)
	}
	if w.Header().Get("X-Ms-Request-Id") == "" {
		t.Fatalf("%d has no request id: %s", w.Code, w.Body)
	}
	if w.Code < 400 {
		return
	}
	var e arm.Envelope
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
		t.Fatalf("%d is no error envelope: %s", w.Code, w.Body)
	}
}

func FuzzPath(f *testing.F) {
	base := "/subscriptions/" + subscription + "/resourceGroups/g/providers/" + arm.ClusterResourceType
	for _, path := range []string{base, base + "/a", base + "//a/", "//" + base[1:], base + "/a/listCredentials", base + "/../" + foreignName,
		base + "/%2e%2e/%2f", "/SUBSCRIPTIONS/" + subscription + base[51:], "/admin/../" + base[1:], base + "/a%00", base + "/a?api-version=", base + "/%ff",
		strings.Replace(base, "/g/", "/%2e%2e%2f"+foreign+"/", 1), "/providers/" + arm.Namespace + "/operations", "/healthz/ready", "*", "/", "?", "/%", "/\u202e",
		"/subscriptions/" + subscription + "/providers/" + arm.Namespace + "/locations/eastus/operationsstatus/x", "http://other.example.com" + base,
		base + "?$skipToken=x", base + "?$top=-1", base + "?api-version=a&api-version=b", base + "?%zz", base + "?a;b"} {
		f.Add("GET", path)
		f.Add("DELETE", path)
	}
	f.Add("PUT", base+"/new")
	f.Add("BREW", base)
	h := newHandler(f)
	f.Fuzz(func(t *testing.T, method, path string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")))
		if err != nil || r.Method != method {
			return // no server would see it
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if method == http.MethodHead || strings.Contains(strings.ToLower(path), "metrics") {
			return
		}
		checkResponse(t, w)
		asked := strings.ToLower(r.URL.Path)
		if strings.Contains(w.Body.String(), foreignName) && !strings.Contains(asked, foreign) && !strings.Contains(asked, "admin") && !strings.Contains(asked, foreignName) {
			t.Fatalf("%s %q shows another customer's cluster: %s", method, path, w.Body)
		}
	})
}

func FuzzContinuation(f *testing.F) {
	h := newHandler(f)
	list := "/subscriptions/" + subscription + "/resourceGroups/g/providers/" + arm.ClusterResourceType
	token := firstToken(f, h, list)
	for _, seed := range []string{token, token[1:], token[:len(token)-1], strings.ToUpper(token), token + "A", token + token, "", "x", "null", `{"id":"a"}`,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\x00", "' OR 1=1 --", strings.Repeat("A", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, continuation string) {
		w := get(h, list+"?api-version="+harness.Newest+"&$skipToken="+url.QueryEscape(continuation))
		checkResponse(t, w)
		if strings.Contains(w.Body.String(), foreignName) {
			t.Fatalf("shows another customer's cluster: %s", w.Body)
		}
		if w.Code == http.StatusOK && !same(continuation, token) && continuation != "" {
			t.Fatalf("a token that was never given out was accepted: %q", continuation)
		}
		for _, other := range []string{strings.Replace(list, subscription, foreign, 1), strings.Replace(list, "/g/", "/h/", 1), "/subscriptions/" + subscription + "/providers/" + arm.ClusterResourceType} {
			w := get(h, other+"?api-version="+harness.Newest+"&$skipToken="+url.QueryEscape(continuation))
			if checkResponse(t, w); w.Code == http.StatusOK && continuation != "" {
				t.Fatalf("a token of %s was accepted at %s", list, other)
			}
		}
	})
}

// same reports whether two tokens are the same bytes: base64 has some freedom.
func same(a, b string) bool {
	x, errX := base64.RawURLEncoding.DecodeString(a)
	y, errY := base64.RawURLEncoding.DecodeString(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// firstToken is the token of a list's second page.
func firstToken(t testing.TB, h http.Handler, list string) string {
	t.Helper()
	w := get(h, list+"?api-version="+harness.Newest+"&$top=1")
	var page struct{ NextLink string }
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(page.NextLink)
	if err != nil || link.Query().Get("$skipToken") == "" {
		t.Fatalf("nextLink %q, %v", page.NextLink, err)
	}
	return link.Query().Get("$skipToken")
}

func FuzzBody(f *testing.F) {
	h := newHandler(f)
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: "fuzzed"}
	for i, version := range harness.Versions() {
		raw, err := json.Marshal(harness.Body(version, id, location))
		if err != nil {
			f.Fatal(err)
		}
		for _, method := range []string{http.MethodPut, http.MethodPatch} {
			f.Add(method, i, string(raw))
			f.Add(method, i, strings.Replace(string(raw), "{", `{"a":`, 2))
			f.Add(method, i, string(raw[:len(raw)/2]))
		}
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"tags":null}`, `{"properties":null}`, `{"tags":{"a":null}}`, `{"properties":{"workerProfiles":[null]}}`, "\xff", `{"\u0000":1}`} {
		f.Add(http.MethodPut, 10, body)
		f.Add(http.MethodPatch, 10, body)
	}
	f.Fuzz(func(t *testing.T, method string, version int, body string) {
		if method != http.MethodPut && method != http.MethodPatch {
			return
		}
		versions := harness.Versions()
		apiVersion := versions[uint(version)%uint(len(versions))]
		for _, name := range []string{"a", "fuzzed"} {
			target := fmt.Sprintf("/subscriptions/%s/resourceGroups/g/providers/%s/%s?api-version=%s", subscription, arm.ClusterResourceType, name, apiVersion)
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			checkResponse(t, w)
			if text := w.Body.String(); strings.Contains(text, harness.ClientSecretCanary) || strings.Contains(text, harness.PullSecretCanary) {
				t.Fatalf("%d repeats a secret: %s", w.Code, text)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%d is no JSON: %q", w.Code, w.Body)
			}
		}
	})
}

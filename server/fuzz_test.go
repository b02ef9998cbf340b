package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// fuzzed sends a request to the handler itself and fails on what no caller may
// ever cause: a fault of ours, or an error without code and message.
func fuzzed(t *testing.T, h http.Handler, verb string, u *url.URL, body []byte) int {
	t.Helper()
	r := &http.Request{Method: verb, URL: u, Host: "localhost", Header: http.Header{"Content-Type": {"application/json"}},
		Body: http.NoBody, ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if len(body) > 0 {
		r.Body = struct {
			*bytes.Reader
			nothing
		}{Reader: bytes.NewReader(body)}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(t.Context()))
	if w.Code >= 500 {
		t.Fatalf("%s %s: %d %s", verb, u, w.Code, w.Body)
	}
	if w.Code >= 400 {
		var e arm.Envelope
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
			t.Fatalf("%s %s: %d without a proper error: %s", verb, u, w.Code, w.Body)
		}
	}
	return w.Code
}

type nothing struct{}

func (nothing) Close() error { return nil }

func fuzzHandler(f *testing.F) http.Handler {
	s := edge.Must(f, edge.Options{Config: server.Config{Store: openStore(f)}})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPut, "/subscriptions/"+subscription+"?api-version=2.0", bytes.NewReader([]byte(`{"state":"Registered"}`)))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	s.ServeHTTP(w, r)
	if w.Code != 201 {
		f.Fatal(w.Body)
	}
	return s
}

func FuzzPaths(f *testing.F) {
	h := fuzzHandler(f)
	for _, path := range []string{"/", "", "//", listPath, clusterID("x").String(), clusterID("x").String() + "/listCredentials", "/admin/clusters",
		providerPath + "/operations", "/subscriptions/" + subscription + providerPath + "/locations/eastus/operationsstatus/" + subscription,
		"/subscriptions/\x00/resourceGroups/%2f/providers/x", deployment} {
		f.Add("GET", path, newest)
	}
	f.Fuzz(func(t *testing.T, verb, path, version string) {
		if path == "/metrics" || verb == "CONNECT" {
			return // not JSON
		}
		fuzzed(t, h, verb, &url.URL{Path: path, RawQuery: "api-version=" + url.QueryEscape(version)}, nil)
	})
}

func FuzzBodies(f *testing.F) {
	h := fuzzHandler(f)
	id := clusterID("fuzz")
	for _, version := range harness.Versions() {
		raw, err := json.Marshal(harness.Body(version, id, location))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(version, raw)
	}
	for _, raw := range []string{"", "null", "[]", "{", `{"properties":null}`, `{"resources":[{"type":"microsoft.redhatopenshift/openshiftclusters","apiVersion":"2025-07-25"}]}`,
		`{"state":"Deleted","properties":{"x":[[[]]]}}`, `{"tags":{"a":"[x]"}}`} {
		f.Add(newest, []byte(raw))
	}
	f.Fuzz(func(t *testing.T, version string, body []byte) {
		query := "api-version=" + url.QueryEscape(version)
		fuzzed(t, h, "PUT", &url.URL{Path: id.String(), RawQuery: query}, body)
		fuzzed(t, h, "PATCH", &url.URL{Path: id.String(), RawQuery: query}, body)
		if code := fuzzed(t, h, "POST", &url.URL{Path: deployment, RawQuery: "api-version=" + newest}, body); code != 200 {
			t.Fatalf("preflight answered %d", code)
		}
		fuzzed(t, h, "PUT", &url.URL{Path: "/subscriptions/00000000-0000-0000-0000-0000000000a9", RawQuery: "api-version=2.0"}, body)
		fuzzed(t, h, "PUT", &url.URL{Path: "/admin/versions"}, body)
		fuzzed(t, h, "PUT", &url.URL{Path: "/admin/platformworkloadidentityrolesets"}, body)
	})
}

func FuzzTokens(f *testing.F) {
	h := fuzzHandler(f)
	for _, token := range []string{"x", "AAAA", "a|cluster-1", "%", "\x00", "eyJhIjoxfQ", string(make([]byte, 300))} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if token == "" {
			return // the first page
		}
		query := url.Values{"api-version": {newest}, "$skipToken": {token}}
		if code := fuzzed(t, h, "GET", &url.URL{Path: listPath, RawQuery: query.Encode()}, nil); code != 400 {
			t.Fatalf("token %q was answered with %d", token, code)
		}
	})
}

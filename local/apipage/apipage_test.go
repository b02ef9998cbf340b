package apipage

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	origin       = "https://localhost:8443"
	subscription = "00000000-0000-0000-0000-0000000000a1"
	openShift    = "4.99.1"
)

// roundTrip answers requests of the page in place of the local Azure.
type roundTrip func(*http.Request) (int, string)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

var noCluster roundTrip = func(*http.Request) (int, string) { return http.StatusNotFound, `{"error":{}}` }

func newPage(t *testing.T) *Page {
	t.Helper()
	p, err := New(Options{Origin: origin, Subscription: subscription, Version: openShift, Token: func(context.Context) (string, error) { return "the-token", nil }, Client: &http.Client{Transport: noCluster}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends a request as a browser on this machine that shows the page, unless
// change says otherwise.
func ask(t *testing.T, p *Page, method, name string, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, origin+Prefix+name, http.NoBody)
	r.RemoteAddr = "127.0.0.1:40000"
	if method == http.MethodPost {
		r.Header.Set("Origin", origin)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func document(t *testing.T, p *Page, name string) map[string]any {
	t.Helper()
	answer := ask(t, p, http.MethodGet, "/openapi/"+name, nil)
	content := body(t, answer)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", name, answer.StatusCode, content)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(content), &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return document
}

func TestVersionsAreListedStableFirstAndNewestFirst(t *testing.T) {
	var got []string
	if err := json.Unmarshal([]byte(body(t, ask(t, newPage(t), http.MethodGet, "/versions.json", nil))), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"2025-07-25", "2023-11-22", "2023-09-04", "2023-04-01", "2022-09-04", "2022-04-01", "2020-04-30",
		"2024-08-12-preview", "2023-07-01-preview", "2021-09-01-preview", "2019-12-31-preview"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestEveryDescriptionAsksThisOriginAndItsReferencesResolve(t *testing.T) {
	p := newPage(t)
	versions, err := Versions()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			name := "arm/" + version + "/redhatopenshift.json"
			d := document(t, p, name)
			if d["host"] != "localhost:8443" || !slices.Equal(d["schemes"].([]any), []any{"https"}) {
				t.Errorf("host %v, schemes %v", d["host"], d["schemes"])
			}
			if d["securityDefinitions"] != nil {
				t.Error("the page offers Azure's sign-in")
			}
			r := resolver{t: t, page: p, files: map[string]map[string]any{name: d}}
			r.walk(name, d)
			if r.followed == 0 {
				t.Error("no reference was followed")
			}
		})
	}
}

// resolver follows every reference as a browser would.
type resolver struct {
	t        *testing.T
	page     *Page
	files    map[string]map[string]any
	followed int
}

func (r *resolver) walk(file string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			r.follow(file, ref)
		}
		for _, member := range v {
			r.walk(file, member)
		}
	case []any:
		for _, element := range v {
			r.walk(file, element)
		}
	}
}

func (r *resolver) follow(file, ref string) {
	r.followed++
	name, pointer, _ := strings.Cut(ref, "#/")
	target := file
	if name != "" {
		target = path.Join(path.Dir(file), name)
	}
	if r.files[target] == nil {
		r.files[target] = document(r.t, r.page, target)
		r.walk(target, r.files[target])
	}
	var at any = r.files[target]
	for _, key := range strings.Split(pointer, "/") {
		at = at.(map[string]any)[key]
		if at == nil {
			r.t.Errorf("%s: %s leads nowhere", file, ref)
			return
		}
	}
}

func TestParametersAndBodiesAreFilled(t *testing.T) {
	p := newPage(t)
	versions, err := Versions()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			want := map[string]any{"api-version": version, "subscriptionId": subscription, "resourceGroupName": "demo", "resourceName": "demo", "location": "eastus", "openShiftVersion": openShift}
			bodies := 0
			for _, methods := range document(t, p, "arm/"+version+"/redhatopenshift.json")["paths"].(map[string]any) {
				for _, operation := range methods.(map[string]any) {
					for _, each := range operation.(map[string]any)["parameters"].([]any) {
						parameter := each.(map[string]any)
						name := parameter["name"].(string)
						if parameter["in"] == "body" {
							example, _ := parameter["schema"].(map[string]any)["example"].(map[string]any)
							if example == nil {
								t.Errorf("%v has no body", operation.(map[string]any)["operationId"])
							}
							if profile := cluster(example); profile["version"] != nil && profile["version"] != openShift {
								t.Errorf("%v asks for version %v", operation.(map[string]any)["operationId"], profile["version"])
							}
							bodies++
						} else if got := parameter["x-example"]; got == nil || want[name] != nil && got != want[name] {
							t.Errorf("%s is filled with %v", name, got)
						}
					}
				}
			}
			if bodies != 2 {
				t.Errorf("%d bodies, want those of PUT and PATCH", bodies)
			}
			if strings.Contains(body(t, ask(t, p, http.MethodGet, "/openapi/arm/"+version+"/redhatopenshift.json", nil)), exampleSubscription) {
				t.Error("an example is in a subscription that is not there")
			}
		})
	}
}

func TestPUTStartsWithTheClusterThatThereIs(t *testing.T) {
	p := newPage(t)
	const there = `{"location":"eastus","tags":{"its":"own"}}`
	p.Client.Transport = roundTrip(func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "Bearer the-token" || !strings.HasSuffix(r.URL.Path, "/resourceGroups/demo/providers/Microsoft.RedHatOpenShift/openShiftClusters/demo") || r.URL.Query().Get("api-version") != "2022-09-04" {
			t.Errorf("it was asked for %s", r.URL)
		}
		return http.StatusOK, there
	})
	description := body(t, ask(t, p, http.MethodGet, "/openapi/arm/2022-09-04/redhatopenshift.json", nil))
	if strings.Count(description, `"example":`+there) != 1 {
		t.Error("no body, or another one than that of PUT, is the cluster")
	}
}

// cluster is the profile of the cluster in a body, nil if it has none.
func cluster(body map[string]any) map[string]any {
	properties, _ := body["properties"].(map[string]any)
	profile, _ := properties["clusterProfile"].(map[string]any)
	return profile
}

func TestDescriptionsKeepTheirOrder(t *testing.T) {
	o, err := decode([]byte(`{"b":[{"z":1,"a":"<"}],"a":null,"c":0.10}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(o)
	if want := `{"b":[{"z":1,"a":"\u003c"}],"a":null,"c":0.10}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTokensAreForThePageInABrowserOfThisMachine(t *testing.T) {
	p := newPage(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"the page":                 {nil, http.StatusOK},
		"the page, by IPv6":        {func(r *http.Request) { r.RemoteAddr = "[::1]:40000" }, http.StatusOK},
		"the page, by mapped IPv4": {func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:40000" }, http.StatusOK},
		"an old browser":           {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }, http.StatusOK},
		"another machine":          {func(r *http.Request) { r.RemoteAddr = "192.0.2.7:40000" }, http.StatusForbidden},
		"an unknown peer":          {func(r *http.Request) { r.RemoteAddr = "" }, http.StatusForbidden},
		"another site":             {func(r *http.Request) { r.Header.Set("Origin", "https://example.com") }, http.StatusForbidden},
		"another port":             {func(r *http.Request) { r.Header.Set("Origin", "https://localhost:8444") }, http.StatusForbidden},
		"another scheme":           {func(r *http.Request) { r.Header.Set("Origin", "http://localhost:8443") }, http.StatusForbidden},
		"a page without origin":    {func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
		"no browser":               {func(r *http.Request) { r.Header.Del("Origin") }, http.StatusForbidden},
		"a neighbour site":         {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		"a name made to lead here": {func(r *http.Request) {
			r.Host = "evil.example:8443"
			r.Header.Set("Origin", "https://evil.example:8443")
		}, http.StatusMisdirectedRequest},
		"a name, with the right origin": {func(r *http.Request) { r.Host = "evil.example:8443" }, http.StatusMisdirectedRequest},
		"a link":                        {func(r *http.Request) { r.Method = http.MethodGet }, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, p, http.MethodPost, "/token", c.change)
			content := body(t, answer)
			if answer.StatusCode != c.want || strings.Contains(content, "the-token") != (c.want == http.StatusOK) {
				t.Errorf("%d %s", answer.StatusCode, content)
			}
			if c.want == http.StatusOK && answer.Header.Get("Cache-Control") != "no-store" {
				t.Error("the token may be cached")
			}
		})
	}
}

func TestWhyThereIsNoTokenIsForTheLog(t *testing.T) {
	var log strings.Builder
	p, err := New(Options{Origin: origin, Log: slog.New(slog.NewTextHandler(&log, nil)), Token: func(context.Context) (string, error) { return "", errors.New("the reason") }})
	if err != nil {
		t.Fatal(err)
	}
	answer := ask(t, p, http.MethodPost, "/token", nil)
	if content := body(t, answer); answer.StatusCode != http.StatusBadGateway || strings.Contains(content, "the reason") || !strings.Contains(log.String(), "the reason") {
		t.Errorf("%d %s; log %s", answer.StatusCode, content, log.String())
	}
}

func TestFilesAreServed(t *testing.T) {
	p := newPage(t)
	for name, want := range map[string]struct {
		status     int
		kind, says string
	}{
		"/":                                       {http.StatusOK, "text/html", "page.js"},
		"/page.js":                                {http.StatusOK, "text/javascript", "SwaggerUIBundle"},
		"/page.css":                               {http.StatusOK, "text/css", "body"},
		"/ui/swagger-ui-bundle.js":                {http.StatusOK, "application/javascript", "SwaggerUIBundle"},
		"/ui/swagger-ui.css":                      {http.StatusOK, "text/css", ".swagger-ui"},
		"/ui/missing.js":                          {http.StatusNotFound, "", ""},
		"/openapi/arm/1999-01-01/missing.json":    {http.StatusNotFound, "", ""},
		"/openapi/arm":                            {http.StatusNotFound, "", ""},
		"/openapi/admin/admin.json":               {http.StatusNotFound, "", ""},
		"/openapi/arm/2025-07-25/%2e%2e/../x":     {http.StatusNotFound, "", ""},
		"/openapi/%2e%2e%2fopenapi.go":            {http.StatusNotFound, "", ""},
		"/openapi/arm/2025-07-25/..%2f..%2f..%2f": {http.StatusNotFound, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, p, http.MethodGet, name, nil)
			content := body(t, answer)
			if answer.StatusCode == http.StatusTemporaryRedirect || answer.StatusCode == http.StatusMovedPermanently { // to the clean path
				answer.StatusCode = http.StatusNotFound
			}
			if answer.StatusCode != want.status || !strings.HasPrefix(answer.Header.Get("Content-Type"), want.kind) || !strings.Contains(content, want.says) {
				t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
			}
			if answer.Header.Get("Content-Security-Policy") == "" {
				t.Error("no policy says what the page may load")
			}
		})
	}
}

func TestOnlyTheNameOfTheOriginIsAnswered(t *testing.T) {
	if answer := ask(t, newPage(t), http.MethodGet, "/", func(r *http.Request) { r.Host = "127.0.0.1:8443" }); answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("got %d", answer.StatusCode)
	}
}

func TestAPageNeedsAnOrigin(t *testing.T) {
	for _, o := range []string{"", "localhost", "://"} {
		if _, err := New(Options{Origin: o}); err == nil {
			t.Errorf("%q is taken for an origin", o)
		}
	}
}

package conformance

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// requestChecks are chapter C: requests, headers and errors.
func requestChecks() []check {
	return []check{
		{id: "C01", title: "the caller's request and correlation ids are accepted and logged, whatever their form", run: checkCallerIDs},
		{id: "C02", title: "x-ms-client-request-id is echoed only when the caller asks", run: checkEcho},
		{id: "C04", title: "x-ms-routing-request-id is not our own activity id", run: checkRoutingID},
		{id: "C05", title: "public URLs are built from the Referer", run: checkReferer},
		{id: "C06", title: "identity headers are trusted only from ARM", why: "needs two client certificates: test/hostile proves it over TLS"},
		{id: "C07", title: "Accept-Language never changes codes", run: checkLanguage},
		{id: "C08", title: "paths match in any case, and names are returned as given", run: checkCasing},
		{id: "C09", title: "unknown query parameters do not break a call", run: checkQuery},
		{id: "C12", title: "chunked bodies are accepted", run: checkChunked},
	}
}

func (t *T) getWith(path string, header map[string]string) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: http.MethodGet, Path: path, Version: harness.Newest, Header: header})
}

func checkCallerIDs(t *T) {
	correlation := uuid.NewString()
	for _, client := range []string{uuid.NewString(), "no uuid at all", strings.Repeat("x", 2000)} {
		for range 2 { // the same ids may come twice
			reply := t.getWith(t.groupPath(), map[string]string{"x-ms-client-request-id": client, "x-ms-correlation-request-id": correlation})
			t.want(reply, http.StatusOK)
		}
	}
	if t.process != nil && !strings.Contains(t.process.Output(), correlation) {
		t.Errorf("the log does not have correlation id %s", correlation)
	}
}

func checkEcho(t *T) {
	for ask, want := range map[string]bool{"": false, "false": false, "true": true, "True": true} {
		id := uuid.NewString()
		header := map[string]string{"x-ms-client-request-id": id}
		if ask != "" {
			header["x-ms-return-client-request-id"] = ask
		}
		if got := t.getWith(t.groupPath(), header).Header.Get("x-ms-client-request-id"); (got == id) != want {
			t.Errorf("asked %q, got x-ms-client-request-id %q", ask, got)
		}
	}
}

func checkRoutingID(t *T) {
	routing := uuid.NewString()
	reply := t.getWith(t.groupPath(), map[string]string{"x-ms-routing-request-id": routing, "x-ms-request-id": routing})
	if reply.Header.Get("x-ms-request-id") == routing {
		t.Errorf("x-ms-request-id is the caller's routing id")
	}
}

func checkReferer(t *T) {
	const public = "https://management.example.com"
	id := t.id("referer")
	send := func(method string, body any) *harness.Reply {
		return t.send(harness.Request{Method: method, Path: id.String(), Version: harness.Newest, Body: body,
			Header: map[string]string{"Referer": public + id.String() + "?api-version=" + harness.Newest}})
	}
	t.Cleanup(func() { t.discard(&cluster{id: id, path: id.String()}) })
	created := t.want(send(http.MethodPut, harness.Body(harness.Newest, id, t.location)), http.StatusCreated)
	deleted := t.want(send(http.MethodDelete, nil), http.StatusAccepted)
	links := map[string]string{
		"Azure-AsyncOperation of PUT":    created.Header.Get("Azure-AsyncOperation"),
		"Azure-AsyncOperation of DELETE": deleted.Header.Get("Azure-AsyncOperation"),
		"Location of DELETE":             deleted.Header.Get("Location"),
		"nextLink":                       t.pageWithReferer(public),
	}
	for name, link := range links {
		if !strings.HasPrefix(link, public+"/subscriptions/") {
			t.Errorf("%s is %q, want it on %s", name, link, public)
		}
		if u, err := url.Parse(link); err != nil || u.Query().Get("api-version") != harness.Newest {
			t.Errorf("%s is %q, want it to name the api-version", name, link)
		}
	}
}

// pageWithReferer is the nextLink of a first page of one of several clusters.
func (t *T) pageWithReferer(public string) string {
	t.shared()
	t.begin("referer", harness.Newest, nil)
	path := t.groupPath() + "?$top=1"
	reply := t.getWith(path, map[string]string{"Referer": public + path + "&api-version=" + harness.Newest})
	return t.want(reply, http.StatusOK).Text("nextLink")
}

func checkLanguage(t *T) {
	for _, language := range []string{"", "de-DE", "zh-Hans,ja;q=0.5", "\"'"} {
		reply := t.getWith(t.groupPath()+"/absent", map[string]string{"Accept-Language": language})
		t.want(reply, http.StatusNotFound, "ResourceNotFound")
	}
}

func checkCasing(t *T) {
	c := t.begin("MiXeD", harness.Newest, nil)
	for _, path := range []string{strings.ToLower(c.path), strings.ToUpper(c.path),
		strings.Replace(c.path, "resourceGroups", "RESOURCEGROUPS", 1)} {
		reply := t.want(t.get(path, harness.Newest), http.StatusOK)
		if got := reply.Text("id"); got != c.path {
			t.Errorf("GET %s has id %q, want %q", path, got, c.path)
		}
		if got := reply.Text("name"); got != c.id.Name {
			t.Errorf("GET %s has name %q, want %q", path, got, c.id.Name)
		}
	}
	if ids := t.walk(strings.ToUpper(t.groupPath())); !slices.Contains(ids, c.path) {
		t.Errorf("the list by an upper-case path lacks %s", c.path)
	}
	// Another casing is the same cluster: no second create.
	t.want(t.put(strings.ToUpper(c.path), harness.Newest, c.body), http.StatusOK)
}

func checkQuery(t *T) {
	for _, query := range []string{"?x=1", "?$expand=all", "?x=%C3%A4%26%3D", "?x"} {
		t.want(t.get(t.groupPath()+query, harness.Newest), http.StatusOK)
	}
}

func checkChunked(t *T) {
	id := t.id("chunked")
	c := &cluster{id: id, path: id.String()}
	t.Cleanup(func() { t.discard(c) })
	// A pipe has no length, so the body goes out in chunks.
	read, write := io.Pipe()
	go func() {
		raw := []byte(fmt.Sprintf(`{"tags":{"how":"chunked"},"location":%q,"properties":`, t.location))
		_, _ = write.Write(raw)
		_, _ = write.Write(encode(harness.Body(harness.Newest, id, t.location)["properties"]))
		_, _ = write.Write([]byte("}"))
		_ = write.Close()
	}()
	t.want(t.put(c.path, harness.Newest, read), http.StatusCreated)
}

func checkMissing(t *T) {
	unknown := uuid.NewString()
	list := t.want(t.get("/subscriptions/"+unknown+"/providers/"+arm.ClusterResourceType, harness.Newest), http.StatusOK)
	if items, ok := list.JSON["value"].([]any); !ok || len(items) != 0 {
		t.Errorf("%s; want an empty list", list)
	}
	for why, path := range map[string]string{
		"unknown subscription": strings.Replace(t.shared().path, t.subscription, unknown, 1),
		"unknown group":        strings.Replace(t.shared().path, t.group, "absent", 1),
		"unknown cluster":      t.groupPath() + "/absent",
	} {
		if reply := t.get(path, harness.Newest); reply.Status != http.StatusNotFound || reply.Code() != "ResourceNotFound" {
			t.Errorf("%s: %s; want 404 ResourceNotFound", why, reply)
		}
	}
	if reply := t.get("/no/such/path", harness.Newest); reply.Status != http.StatusNotFound {
		t.Errorf("%s; want 404", reply)
	}
	for _, path := range []string{t.groupPath(), t.shared().path} {
		reply := t.send(harness.Request{Method: http.MethodTrace, Path: path, Version: harness.Newest})
		if reply.Status != http.StatusMethodNotAllowed || reply.Header.Get("Allow") == "" {
			t.Errorf("%s; want 405 with Allow", reply)
		}
	}
	observed("C15", "", "").run(t)
}

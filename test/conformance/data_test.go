package conformance

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/test/harness"
)

// dataChecks are chapters Y (system data) and E (entity tags).
func dataChecks() []check {
	return []check{
		{id: "Y02", title: "systemData comes from ARM, is set when a request is accepted, and is changed by nothing else", run: checkSystemData},
		{id: "Y03", title: "systemData is in no log and no metric", run: checkSystemDataPrivate, why: "looked at when the kit started the provider"},
		{id: "E01", title: "PUT honours If-Match and If-None-Match", run: checkPutMatch},
		{id: "E02", title: "PATCH honours If-Match; absent is 404", run: checkPatchMatch},
		{id: "E03", title: "DELETE honours If-Match; absent is 204", run: checkDeleteMatch},
		{id: "E04", title: "an etag in the body equals the header", run: checkBodyTag, why: "no published model has an etag member, so the header alone says it"},
	}
}

const systemDataHeader = "X-Ms-Arm-Resource-System-Data"

// systemData is the header as ARM sends it for a user at an hour of one day.
func systemData(user, hour string) map[string]string {
	at := "2026-11-20T" + hour + ":00:00Z"
	return map[string]string{systemDataHeader: string(encode(harness.Object{"createdBy": user, "createdByType": "User", "createdAt": at,
		"lastModifiedBy": user, "lastModifiedByType": "User", "lastModifiedAt": at}))}
}

func (t *T) sendAs(method string, c *cluster, body any, header map[string]string) *harness.Reply {
	t.Helper()
	return t.send(harness.Request{Method: method, Path: c.path, Version: harness.Newest, Body: body, Header: header})
}

func (t *T) unborn(prefix string) *cluster {
	id := t.id(prefix)
	c := &cluster{id: id, path: id.String(), version: harness.Newest, body: harness.Body(harness.Newest, id, t.location)}
	t.Cleanup(func() { t.discard(c) })
	return c
}

func checkSystemData(t *T) {
	c := t.unborn("system")
	t.succeeds(t.want(t.sendAs(http.MethodPut, c, c.body, systemData("ada@example.com", "01")), http.StatusCreated))
	expect := func(why, created, modified string) {
		t.Helper()
		reply := t.want(t.get(c.path, harness.Newest), http.StatusOK)
		if got := reply.Text("systemData.createdBy"); got != created {
			t.Errorf("%s: createdBy %q, want %q", why, got, created)
		}
		if got := reply.Text("systemData.lastModifiedBy"); got != modified {
			t.Errorf("%s: lastModifiedBy %q, want %q", why, got, modified)
		}
	}
	expect("after the create", "ada@example.com", "ada@example.com")
	created := t.get(c.path, harness.Newest).Text("systemData.createdAt")
	// ARM sends only what changed on an update.
	modified := map[string]string{systemDataHeader: `{"lastModifiedBy":"bob@example.com","lastModifiedByType":"User","lastModifiedAt":"2026-11-20T02:00:00Z"}`}
	t.want(t.sendAs(http.MethodPatch, c, harness.Object{"tags": harness.Object{"a": "b"}}, modified), http.StatusOK)
	expect("after a PATCH", "ada@example.com", "bob@example.com")
	if got := t.get(c.path, harness.Newest).Text("systemData.createdAt"); got != created {
		t.Errorf("createdAt moved from %s to %s", created, got)
	}
	eve := systemData("eve@example.com", "03")
	t.want(t.sendAs(http.MethodPatch, c, harness.Object{"location": "elsewhere"}, eve), http.StatusBadRequest)
	expect("after a refused PATCH", "ada@example.com", "bob@example.com")
	t.want(t.sendAs(http.MethodGet, c, nil, eve), http.StatusOK)
	expect("after a GET", "ada@example.com", "bob@example.com")
	t.succeeds(t.want(t.sendAs(http.MethodPatch, c, work("-y"), modified), http.StatusOK))
	expect("after the worker's writes", "ada@example.com", "bob@example.com")
	// A body that echoes systemData is accepted and moves nothing.
	echo := t.get(c.path, harness.Newest).JSON
	t.want(t.put(c.path, harness.Newest, echo), http.StatusOK)
	t.want(t.get(c.path, "2020-04-30"), http.StatusOK)
	for _, broken := range []string{"{", "null", "[]", `"x"`} {
		reply := t.sendAs(http.MethodPatch, c, harness.Object{"tags": harness.Object{"a": "c"}}, map[string]string{systemDataHeader: broken})
		if reply.Status >= 500 {
			t.Errorf("header %q: %s", broken, reply)
		}
	}
}

func checkSystemDataPrivate(t *T) {
	user := "private-" + uuid.NewString()[:8] + "@example.com"
	c := t.unborn("private")
	t.succeeds(t.want(t.sendAs(http.MethodPut, c, c.body, systemData(user, "04")), http.StatusCreated))
	if t.process == nil {
		return
	}
	metrics, err := t.client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: "/metrics"})
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	if strings.Contains(t.process.Output(), user) || strings.Contains(string(metrics.Body), user) {
		t.Errorf("the log or the metrics name the user of systemData")
	}
}

func match(name, value string) map[string]string { return map[string]string{name: value} }

func checkPutMatch(t *T) {
	for _, test := range []struct {
		name, value string
		want        int
	}{
		{"If-Match", "*", http.StatusPreconditionFailed},
		{"If-Match", `"none"`, http.StatusPreconditionFailed},
		{"If-None-Match", "*", http.StatusCreated},
	} {
		c := t.unborn("etag")
		reply := t.sendAs(http.MethodPut, c, c.body, match(test.name, test.value))
		if reply.Status != test.want {
			t.Errorf("absent, %s %s: %s; want %d", test.name, test.value, reply, test.want)
		}
	}
	c := t.ready("etag", harness.Newest, nil)
	tag := t.get(c.path, harness.Newest).Header.Get("ETag")
	if len(tag) < 3 || tag[0] != '"' {
		t.Fatalf("ETag is %q, want a strong one in quotes", tag)
	}
	for _, test := range []struct {
		name, value string
		want        int
	}{
		{"If-Match", "*", http.StatusOK},
		{"If-Match", tag, http.StatusOK},
		{"If-Match", `"other", ` + tag, http.StatusOK},
		{"If-Match", `"other"`, http.StatusPreconditionFailed},
		{"If-None-Match", "*", http.StatusPreconditionFailed},
	} {
		reply := t.sendAs(http.MethodPut, c, c.body, match(test.name, test.value))
		if reply.Status != test.want {
			t.Errorf("present, %s %s: %s; want %d", test.name, test.value, reply, test.want)
		}
		if reply.Status == http.StatusPreconditionFailed && reply.Code() != "PreconditionFailed" {
			t.Errorf("%s; want code PreconditionFailed", reply)
		}
	}
}

func checkPatchMatch(t *T) {
	t.want(t.sendAs(http.MethodPatch, t.unborn("etag"), harness.Object{}, match("If-Match", "*")), http.StatusNotFound)
	c := t.ready("etag", harness.Newest, nil)
	tag := t.get(c.path, harness.Newest).Header.Get("ETag")
	changed := t.want(t.sendAs(http.MethodPatch, c, harness.Object{"tags": harness.Object{"n": "1"}}, match("If-Match", tag)), http.StatusOK)
	next := changed.Header.Get("ETag")
	if next == tag || next != t.get(c.path, harness.Newest).Header.Get("ETag") {
		t.Errorf("ETag was %s, the PATCH answered %s", tag, next)
	}
	t.want(t.sendAs(http.MethodPatch, c, harness.Object{"tags": harness.Object{"n": "2"}}, match("If-Match", tag)), http.StatusPreconditionFailed, "PreconditionFailed")
	if got := t.get(c.path, harness.Newest).Text("tags.n"); got != "1" {
		t.Errorf("a refused PATCH changed the tag to %q", got)
	}
}

func checkDeleteMatch(t *T) {
	t.want(t.sendAs(http.MethodDelete, t.unborn("etag"), nil, match("If-Match", `"x"`)), http.StatusNoContent)
	c := t.ready("etag", harness.Newest, nil)
	tag := t.get(c.path, harness.Newest).Header.Get("ETag")
	t.want(t.sendAs(http.MethodDelete, c, nil, match("If-Match", `"other"`)), http.StatusPreconditionFailed, "PreconditionFailed")
	t.want(t.get(c.path, harness.Newest), http.StatusOK)
	t.want(t.sendAs(http.MethodDelete, c, nil, match("If-Match", tag)), http.StatusAccepted)
}

func checkBodyTag(t *T) {
	reply := t.want(t.get(t.shared().path, harness.Newest), http.StatusOK)
	for _, member := range []string{"etag", "properties.etag"} {
		if got := harness.At(reply.JSON, member); got != nil && !reflect.DeepEqual(got, reply.Header.Get("ETag")) {
			t.Errorf("%s is %v, the header %s", member, got, reply.Header.Get("ETag"))
		}
	}
}

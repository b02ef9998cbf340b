package server_test

import (
	"testing"

	"github.com/aro-rp/aro/test/harness"
)

func TestConditions(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	here := w.ready(newest, "here")
	absent := clusterID("absent")
	current := w.do("GET", here.String(), newest, nil).Header.Get("ETag")
	const other = `"somebody-1"`
	put, patch := "PUT", "PATCH"
	for _, test := range []struct {
		check, verb   string
		exists        bool
		header, value string
		want          int
	}{
		{"E01 no header, present", put, true, "", "", 200},
		{"E01 If-Match * absent", put, false, "If-Match", "*", 412},
		{"E01 If-Match * present", put, true, "If-Match", "*", 200},
		{"E01 a tag, absent", put, false, "If-Match", other, 412},
		{"E01 another tag, present", put, true, "If-Match", other, 412},
		{"E01 the tag, present", put, true, "If-Match", current, 200},
		{"E01 the tag in a list", put, true, "If-Match", other + ", " + current, 200},
		{"E01 If-None-Match * present", put, true, "If-None-Match", "*", 412},
		{"E01 If-None-Match the tag", put, true, "If-None-Match", current, 412},
		{"E01 If-None-Match another tag", put, true, "If-None-Match", other, 200},
		{"E02 absent", patch, false, "If-Match", other, 404},
		{"E02 mismatch", patch, true, "If-Match", other, 412},
		{"E02 match", patch, true, "If-Match", current, 200},
		{"E03 absent", "DELETE", false, "If-Match", other, 204},
		{"E03 mismatch", "DELETE", true, "If-Match", other, 412},
		{"E01 If-None-Match * absent", put, false, "If-None-Match", "*", 201},
	} {
		id := absent
		if test.exists {
			id = here
		}
		var body any
		switch test.verb {
		case put:
			body = harness.Body(newest, id, location)
		case patch:
			body = harness.Object{}
		}
		var headers []string
		if test.header != "" {
			headers = []string{test.header, test.value}
		}
		if r := w.do(test.verb, id.String(), newest, body, headers...); r.Status != test.want {
			t.Errorf("%s: want %d: %v", test.check, test.want, r)
		}
	}
}

func TestETagChangesWithWhatCustomersSee(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "etag")
	before := w.do("GET", id.String(), newest, nil).Header.Get("ETag")
	tagged := w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"a": "b"}}, "If-Match", before))
	if tagged.Header.Get("ETag") == before {
		t.Error("tags changed, the ETag did not")
	}
	w.want(412, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"a": "c"}}, "If-Match", before))
	if got := w.do("GET", id.String(), oldest, nil).Header.Get("ETag"); got != tagged.Header.Get("ETag") {
		t.Errorf("ETag is %s in another version, %s in this", got, tagged.Header.Get("ETag"))
	}
	w.want(202, w.do("DELETE", id.String(), newest, nil, "If-Match", tagged.Header.Get("ETag")))
}

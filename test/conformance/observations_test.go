package conformance

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/test/harness"
)

const (
	maxAnswer = 8 << 20
	// maxURL bounds the addresses of operations, in bytes (L14).
	maxURL = 4 << 10
)

// observations are rules for every response of the whole run, whichever check
// requested it.
type observations struct {
	canaries []string

	mu      sync.Mutex
	answers int
	ids     map[string]bool
	faults  map[string][]string
}

func (o *observations) note(r *harness.Reply) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.faults == nil {
		o.faults, o.ids = map[string][]string{}, map[string]bool{}
	}
	o.answers++
	o.headers(r)
	o.declared(r)
	o.body(r)
	o.async(r)
}

func (o *observations) fault(id string, r *harness.Reply, format string, args ...any) {
	o.faults[id] = append(o.faults[id], fmt.Sprintf(format, args...)+": "+r.String())
}

func (o *observations) headers(r *harness.Reply) {
	id := r.Header.Get("X-Ms-Request-Id")
	if _, err := uuid.Parse(id); err != nil || o.ids[id] {
		o.fault("C03", r, "x-ms-request-id %q is missing, no UUID or not fresh", id)
	}
	o.ids[id] = true
	if _, err := time.Parse(http.TimeFormat, r.Header.Get("Date")); err != nil {
		o.fault("C03", r, "Date is %q", r.Header.Get("Date"))
	}
	if kind := r.Header.Get("Content-Type"); len(r.Body) > 0 && !strings.HasPrefix(kind, "application/json") {
		o.fault("C03", r, "Content-Type is %q", kind)
	}
	if r.Took > harness.RequestTimeout {
		o.fault("C10", r, "took %s", r.Took)
	}
	if r.Status >= 300 && r.Status < 400 {
		o.fault("C13", r, "is a redirect")
	}
	if wait := r.Header.Get("Retry-After"); retryable(r.Status) && wait == "" {
		o.fault("C16", r, "has no Retry-After")
	}
}

// declared holds successes to the published files (see harness.Reply.Declared).
func (o *observations) declared(r *harness.Reply) {
	if !r.Declared() {
		o.fault("C18", r, "is a status that api-version %s does not declare", r.Request.Version)
	}
}

func retryable(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

func (o *observations) body(r *harness.Reply) {
	if len(r.Body) > maxAnswer {
		o.fault("C11", r, "has %d bytes", len(r.Body))
	}
	if r.Status >= 400 && r.Request.Method != http.MethodHead {
		if r.Code() == "" || r.Message() == "" || len(r.JSON) != 1 {
			o.fault("C14", r, "is no error envelope with code and message")
		}
		if code := r.Code(); code != "" && strings.ToUpper(code[:1]) != code[:1] {
			o.fault("C14", r, "code %q is not PascalCase", code)
		}
	}
	if r.Status >= 500 {
		o.fault("C15", r, "is a failure of the provider")
	}
	for _, canary := range o.canaries {
		if strings.Contains(string(r.Body), canary) {
			o.fault("C17", r, "repeats a secret")
		}
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), canary) {
				o.fault("C17", r, "header %s repeats a secret", name)
			}
		}
	}
}

func (o *observations) async(r *harness.Reply) {
	for _, name := range []string{"Azure-AsyncOperation", "Location"} {
		url := r.Header.Get(name)
		if url == "" {
			continue
		}
		if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 10 || wait > 600 {
			o.fault("L11", r, "Retry-After is %q", r.Header.Get("Retry-After"))
		}
		if len(url) > maxURL {
			o.fault("L14", r, "%s has %d bytes", name, len(url))
		}
	}
}

// observed returns a check of the failures recorded under its id.
func observed(id, title, why string) check {
	return check{id: id, title: title, why: why, run: func(t *T) {
		t.seen.mu.Lock()
		defer t.seen.mu.Unlock()
		if t.seen.answers < 100 {
			t.Fatalf("only %d answers were observed", t.seen.answers)
		}
		for i, fault := range t.seen.faults[id] {
			if i == 5 {
				t.Fatalf("and %d more", len(t.seen.faults[id])-i)
			}
			t.Errorf("%s", fault)
		}
	}}
}

func observationChecks() []check {
	return []check{
		observed("C03", "every answer has a fresh x-ms-request-id, a Date and a JSON Content-Type", ""),
		observed("C10", "every answer comes within 60 s", ""),
		observed("C11", "no answer is above 8 MB", "lists page before that: see G06"),
		observed("C13", "no answer is a redirect", ""),
		observed("C14", "every error is an envelope with code and message", ""),
		{id: "C15", title: "a missing resource is 404 or an empty list; never 403 for a trusted caller, never 5xx", run: checkMissing},
		observed("C16", "408, 429 and 5xx carry Retry-After", "no such answer is provoked from outside; the server's own tests do"),
		observed("L11", "Retry-After of asynchronous answers is an integer from 10 to 600", ""),
		observed("L14", "addresses of operations are at most 4 KB long", "reserved parameters: see L12"),
		observed("C18", "every success is a status that the published file of its api-version declares", ""),
		{id: "C17", title: "no answer and no log line repeats a secret", run: checkNoSecrets},
		{id: "X03", title: "seeded secrets occur in no answer, log line or metric", run: checkNoSecrets, why: "raw database bytes: see test/hostile"},
		{id: "X08", title: "addresses given by callers are never called", run: checkNoCalls},
	}
}

func checkNoSecrets(t *T) {
	observed("C17", "", "").run(t)
	texts := map[string]string{}
	if t.process != nil {
		texts["the log"] = t.process.Output()
		reply, err := t.client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: "/metrics"})
		if err != nil || reply.Status != http.StatusOK {
			t.Fatalf("metrics: %v %v", reply, err)
		}
		texts["the metrics"] = string(reply.Body)
	}
	for where, text := range texts {
		for _, canary := range t.seen.canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s repeats the secret %q", where, canary)
			}
		}
	}
}

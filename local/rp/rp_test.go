package rp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) *RP {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return At(strings.TrimPrefix(server.URL, "http://"))
}

func TestItWaitsForAProviderThatBecomesReady(t *testing.T) {
	var asked atomic.Int32
	r := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz/ready" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	if ready := r.BecomesReady(t.Context()); !ready || asked.Load() != 3 {
		t.Errorf("after %d questions it is ready: %v", asked.Load(), ready)
	}
}

func TestAProviderThatIsNotReadyAnyMoreIsTold(t *testing.T) {
	full := false
	r := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if full {
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte(`{"error":{"code":"ServiceUnavailable","message":"The database does not answer."}}`))
		}
	})
	r.Trouble = func() error { return errors.New("the disk is full") }
	var out strings.Builder
	trouble := r.health(t.Context(), &out, "")
	full = true
	trouble = r.health(t.Context(), &out, trouble)
	trouble = r.health(t.Context(), &out, trouble)
	full = false
	r.health(t.Context(), &out, trouble)
	got := out.String()
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "not ready: The database does not answer. (") || !strings.Contains(got, "; the disk is full\n") || !strings.Contains(got, "ready again") {
		t.Errorf("got %q, want one line for each change", got)
	}
}

func TestRegisterSendsWhatResourceManagerWould(t *testing.T) {
	var got struct {
		State            string
		RegistrationDate string
		Properties       struct{ TenantID string }
	}
	r := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.URL.String() != "/subscriptions/s1?api-version=2.0" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})
	at := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	if err := r.Register(t.Context(), "s1", "t1", at); err != nil {
		t.Fatal(err)
	}
	if got.State != "Registered" || got.RegistrationDate != "Sat, 21 Nov 2026 03:00:00 GMT" || got.Properties.TenantID != "t1" {
		t.Errorf("got %+v", got)
	}
}

func TestRefusedRegistrationIsAnError(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	if err := r.Register(t.Context(), "s1", "t1", time.Now()); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("got %v, want the status", err)
	}
}

func TestClustersAreReadAsTheAdminAPITellsThem(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"value":[{"key":"k","resourceId":"/c/demo","name":"demo","provisioningState":"Creating",
			"operation":{"id":"o","kind":"Create","step":"boot","percentComplete":40,"startedAt":"2026-11-21T03:00:00Z","waitingFor":"2 of 6 nodes ready"}}]}`))
	})
	got, err := r.clusters(t.Context())
	if err != nil || got["/c/demo"].describe() != "Creating, 40 %, boot: 2 of 6 nodes ready" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAStepIsReadAsTheAdminAPIExplainsIt(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/admin/c/demo/explain" {
			t.Errorf("got %s", r.URL)
		}
		w.Write([]byte(`{"operation":{"id":"o","step":"boot","percentComplete":40},"currentStep":{"name":"boot","attempts":3,"waitingFor":"6 nodes","lastError":"no role"},"waitingFor":"6 nodes"}`))
	})
	if got, err := r.Step(t.Context(), "/c/demo"); err != nil || got != (Step{"boot", 40, "6 nodes", "no role"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestChangesAreWhatAPersonWantsToSee(t *testing.T) {
	now := time.Date(2026, 11, 21, 3, 1, 30, 0, time.UTC)
	at := func(state, step string, percent int) progress {
		p := progress{Name: "demo", State: state}
		if step != "" {
			p.Operation = &operation{Step: step, PercentComplete: percent, StartedAt: now.Add(-90 * time.Second)}
		}
		return p
	}
	tests := map[string]struct {
		before, after []progress
		want          []string
	}{
		"a new cluster":       {nil, []progress{at("Creating", "plan", 0)}, []string{"03:01:30  demo: Creating, 0 %, plan (1m30s)"}},
		"the next step":       {[]progress{at("Creating", "plan", 0)}, []progress{at("Creating", "boot", 50)}, []string{"03:01:30  demo: Creating, 50 %, boot (1m30s)"}},
		"the end":             {[]progress{at("Creating", "boot", 50)}, []progress{at("Succeeded", "", 0)}, []string{"03:01:30  demo: Succeeded"}},
		"a removal":           {[]progress{at("Deleting", "erase", 50)}, nil, []string{"03:01:30  demo: gone"}},
		"nothing but time":    {[]progress{at("Creating", "boot", 50)}, []progress{at("Creating", "boot", 50)}, nil},
		"nothing at all":      {nil, nil, nil},
		"an old one at start": {nil, []progress{at("Succeeded", "", 0)}, []string{"03:01:30  demo: Succeeded"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := changes(byID(test.before), byID(test.after), now); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func byID(list []progress) map[string]progress {
	m := map[string]progress{}
	for _, p := range list {
		m["/c/"+p.Name] = p
	}
	return m
}

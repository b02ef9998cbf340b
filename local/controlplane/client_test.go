package controlplane

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRequestsAreSentAgainSoon is about an API server that is ready for the third request.
func TestRequestsAreSentAgainSoon(t *testing.T) {
	tests := map[string]struct {
		method, body string
	}{
		"a read":  {http.MethodGet, ""},
		"a write": {http.MethodPost, "content"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if content, err := io.ReadAll(r.Body); err != nil || string(content) != test.body {
					t.Errorf("got %q, %v", content, err)
				}
				if asked++; asked < 3 {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				}
			}))
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			answer, err := impatient(http.DefaultTransport).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%d after %s and %d requests", answer.StatusCode, time.Since(begun), asked)
			}
		})
	}
}

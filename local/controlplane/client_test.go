package controlplane

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestReadsAreSentAgainSoon is about an API server that is not ready for the third request before it.
func TestReadsAreSentAgainSoon(t *testing.T) {
	tests := map[string]struct {
		method string
		want   int
	}{
		"a read":  {http.MethodGet, http.StatusOK},
		"a write": {http.MethodPost, http.StatusTooManyRequests},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked < 3 {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				}
			}))
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			answer, err := impatient(http.DefaultTransport).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			if answer.StatusCode != test.want {
				t.Errorf("%d after %s and %d requests, want %d", answer.StatusCode, time.Since(begun), asked, test.want)
			}
		})
	}
}

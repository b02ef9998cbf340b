package entra

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// oauthError is a refusal as Entra ID words it: an OAuth code and an AADSTS number.
type oauthError struct {
	status int
	code   string
	number int
	text   string
}

func (e *oauthError) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.number, e.text) }

func (e *Entra) fail(w http.ResponseWriter, r *http.Request, err *oauthError) {
	correlation := r.Header.Get("client-request-id")
	if _, bad := uuid.Parse(correlation); bad != nil {
		correlation = uuid.NewString()
	}
	trace, at := uuid.NewString(), e.Now().UTC().Format("2006-01-02 15:04:05Z")
	e.answer(w, err.status, map[string]any{
		"error":             err.code,
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", err.Error(), trace, correlation, at),
		"error_codes":       []int{err.number},
		"timestamp":         at,
		"trace_id":          trace,
		"correlation_id":    correlation,
		"error_uri":         fmt.Sprintf("%s/error?code=%d", e.Origin, err.number),
	})
}

// unavailable is for what is wrong here and not with the request.
func unavailable() *oauthError {
	return &oauthError{http.StatusServiceUnavailable, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again."}
}

func (e *Entra) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Date", e.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("x-ms-request-id", uuid.NewString())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone
}

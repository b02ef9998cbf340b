package portal

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
)

// failure renders an error for the client: a page for browsers, a Status for kubectl, and the error
// format of the service's other APIs for scripts.
func (p *Portal) failure(x *httpserver.Exchange, err error) httpserver.Failure {
	f := armhttp.Failure(x, err)
	message := armhttp.Error(x, err).Body().Message
	if refusal, ok := errors.AsType[*httpserver.Refusal](err); ok { // its status may be in no catalogue
		f.Status, message = refusal.Status, refusal.Message
	}
	switch {
	case x.Operation == "Portal_ProxyKubernetes":
		f.Body, _ = json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Message: "ARO portal: " + message, Reason: reasonOf(f.Status), Code: int32(f.Status)}) // strings always marshal
	case strings.Contains(x.Header("Accept"), "text/html") && !isAPI(x.Request().URL.Path):
		v := view{Title: "Error", Portal: p}
		if page, err := v.render(x.Request().Context(), v.failure(f.Status, message, x.Correlation())); err == nil {
			f.Body, f.ContentType = page, "text/html; charset=utf-8"
		}
	}
	return f
}

func reasonOf(status int) metav1.StatusReason {
	switch status {
	case http.StatusUnauthorized:
		return metav1.StatusReasonUnauthorized
	case http.StatusForbidden:
		return metav1.StatusReasonForbidden
	case http.StatusNotFound:
		return metav1.StatusReasonNotFound
	case http.StatusBadRequest:
		return metav1.StatusReasonBadRequest
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return metav1.StatusReasonServiceUnavailable
	}
	return metav1.StatusReasonUnknown
}

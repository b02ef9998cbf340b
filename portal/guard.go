package portal

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
)

// policy lets pages load from and connect to the portal only, and run no inline code.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// TLS is the configuration of the portal's listener. It asks browsers for no certificate, and speaks
// HTTP/1.1 only: a request over HTTP/2 passes through more goroutines, which is a tenth of the time of
// a small one through the proxy, and connections of kubectl are upgraded in HTTP/1.1 anyway.
func TLS(certificate func(context.Context) (*tls.Certificate, error)) *tls.Config {
	cfg := httpserver.TLSConfig(certificate)
	cfg.ClientAuth = tls.NoClientCert
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

// guarded answers requests to the portal's own name only, under headers that keep other
// sites out.
func (p *Portal) guarded(x *httpserver.Exchange, answer func() error) error {
	h := x.Response().Header()
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin", // under no-referrer browsers say that forms come from the origin null
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
		"Cache-Control":                "no-store",
	} {
		h.Set(name, value)
	}
	if name, _, _ := strings.Cut(p.host, ":"); name != "localhost" { // whose other ports serve plain HTTP
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if !arm.EqualFold(x.Request().Host, p.host) {
		return &httpserver.Refusal{Status: http.StatusMisdirectedRequest, Target: "Host", Message: "The portal answers at " + p.Origin + " only."}
	}
	return answer()
}

// ownForm rejects requests that a page of another site may have sent. The token belongs to the
// session; the Origin header, if the browser sends it, has to match too.
func (c *call) ownForm(origin string) error {
	r := c.Request()
	if from := r.Header.Get("Origin"); from != "" && from != origin {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "Origin", Message: "The request comes from a page of another site."}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "Origin", Message: "The request comes from a page of another site."}
	}
	if r.ContentLength > maxForm {
		return &httpserver.Refusal{Status: http.StatusRequestEntityTooLarge, Message: "The form is too large."}
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	given := r.Header.Get("X-Csrf-Token")
	if given == "" {
		given = r.PostFormValue("csrf")
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(c.session.csrf())) != 1 {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "csrf", Message: "The form is not of this session. Load the page again."}
	}
	return nil
}

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// localPath returns the path of a link to the portal, or the portal's first page for any other
// link. Browsers read "//host" and "/\host" as other sites.
func localPath(link string) string {
	const home = "/clusters"
	u, err := url.Parse(link)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(link, "/") || strings.HasPrefix(link, "//") ||
		strings.ContainsFunc(link, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) || strings.HasPrefix(u.Path, "//") {
		return home
	}
	if u.Path == "/login" || u.Path == "/callback" || u.Path == "/loggedout" || u.Path == "/logout" {
		return home
	}
	return u.RequestURI()
}

// isAPI reports whether a path is for scripts, which get an error instead of a redirect.
func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

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

package cloud

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/access"
	"github.com/aro-rp/aro/local/cloud/deployments"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	// maxBody is what ARM accepts of a request.
	maxBody = 4 << 20

	requestIDHeader     = "x-ms-request-id"
	correlationIDHeader = "x-ms-correlation-request-id"
	clientIDHeader      = "x-ms-client-request-id"
	returnIDHeader      = "x-ms-return-client-request-id"
)

// arm answers a request to the resource manager.
func (a *Azure) arm(w http.ResponseWriter, r *http.Request) {
	start := a.Now()
	correlation := identify(w, r)
	recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
	if a.SignOperations {
		recorder.sign = func(h http.Header) { a.signature().add(h, a.Origin, start) }
	}
	call, err := a.admit(recorder, r)
	if err == nil {
		err = a.answer(recorder, r, call)
	}
	if err != nil {
		shown := err
		if strings.Contains(arm.ToLower(r.URL.Path), "/providers/microsoft.network/") {
			shown = resources.Detailed(err)
		}
		resources.WriteError(recorder, shown)
	}
	attributes := []any{"method", r.Method, "path", r.URL.Path, "status", recorder.status, "correlation", correlation, "duration", a.Now().Sub(start).Round(time.Millisecond)}
	if call != nil {
		attributes = append(attributes, "client", call.Caller.AppID)
	}
	if err != nil {
		attributes = append(attributes, "code", resources.AsError(err).Code)
	}
	level := slog.LevelDebug
	if recorder.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	a.Log.Log(r.Context(), level, "request", attributes...)
	if call != nil {
		a.note(r.Context(), call, recorder.status, correlation, err)
	}
}

// identify gives the request the ids by which it is found again.
func identify(w http.ResponseWriter, r *http.Request) (correlation string) {
	id := uuid.NewString()
	if correlation = r.Header.Get(correlationIDHeader); uuid.Validate(correlation) != nil {
		correlation = id
		r.Header.Set(correlationIDHeader, correlation)
	}
	w.Header().Set(requestIDHeader, id)
	w.Header().Set(correlationIDHeader, correlation)
	w.Header().Set("x-ms-routing-request-id", "LOCAL:"+time.Now().UTC().Format("20060102T150405Z")+":"+id)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if client := r.Header.Get(clientIDHeader); client != "" && arm.EqualFold(r.Header.Get(returnIDHeader), "true") {
		w.Header().Set(clientIDHeader, client)
	}
	return correlation
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	sign   func(http.Header) // changes the headers of an answer; nil does not
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	if r.sign != nil {
		r.sign(r.Header())
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a http.ResponseController reach what is beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// admit determines the caller and the route of a request.
func (a *Azure) admit(w http.ResponseWriter, r *http.Request) (*resources.Call, error) {
	caller, err := a.caller(r)
	if err != nil {
		if resources.AsError(err).Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer authorization_uri="`+a.Origin+"/"+TenantID+`", error="invalid_token", error_description="The access token is missing or not valid."`)
		}
		return nil, err
	}
	call := &resources.Call{Method: r.Method, Path: deployments.Path("/" + strings.Trim(r.URL.Path, "/")), Query: foldQuery(r.URL.Query()), Header: r.Header, Caller: caller}
	if call.Query.Get("api-version") == "" {
		return call, refuse("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	if err := a.ofTheTenant(r.Context(), call); err != nil {
		return call, err
	}
	if a.SignOperations {
		if err := a.signature().verify(call); err != nil {
			return call, err
		}
	}
	if !a.Unlimited {
		if err := a.limits.take(w.Header(), call); err != nil {
			return call, err
		}
	}
	return call, nil
}

// signature is that of this Azure. It is the same after a restart, as operations are.
func (a *Azure) signature() signature { return signature{key: []byte(a.Origin)} }

// foldQuery makes the names of a query lower-case, as ARM reads them.
func foldQuery(query url.Values) url.Values {
	folded := url.Values{}
	for name, values := range query {
		folded[strings.ToLower(name)] = values
	}
	return folded
}

// caller returns the principal of a request's token.
func (a *Azure) caller(r *http.Request) (resources.Caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return resources.Caller{}, resources.Refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !arm.EqualFold(scheme, "Bearer") {
		return resources.Caller{}, resources.Refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is provided in an invalid format.")
	}
	caller, err := a.Entra.Verify(token)
	if err != nil {
		return resources.Caller{}, resources.Refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid.")
	}
	audience := strings.TrimRight(caller.Audience, "/")
	if audience != a.Origin && audience != "https://management.azure.com" && audience != "https://management.core.windows.net" {
		return resources.Caller{}, resources.Refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.", caller.Audience, a.Origin)
	}
	return resources.Caller(caller), nil
}

// answer executes an admitted call.
func (a *Azure) answer(w http.ResponseWriter, r *http.Request, call *resources.Call) error {
	if err := readBody(w, r, call); err != nil {
		return err
	}
	if isForwarded(call.Path) {
		if err := a.authorise(r.Context(), call); err != nil {
			return err
		}
		return a.provider.serve(w, r, call)
	}
	answer, err := a.Do(r.Context(), call)
	if err != nil {
		return err
	}
	for name, values := range answer.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if answer.Body == nil {
		w.Header().Set("Content-Length", "0")
		if answer.Status == http.StatusNoContent {
			w.Header().Del("Content-Length")
		}
		w.WriteHeader(answer.Status)
		return nil
	}
	resources.WriteJSON(w, answer.Status, answer.Body)
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request, call *resources.Call) error {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return resources.Refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is larger than 4 MB.")
	}
	r.Body = io.NopCloser(strings.NewReader(string(content)))
	if len(content) == 0 || isForwarded(call.Path) && r.Method != http.MethodPut && r.Method != http.MethodPatch {
		return nil
	}
	if deployments.Reads(call) {
		return deployments.Read(call, string(content))
	}
	if err := json.Unmarshal(content, &call.Body); err != nil && !isForwarded(call.Path) {
		return refuse("InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return nil
}

// Do answers a call as its caller, in this process. It checks permissions and locks
// and meets faults, but no limits.
func (a *Azure) Do(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	if err := a.authorise(ctx, call); err != nil {
		return nil, err
	}
	if isForwarded(call.Path) {
		return a.provider.do(ctx, call)
	}
	call.Path = access.AtSubscription(call.Path)
	if isTags(call.Path) {
		return a.tags(ctx, call)
	}
	if deployments.Concerns(call) {
		if err := a.deployments.Preflight(ctx, call); err != nil {
			return nil, err
		}
	}
	return a.Engine.Serve(ctx, call)
}

// doNoted is Do for calls of deployments: the activity log has them too.
func (a *Azure) doNoted(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	answer, err := a.Do(ctx, call)
	correlation := call.Header.Get(correlationIDHeader)
	switch {
	case err == nil:
		a.note(ctx, call, answer.Status, correlation, nil)
	case ctx.Err() == nil: // otherwise its result is unknown
		a.note(ctx, call, resources.AsError(err).Status, correlation, err)
	}
	return answer, err
}

// authorise checks all that can forbid a call.
func (a *Azure) authorise(ctx context.Context, call *resources.Call) error {
	if subscription := resources.Subscription(call.Path); subscription != "" {
		if _, err := a.Engine.Get(ctx, "/subscriptions/"+subscription); err != nil {
			return err
		}
	}
	if err := a.faults.meet(ctx, call); err != nil {
		return err
	}
	if err := a.permit(ctx, call); err != nil {
		return err
	}
	if err := a.registered(ctx, call); err != nil {
		return err
	}
	return a.unlocked(ctx, call)
}

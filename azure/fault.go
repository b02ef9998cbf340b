package azure

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/aro-rp/aro/arm"
)

// NotFound reports whether err means that something does not exist.
func NotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// Conflict reports whether err is a conflict with another change or resource.
func Conflict(err error) bool {
	return hasStatus(err, http.StatusConflict) || hasStatus(err, http.StatusPreconditionFailed)
}

// Forbidden reports whether err means that the caller does not have permission.
func Forbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// Changed reports whether err means that the resource was changed concurrently.
func Changed(err error) bool { return hasStatus(err, http.StatusPreconditionFailed) }

// Code returns the error code of Azure, or empty text.
func Code(err error) string {
	var r *azcore.ResponseError
	if errors.As(err, &r) {
		return r.ErrorCode
	}
	return ""
}

func hasStatus(err error, status int) bool {
	var r *azcore.ResponseError
	return errors.As(err, &r) && r.StatusCode == status
}

// fault is one error of Azure. A response contains a tree of them.
type fault struct {
	code, message, target string
	// status is that of the response; retryAfter reports whether it has a Retry-After header.
	status     int
	retryAfter bool
	// kind and url are the service and the path of the request that failed.
	kind service
	url  string
	// policies are the display names of the denying policies.
	policies []string
}

const (
	maxDepth  = 6
	maxFaults = 50
	// maxMessage bounds how much of Azure's message is repeated, in bytes.
	maxMessage = 600
)

// faultsOf returns the faults in an error of the SDK, the outermost first.
func faultsOf(err error) []fault {
	var r *azcore.ResponseError
	if !errors.As(err, &r) {
		return nil
	}
	top := fault{code: r.ErrorCode, status: r.StatusCode}
	if _, err := strconv.Atoi(top.code); err == nil {
		top.code = "" // the SDK of permission checks sets a status or 0; the body has more
	}
	var body []byte
	if r.RawResponse != nil {
		top.retryAfter = r.RawResponse.Header.Get("Retry-After") != ""
		if r.RawResponse.Request != nil && r.RawResponse.Request.URL != nil {
			top.url = r.RawResponse.Request.URL.Path
			top.kind, _ = r.RawResponse.Request.Context().Value(called{}).(service)
		}
		if r.RawResponse.Body != nil {
			body, _ = runtime.Payload(r.RawResponse)
		}
	}
	faults := parseFaults(body, top)
	if len(faults) == 0 || top.code != "" && faults[0].code != top.code {
		faults = append([]fault{top}, faults...)
	}
	return faults
}

// retryAfterOf returns the Retry-After of the response behind err; 0 if it has
// none. The SDK waits itself, but not longer than maxRetryDelay.
func retryAfterOf(err error) time.Duration {
	var r *azcore.ResponseError
	if !errors.As(err, &r) || r.RawResponse == nil {
		return 0
	}
	header := r.RawResponse.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return time.Until(until)
}

// wireError is an error in the forms that Azure's services use.
type wireError struct {
	Code       string          `json:"code"`
	Message    json.RawMessage `json:"message"`
	Target     string          `json:"target"`
	Details    []wireError     `json:"details"`
	Error      *wireError      `json:"error"`
	OData      *wireError      `json:"odata.error"`
	Additional []struct {
		Type string `json:"type"`
		Info struct {
			Definition     string `json:"policyDefinitionDisplayName"`
			DefinitionName string `json:"policyDefinitionName"`
			Assignment     string `json:"policyAssignmentDisplayName"`
			AssignmentName string `json:"policyAssignmentName"`
		} `json:"info"`
	} `json:"additionalInfo"`
}

// parseFaults parses an error's body; like has the values that all its faults
// share.
func parseFaults(body []byte, like fault) []fault {
	like.code = ""
	var e wireError
	if len(body) == 0 {
		return nil
	}
	if json.Unmarshal(body, &e) != nil {
		return parseXML(body, like)
	}
	var all []fault
	e.flatten(like, 0, &all)
	return all
}

// parseXML parses an error of a storage account.
func parseXML(body []byte, like fault) []fault {
	var e struct {
		Code, Message string
	}
	if xml.Unmarshal(body, &e) != nil || e.Code == "" {
		return nil
	}
	like.code, like.message = e.Code, e.Message
	return []fault{like}
}

func (e *wireError) flatten(like fault, depth int, all *[]fault) {
	if depth > maxDepth || len(*all) >= maxFaults {
		return
	}
	for _, inner := range []*wireError{e.Error, e.OData} {
		if inner != nil {
			inner.flatten(like, depth+1, all)
		}
	}
	if e.Target != "" {
		like.target = e.Target
	}
	// Deployments put the resource's response into the message, as text. It
	// contains everything that the error around it does.
	text, before := e.text(), len(*all)
	var inner wireError
	if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &inner) == nil {
		inner.flatten(like, depth+1, all)
	}
	if e.Code != "" && len(*all) == before {
		f := like
		f.code, f.message, f.policies = e.Code, text, e.policies()
		*all = append(*all, f)
	}
	for i := range e.Details {
		e.Details[i].flatten(like, depth+1, all)
	}
}

// text returns the message, which old services wrap once more.
func (e *wireError) text() string {
	var plain string
	if json.Unmarshal(e.Message, &plain) == nil {
		return plain
	}
	var wrapped struct {
		Value string `json:"value"`
	}
	_ = json.Unmarshal(e.Message, &wrapped)
	return wrapped.Value
}

func (e *wireError) policies() []string {
	var names []string
	for _, a := range e.Additional {
		if a.Type != "PolicyViolation" {
			continue
		}
		definition, assignment := firstOf(a.Info.Definition, a.Info.DefinitionName), firstOf(a.Info.Assignment, a.Info.AssignmentName)
		names = append(names, "policy \""+definition+"\" assigned as \""+assignment+"\"")
	}
	return names
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return "unknown"
}

var resourceID = regexp.MustCompile(`(?i)/subscriptions/[0-9a-f-]{36}(/resourceGroups/[^/'"\s,)]+)?[^'"\s,)]*`)

// isOwn reports whether the fault is about a resource of the service itself: a
// vault, the identities' data plane, or a resource in its subscription.
func (f fault) isOwn(subscription string) bool {
	own := "/subscriptions/" + subscription + "/"
	return f.kind == vault || f.kind == identities || f.kind == permissions ||
		subscription != "" && len(f.url) > len(own) && arm.EqualFold(f.url[:len(own)], own)
}

// within reports whether the fault is in a resource group: by the scopes that it
// names, or else by the URL of the request.
func (f fault) within(group string) bool {
	if group == "" {
		return false
	}
	text := f.message
	if _, linked, found := strings.Cut(text, "linked scope(s)"); found {
		text = linked // the first scope is where the permission suffices
	}
	scopes := resourceID.FindAllString(text, maxFaults)
	if len(scopes) == 0 {
		scopes = []string{cmp.Or(f.target, f.url)}
	}
	for _, scope := range scopes {
		segments := strings.Split(scope, "/")
		if len(segments) < 5 || !arm.EqualFold(segments[3], "resourceGroups") || !arm.EqualFold(strings.TrimRight(segments[4], "."), group) {
			return false
		}
	}
	return true
}

// text returns Azure's message, scrubbed and bounded.
func (f fault) text() string { return scrubbed(f.message) }

var (
	// trail is what services append for their own support.
	trail = regexp.MustCompile(`(?i)\s*\b(trace id|correlation id|request ?id|activity ?id|tracking id|timestamp|client-request-id)\b['"]?\s*[:=].*`)
	// secrets are values that must never be repeated.
	secrets = regexp.MustCompile(`(?i)\b(sig|client_secret|password|accountkey|sharedaccesskey|access_token|client_assertion)=[^&\s'",;]+|\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?`)
)

// scrubbed returns a message of Azure on one line, without traces and secrets,
// bounded.
func scrubbed(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = secrets.ReplaceAllString(trail.ReplaceAllString(text, ""), "$1…")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

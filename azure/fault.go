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

// NotFound reports whether err says that something does not exist.
func NotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// Conflict reports whether err says that something is in the way.
func Conflict(err error) bool {
	return hasStatus(err, http.StatusConflict) || hasStatus(err, http.StatusPreconditionFailed)
}

// Forbidden reports whether err says that the caller may not do it.
func Forbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// Changed reports whether err says that somebody else wrote what was to be written.
func Changed(err error) bool { return hasStatus(err, http.StatusPreconditionFailed) }

// Code is the error code of Azure, or empty.
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

// fault is one thing that Azure says is wrong. An answer is a tree of them.
type fault struct {
	code, message, target string
	// status is of the answer it came in; retryAfter that it asked to wait.
	status     int
	retryAfter bool
	// kind and url are the service and the path of the request that failed.
	kind service
	url  string
	// policies are the denying policies, as people named them.
	policies []string
}

const (
	maxDepth  = 6
	maxFaults = 50
	// maxMessage bounds what is repeated of Azure's words, in bytes.
	maxMessage = 600
)

// faultsOf takes an error of the SDK apart, the outermost fault first.
func faultsOf(err error) []fault {
	var r *azcore.ResponseError
	if !errors.As(err, &r) {
		return nil
	}
	top := fault{code: r.ErrorCode, status: r.StatusCode}
	if _, err := strconv.Atoi(top.code); err == nil {
		top.code = "" // the SDK of permission checks puts a status there, or 0; the body says more
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

// askedToWait is how long the answer behind err asks to wait; 0 if it does not.
// The SDK waits itself, but not for longer than maxRetryDelay.
func askedToWait(err error) time.Duration {
	var r *azcore.ResponseError
	if !errors.As(err, &r) || r.RawResponse == nil {
		return 0
	}
	asked := r.RawResponse.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(asked); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(asked)
	if err != nil {
		return 0
	}
	return time.Until(until)
}

// wireError is an error in the shapes that Azure's services give it.
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

// parseFaults reads an error's body; like gives what all its faults have in common.
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

// parseXML reads an error as storage accounts give it.
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
	// Deployments put the resource's answer into the message, as text. It says all
	// that what it is wrapped in says.
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

// text is the message, which old services wrap once more.
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
// vault, the identities' data plane, or what is in its subscription.
func (f fault) isOwn(subscription string) bool {
	own := "/subscriptions/" + subscription + "/"
	return f.kind == vault || f.kind == identities || f.kind == permissions ||
		subscription != "" && len(f.url) > len(own) && arm.EqualFold(f.url[:len(own)], own)
}

// within reports whether the fault lies in a resource group: by the scopes it
// names, or else by what was asked for.
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

// said is what Azure said, scrubbed and bounded.
func (f fault) said() string { return scrubbed(f.message) }

var (
	// trail is what services append for their own support.
	trail = regexp.MustCompile(`(?i)\s*\b(trace id|correlation id|request ?id|activity ?id|tracking id|timestamp|client-request-id)\b['"]?\s*[:=].*`)
	// secrets are what must never be repeated, wherever it comes from.
	secrets = regexp.MustCompile(`(?i)\b(sig|client_secret|password|accountkey|sharedaccesskey|access_token|client_assertion)=[^&\s'",;]+|\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?`)
)

// scrubbed is a text of Azure on one line, without traces and secrets, bounded.
func scrubbed(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = secrets.ReplaceAllString(trail.ReplaceAllString(text, ""), "$1…")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/blob"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	faultKind = "fault"
	maxDelay  = 10 * time.Minute
	// maxTokenForm is what a request for a token may have, in bytes.
	maxTokenForm = 1 << 20
)

// Fault makes calls go wrong, to the resource manager or to a service beside it.
type Fault struct {
	Name  string     `json:"name"`
	Match FaultMatch `json:"match"`
	// Nth is the first matching call that it meets, counted from 1; 0 is 1.
	Nth int `json:"nth,omitempty"`
	// Count is how many calls it meets from there; 0 is all.
	Count  int         `json:"count,omitempty"`
	Action FaultAction `json:"action"`
	// Seen counts the calls that matched.
	Seen int `json:"seen"`
}

// FaultMatch selects calls; empty members match all.
type FaultMatch struct {
	Method string `json:"method,omitempty"`
	// Path is a regular expression on the path, in any case.
	Path string `json:"path,omitempty"`
	// Type is the type of resource, such as Microsoft.Compute/virtualMachines.
	Type string `json:"type,omitempty"`
	// Caller is an application or object id; of a request for a token, whose it is.
	Caller string `json:"caller,omitempty"`
}

// FaultAction is what happens to a call that is met.
type FaultAction struct {
	// Kind is throttle, delay, fail, failLater, policyDenied, quota, forbidden, skew
	// or drain. failLater accepts a PUT, PATCH or DELETE of a resource, and lets what
	// then runs fail after Milliseconds. skew issues tokens by a clock that goes ahead
	// by Milliseconds, or behind. drain: after each call that drain meets, the token
	// bucket that it counts on is empty, as if others with the caller's identity had
	// taken all but what flows in.
	Kind string `json:"kind"`
	// Status, Code and Message are those of fail, the last two of failLater as well.
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// RetryAfter, in seconds, applies to throttle and fail.
	RetryAfter int `json:"retryAfter,omitempty"`
	// RetryAfterDate sends it as a date.
	RetryAfterDate bool `json:"retryAfterDate,omitempty"`
	// Milliseconds is how long delay holds the call back, and failLater what fails, and
	// by how much skew's clock is wrong.
	Milliseconds int `json:"milliseconds,omitempty"`
}

// faults are those in force, by name.
type faults struct {
	state  *state.DB
	limits *limits
	mutex  sync.Mutex
	all    map[string]*Fault
}

func openFaults(ctx context.Context, db *state.DB, buckets *limits) (*faults, error) {
	f := &faults{state: db, limits: buckets, all: map[string]*Fault{}}
	entries, err := db.List(ctx, faultKind, "")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		one := &Fault{}
		if err := json.Unmarshal(entry.Value, one); err != nil {
			return nil, fmt.Errorf("fault %s: %w", entry.Key, err)
		}
		f.all[one.Name] = one
	}
	return f, nil
}

// SetFault puts a fault into force, in place of one with its name.
func (a *Azure) SetFault(ctx context.Context, fault Fault) (Fault, error) {
	if _, err := regexp.Compile("(?i)" + fault.Match.Path); err != nil {
		return fault, refuse("InvalidFault", "match.path is no regular expression: %v.", err)
	}
	kinds := []string{"throttle", "delay", "fail", "failLater", "policyDenied", "quota", "forbidden", "skew", "drain"}
	if !slices.Contains(kinds, fault.Action.Kind) {
		return fault, refuse("InvalidFault", "action.kind must be one of %s.", strings.Join(kinds, ", "))
	}
	if fault.Action.Kind == "fail" && (fault.Action.Status < 400 || fault.Action.Status > 599) {
		return fault, refuse("InvalidFault", "action.status must be an HTTP status of a failure.")
	}
	if fault.Name == "" {
		fault.Name = uuid.NewString()
	}
	fault.Seen = 0
	a.faults.mutex.Lock()
	defer a.faults.mutex.Unlock()
	a.faults.all[fault.Name] = &fault
	return fault, a.State.Put(ctx, faultKind, fault.Name, fault)
}

// ClearFaults ends the named faults, or all if none is named.
func (a *Azure) ClearFaults(ctx context.Context, names ...string) error {
	a.faults.mutex.Lock()
	defer a.faults.mutex.Unlock()
	if len(names) == 0 {
		for name := range a.faults.all {
			names = append(names, name)
		}
	}
	for _, name := range names {
		delete(a.faults.all, name)
		if _, err := a.State.Delete(ctx, faultKind, name); err != nil {
			return err
		}
	}
	return nil
}

// Faults are those in force.
func (a *Azure) Faults() []Fault {
	a.faults.mutex.Lock()
	defer a.faults.mutex.Unlock()
	all := []Fault{}
	for _, f := range a.faults.all {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(x, y Fault) int { return strings.Compare(x.Name, y.Name) })
	return all
}

// meet lets the faults in force act on a call.
func (f *faults) meet(ctx context.Context, call *resources.Call) error {
	hit, err := f.hits(ctx, call)
	if err != nil {
		return err
	}
	return f.strike(ctx, hit, call)
}

// strike lets faults act on a call.
func (f *faults) strike(ctx context.Context, hit []Fault, call *resources.Call) error {
	for _, fault := range hit {
		switch fault.Action.Kind {
		case "skew": // acts on tokens only
			continue
		case "drain":
			f.limits.drain(call)
			continue
		case "failLater":
			call.Fails = fault.Action.failLater
			continue
		}
		if err := fault.Action.act(ctx, call); err != nil {
			return err
		}
	}
	return nil
}

// disturbed answers a request to a service beside the resource manager, if a fault
// is in force for it, the way that service refuses.
func (a *Azure) disturbed(w http.ResponseWriter, r *http.Request, path string) bool {
	call := &resources.Call{Method: r.Method, Path: path}
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		if caller, err := a.Entra.Verify(token); err == nil {
			call.Caller = resources.Caller(caller)
		}
	} else if strings.Contains(strings.ToLower(path), "/oauth2/") {
		call.Caller.AppID = applicationOf(w, r)
	}
	hit, err := a.faults.hits(r.Context(), call)
	if err == nil {
		err = a.faults.strike(r.Context(), hit, call)
	}
	if err == nil {
		for _, fault := range hit {
			if fault.Action.Kind == "skew" {
				*r = *r.WithContext(entra.WithSkew(r.Context(), time.Duration(fault.Action.Milliseconds)*time.Millisecond))
			}
		}
		return false
	}
	refusal := resources.AsError(err)
	switch lower := strings.ToLower(path); {
	case strings.HasPrefix(lower, "/blob/"), blob.Hosted(r.Host):
		w.Header().Set("x-ms-error-code", refusal.Code)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(refusal.Status)
		_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>", html.EscapeString(refusal.Code), html.EscapeString(refusal.Message))
	case strings.Contains(lower, "/oauth2/"):
		resources.WriteJSON(w, refusal.Status, map[string]any{"error": refusal.Code, "error_description": refusal.Message})
	default:
		resources.WriteError(w, refusal)
	}
	return true
}

// applicationOf is the application that requests a token. The form stays readable.
func applicationOf(w http.ResponseWriter, r *http.Request) string {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		return "" // a token service that is down misses all requests
	}
	return r.PostForm.Get("client_id")
}

// hits counts the call with every fault that it matches.
func (f *faults) hits(ctx context.Context, call *resources.Call) ([]Fault, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var hit []Fault
	for _, fault := range f.all {
		if !fault.Match.matches(call) {
			continue
		}
		fault.Seen++
		first := max(fault.Nth, 1)
		if fault.Seen >= first && (fault.Count == 0 || fault.Seen < first+fault.Count) {
			hit = append(hit, *fault)
		}
		if fault.Nth == 0 && fault.Count == 0 {
			continue // what it does next does not depend on how many it met
		}
		if err := f.state.Put(ctx, faultKind, fault.Name, fault); err != nil {
			return nil, err
		}
	}
	return hit, nil
}

func (m FaultMatch) matches(call *resources.Call) bool {
	if m.Method != "" && !arm.EqualFold(m.Method, call.Method) {
		return false
	}
	if m.Caller != "" && !arm.EqualFold(m.Caller, call.Caller.AppID) && !arm.EqualFold(m.Caller, call.Caller.ObjectID) {
		return false
	}
	if m.Type != "" {
		id, err := resources.Parse(call.Path)
		if err != nil || !arm.EqualFold(m.Type, id.Type()) {
			return false
		}
	}
	matched, err := regexp.MatchString("(?i)"+m.Path, call.Path)
	return err == nil && matched
}

// failLater is how what was accepted ends, when its time has come.
func (f FaultAction) failLater(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(time.Duration(f.Milliseconds)*time.Millisecond, maxDelay)):
	}
	return resources.Refuse(http.StatusConflict, cmp.Or(f.Code, "InternalServerError"), "%s", cmp.Or(f.Message, "The operation failed on demand."))
}

func (f FaultAction) act(ctx context.Context, call *resources.Call) error {
	text := func(otherwise string) string {
		if f.Message != "" {
			return f.Message
		}
		return otherwise
	}
	var refusal *resources.Error
	switch f.Kind {
	case "delay":
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(time.Duration(f.Milliseconds)*time.Millisecond, maxDelay)):
			return nil
		}
	case "throttle":
		refusal = resources.Refuse(http.StatusTooManyRequests, "TooManyRequests", "%s", text("The request is being throttled."))
		refusal.RetryAfter, refusal.RetryAfterDate = max(f.RetryAfter, 1), f.RetryAfterDate
	case "policyDenied":
		refusal = resources.Refuse(http.StatusForbidden, "RequestDisallowedByPolicy", "%s", text("Resource '"+lastSegment(call.Path)+"' was disallowed by policy."))
		refusal.Target = lastSegment(call.Path)
		refusal.Info = []resources.Info{{Type: "PolicyViolation", Info: map[string]any{
			"policyDefinitionDisplayName": "Fault on demand", "policyAssignmentDisplayName": "Fault on demand", "policyDefinitionEffect": "deny",
			"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/fault", "policyAssignmentId": "/providers/Microsoft.Authorization/policyAssignments/fault", "policyAssignmentName": "fault",
		}}}
	case "quota":
		refusal = resources.Refuse(http.StatusConflict, "QuotaExceeded", "%s", text("Operation could not be completed as it results in exceeding approved quota."))
	case "forbidden":
		refusal = resources.Refuse(http.StatusForbidden, "AuthorizationFailed", "%s", text("The client '"+call.Caller.AppID+"' with object id '"+call.Caller.ObjectID+"' does not have authorization to perform the action over scope '"+call.Path+"' or the scope is invalid."))
	default:
		refusal = resources.Refuse(f.Status, f.Code, "%s", text("The request failed on demand."))
		refusal.RetryAfter, refusal.RetryAfterDate = f.RetryAfter, f.RetryAfterDate
		if f.Code == "" {
			refusal.Code = "InternalServerError"
		}
	}
	if f.Kind != "fail" && f.Code != "" {
		refusal.Code = f.Code
	}
	return refusal
}

func lastSegment(path string) string { return path[strings.LastIndex(path, "/")+1:] }

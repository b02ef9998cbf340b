package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// HistoryEntry is an operation of a cluster that has ended. It is written once, and holds no
// secrets.
type HistoryEntry struct {
	Unknown

	OperationID string        `json:"operationId,omitempty"`
	Kind        OperationKind `json:"kind,omitempty"`
	// MaintenanceTask is that of an AdminUpdate.
	MaintenanceTask MaintenanceTask `json:"maintenanceTask,omitempty"`
	ResourceID      string          `json:"resourceId,omitempty"`
	ClusterUID      string          `json:"clusterUid,omitempty"`
	// RequestedBy is the name that the caller reported, and APIVersion that of the request. Both
	// are empty if the service itself began the operation.
	RequestedBy     string `json:"requestedBy,omitempty"`
	APIVersion      string `json:"apiVersion,omitempty"`
	CorrelationID   string `json:"correlationId,omitempty"`
	ClientRequestID string `json:"clientRequestId,omitempty"`
	RequestID       string `json:"requestId,omitempty"`

	StartedAt time.Time         `json:"startedAt,omitempty"`
	EndedAt   time.Time         `json:"endedAt,omitempty"`
	State     ProvisioningState `json:"state,omitempty"`
	Error     *OperationError   `json:"error,omitempty"`
	// Steps are the finished steps, and the one that failed, in order.
	Steps []Step `json:"steps,omitempty"`
	// Changes are the differences in what customers see between the request and the end, by path.
	// MoreChanges is the number of those that were omitted.
	Changes     []Change `json:"changes,omitempty"`
	MoreChanges int      `json:"moreChanges,omitempty"`
}

// Change is a member of a cluster that changed. From and To are JSON; empty means absent.
type Change struct {
	Unknown

	Path string `json:"path,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// The limits of an entry: its changes, the length of their values, and of a step's last error, in
// bytes.
const (
	maxChanges     = 200
	maxChangeValue = 512
	maxStepError   = 1024
)

// History returns the entries of the running operation, which ended with result, and of the one
// that it replaced, if any. The older comes first.
func (c *Cluster) History(result AsyncOperation) []HistoryEntry {
	op := c.Internal.Operation
	if op == nil {
		return nil
	}
	var entries []HistoryEntry
	if former := op.Replaced; former != nil {
		entries = append(entries, c.historyEntry(former, AsyncOperation{State: Canceled, EndedAt: &op.StartedAt}))
	}
	return append(entries, c.historyEntry(op, result))
}

func (c *Cluster) historyEntry(op *Operation, result AsyncOperation) HistoryEntry {
	e := HistoryEntry{
		OperationID: op.ID, Kind: op.Kind, ResourceID: c.ID, ClusterUID: c.Internal.UID, RequestedBy: op.RequestedBy, APIVersion: op.APIVersion,
		CorrelationID: op.CorrelationID, ClientRequestID: op.ClientRequestID, RequestID: op.RequestID,
		StartedAt: op.StartedAt, State: result.State, Error: result.Error,
	}
	if result.EndedAt != nil {
		e.EndedAt = *result.EndedAt
	}
	if op.Kind == AdminUpdate {
		e.MaintenanceTask = cmp.Or(c.Internal.MaintenanceTask, Everything)
	}
	for i := range op.Finished {
		e.Steps = append(e.Steps, op.Finished[i].past())
	}
	if op.Current != nil {
		last := op.Current.past()
		if result.State == Failed { // by an attempt that nothing else records
			last.Attempts, last.EndedAt = last.Attempts+1, e.EndedAt
			if result.Error != nil {
				last.LastError = shortened(result.Error.Code+": "+result.Error.Message, maxStepError)
			}
		}
		e.Steps = append(e.Steps, last)
	}
	if op.Kind != Delete {
		e.Changes = changes(op.Before, c.Visible())
	}
	if more := len(e.Changes) - maxChanges; more > 0 {
		e.Changes, e.MoreChanges = e.Changes[:maxChanges], more
	}
	return e
}

// past returns the record of a step without what is needed to continue it: tokens of Azure's
// operations open them.
func (s *Step) past() Step {
	return Step{Name: s.Name, StartedAt: s.StartedAt, EndedAt: s.EndedAt, Attempts: s.Attempts, WaitingFor: s.WaitingFor, LastError: shortened(s.LastError, maxStepError), Waited: maps.Clone(s.Waited)}
}

// Visible returns what customers see of a cluster and may change, as JSON: no secrets, no state,
// and not who wrote it.
func (c *Cluster) Visible() string {
	shown := struct {
		Location   string            `json:"location,omitempty"`
		Tags       map[string]string `json:"tags,omitempty"`
		Identity   *Identity         `json:"identity,omitempty"`
		Properties *Properties       `json:"properties"`
	}{c.Location, c.Tags, c.Identity, deepCopy(reflect.ValueOf(&c.Properties)).Interface().(*Properties)}
	blank(reflect.ValueOf(shown.Properties))
	shown.Properties.ProvisioningState = ""
	text, err := json.Marshal(shown)
	if err != nil { // a secret that is left, of which nothing may be kept
		return ""
	}
	return string(text)
}

// changes compares two visible clusters; empty is a cluster that does not exist.
func changes(before, after string) []Change {
	from, to := members(before), members(after)
	paths := map[string]bool{}
	for _, side := range []map[string]string{from, to} {
		for path := range side {
			paths[path] = true
		}
	}
	var all []Change
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if from[path] != to[path] {
			all = append(all, Change{Path: path, From: shortened(from[path], maxChangeValue), To: shortened(to[path], maxChangeValue)})
		}
	}
	return all
}

// members returns the scalars of a JSON object by path.
func members(text string) map[string]string {
	found := map[string]string{}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil {
		flatten("", value, found)
	}
	return found
}

// plainName is a member that a path holds without quotes.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func flatten(path string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			step := "[" + strconv.Quote(name) + "]"
			if plainName.MatchString(name) {
				step = "." + name
				if path == "" {
					step = name
				}
			}
			flatten(path+step, member, into)
		}
	case []any:
		for i, element := range v {
			flatten(path+"["+strconv.Itoa(i)+"]", element, into)
		}
	default:
		text, err := json.Marshal(v)
		if err == nil {
			into[path] = string(text)
		}
	}
}

// shortened returns at most n bytes of a text, and says if there were more.
func shortened(text string, n int) string {
	const more = "…"
	if len(text) <= n {
		return text
	}
	cut := n - len(more)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}

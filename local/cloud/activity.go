package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	eventKind = "event"
	// eventsKept bounds the activity log.
	eventsKept = 5000
	// purgeEvery is after how many events the oldest are dropped.
	purgeEvery = 500
)

// events numbers what this process notes.
var events atomic.Int64

// note keeps a write, deletion or action in the activity log.
func (a *Azure) note(ctx context.Context, call *resources.Call, status int, correlation string, failure error) {
	if call.Method == http.MethodGet || call.Method == http.MethodHead {
		return
	}
	d, err := a.demanded(call)
	if err != nil || d.action == "" {
		return
	}
	now := a.Now().UTC()
	outcome := "Succeeded"
	switch {
	case status >= http.StatusBadRequest:
		outcome = "Failed"
	case status == http.StatusAccepted:
		outcome = "Accepted"
	}
	id := uuid.NewString()
	properties := map[string]any{"statusCode": http.StatusText(status), "serviceRequestId": nil}
	if failure != nil {
		properties["statusMessage"] = resources.AsError(failure).Error()
	}
	event := map[string]any{
		"id":                  call.Path + "/events/" + id + "/ticks/" + fmt.Sprint(now.UnixNano()/100),
		"eventDataId":         id,
		"eventTimestamp":      now.Format(time.RFC3339Nano),
		"submissionTimestamp": now.Format(time.RFC3339Nano),
		"correlationId":       correlation,
		"operationId":         correlation,
		"caller":              call.Caller.ObjectID,
		"claims":              map[string]any{"appid": call.Caller.AppID, "http://schemas.microsoft.com/identity/claims/objectidentifier": call.Caller.ObjectID},
		"level":               map[bool]string{true: "Informational", false: "Error"}[outcome != "Failed"],
		"authorization":       map[string]any{"action": d.action, "scope": d.scope},
		"category":            localised("Administrative"),
		"operationName":       localised(d.action),
		"status":              localised(outcome),
		"subStatus":           localised(fmt.Sprintf("%s (HTTP Status Code: %d)", http.StatusText(status), status)),
		"resourceId":          d.scope,
		"resourceGroupName":   resources.Group(call.Path),
		"subscriptionId":      resources.Subscription(call.Path),
		"tenantId":            TenantID,
		"properties":          properties,
	}
	number := events.Add(1)
	ctx = context.WithoutCancel(ctx)
	if err := a.State.Put(ctx, eventKind, eventKey(resources.Subscription(call.Path), now, number), event); err != nil {
		a.Log.Warn("an event of the activity log is lost", "error", err)
	}
	if number%purgeEvery == 0 {
		a.purgeEvents(ctx)
	}
}

// eventKey sorts the events of a subscription by time.
func eventKey(subscription string, at time.Time, number int64) string {
	return fmt.Sprintf("%s/%020d-%06d", strings.ToLower(subscription), at.UnixNano(), number%1e6)
}

func localised(value string) map[string]any {
	return map[string]any{"value": value, "localizedValue": value}
}

// purgeEvents drops the oldest events, of whichever subscription.
func (a *Azure) purgeEvents(ctx context.Context) {
	entries, err := a.State.List(ctx, eventKind, "")
	slices.SortFunc(entries, func(x, y state.Entry) int {
		_, older, _ := strings.Cut(x.Key, "/")
		_, newer, _ := strings.Cut(y.Key, "/")
		return strings.Compare(older, newer)
	})
	for i := 0; err == nil && i < len(entries)-eventsKept; i++ {
		_, err = a.State.Delete(ctx, eventKind, entries[i].Key)
	}
	if err != nil {
		a.Log.Warn("old events of the activity log stay", "error", err)
	}
}

// bounds finds the times of a $filter of the activity log.
var bounds = regexp.MustCompile(`(?i)eventTimestamp\s+(ge|le|gt|lt)\s+'?([^' ]+)'?`)

func (a *Azure) activityRoutes() {
	a.Engine.Route(http.MethodGet, "/subscriptions/{subscription}/providers/microsoft.insights/eventtypes/management/values", a.activity)
}

// activity lists events, the newest first.
func (a *Azure) activity(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	entries, err := a.State.List(ctx, eventKind, strings.ToLower(call.Values["subscription"])+"/")
	if err != nil {
		return nil, err
	}
	// Times are compared here; for the filter they are a function that holds.
	text := call.Query.Get("$filter")
	filter, err := resources.ParseFilter(bounds.ReplaceAllString(text, "inTime()"))
	if err != nil {
		return nil, err
	}
	var (
		matching []map[string]any
		keys     []string
	)
	for _, entry := range slices.Backward(entries) {
		var event map[string]any
		if err := json.Unmarshal(entry.Value, &event); err != nil {
			return nil, err
		}
		fields := resources.Fields{
			Values: func(field string) []string { return eventValues(event, field) },
			Call:   func(string, []string) bool { return inTime(event, text) },
		}
		if filter.Matches(fields) {
			matching, keys = append(matching, event), append(keys, entry.Key)
		}
	}
	newestFirst := func(a, b string) int { return strings.Compare(b, a) }
	return a.Engine.Paged(call, keys, newestFirst, func(i int) (map[string]any, error) { return matching[i], nil })
}

func inTime(event map[string]any, filter string) bool {
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(event["eventTimestamp"]))
	if err != nil {
		return false
	}
	for _, bound := range bounds.FindAllStringSubmatch(filter, -1) {
		limit, err := time.Parse(time.RFC3339Nano, bound[2])
		if err != nil {
			continue
		}
		if below := arm.EqualFold(bound[1], "le") || arm.EqualFold(bound[1], "lt"); below && at.After(limit) || !below && at.Before(limit) {
			return false
		}
	}
	return true
}

func eventValues(event map[string]any, field string) []string {
	if arm.EqualFold(field, "eventChannels") {
		return []string{"Admin, Operation"} // there is no other
	}
	for name, value := range event {
		if arm.EqualFold(name, field) || arm.EqualFold(field, "resourceUri") && name == "resourceId" {
			if m, ok := value.(map[string]any); ok {
				value = m["value"]
			}
			return []string{fmt.Sprint(value)}
		}
	}
	return nil
}

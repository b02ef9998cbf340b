package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
)

// States of operations and of resources.
const (
	InProgress = "InProgress"
	Succeeded  = "Succeeded"
	Failed     = "Failed"
	Canceled   = "Canceled"
	Deleting   = "Deleting"
)

const (
	operationKind = "operation"

	putOperation    = "put"
	deleteOperation = "delete"
	postOperation   = "post"

	// operationTime bounds what runs after an answer.
	operationTime = 2 * time.Hour
	// operationKept is how long the result of an operation can be read.
	operationKept = 24 * time.Hour
	// purgeEvery is after how many operations the old ones are dropped.
	purgeEvery = 500
)

// Operation is what runs on a resource after the answer to a call.
type Operation struct {
	ID       string     `json:"id"`
	Resource string     `json:"resource"`
	Type     string     `json:"type"`
	Location string     `json:"location"`
	Kind     string     `json:"kind"`
	Action   string     `json:"action,omitempty"`
	Call     savedCall  `json:"call"`
	Status   string     `json:"status"`
	Start    time.Time  `json:"start"`
	End      *time.Time `json:"end,omitempty"`
	Error    *Error     `json:"error,omitempty"`
	// Result is the body that a long action returned.
	Result json.RawMessage `json:"result,omitempty"`
}

// savedCall is what a long action needs to run again.
type savedCall struct {
	APIVersion string         `json:"apiVersion,omitempty"`
	Body       map[string]any `json:"body,omitempty"`
	Caller     Caller         `json:"caller"`
}

// run is an operation that runs in this process.
type run struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (e *Engine) operation(call *Call, r *Resource, opKind string) *Operation {
	location := r.Location
	if location == "" {
		location = "global"
	}
	return &Operation{
		ID: newID(), Resource: r.ID, Type: r.Type, Location: location, Kind: opKind, Status: InProgress, Start: e.Now().UTC(),
		Call: savedCall{APIVersion: call.Query.Get("api-version"), Caller: call.Caller},
	}
}

// begin runs work for an operation that is kept. What already runs on the resource
// is cancelled and waited for first.
func (e *Engine) begin(op *Operation, work func(context.Context, *Resource) error) <-chan struct{} {
	ctx, cancel := context.WithTimeout(e.ctx, operationTime)
	this := &run{cancel: cancel, done: make(chan struct{})}
	key := Key(op.Resource)
	if op.Kind == postOperation {
		key += "#" + op.Action // actions end no change of the resource
	}
	e.runs.Lock()
	before := e.running[key]
	e.running[key] = this
	e.runs.Unlock()
	e.finished.Go(func() {
		defer close(this.done)
		defer cancel()
		if before != nil {
			before.cancel()
			<-before.done
		}
		err := e.attempt(ctx, op, work)
		if e.ctx.Err() == nil { // else the next start goes on
			e.end(context.WithoutCancel(ctx), op, err, ctx.Err() != nil)
		}
		e.runs.Lock()
		if e.running[key] == this {
			delete(e.running, key)
		}
		e.runs.Unlock()
	})
	return this.done
}

// Cancel ends what runs on a resource and waits for the end. It must not be used
// in a hook.
func (e *Engine) Cancel(path string) {
	e.runs.Lock()
	r := e.running[Key(path)]
	e.runs.Unlock()
	if r != nil {
		r.cancel()
		<-r.done
	}
}

func (e *Engine) attempt(ctx context.Context, op *Operation, work func(context.Context, *Resource) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s of %s: %v", op.Kind, op.Resource, p)
			e.Log.Error("a behaviour panicked", "operation", op.Kind, "resource", op.Resource, "panic", p)
		}
	}()
	r, err := e.Get(ctx, op.Resource)
	if NotFound(err) && op.Kind == deleteOperation {
		return nil
	}
	if err != nil {
		return err
	}
	if work == nil {
		return nil
	}
	return work(ctx, r)
}

// end records how an operation ended, and on its resource.
func (e *Engine) end(ctx context.Context, op *Operation, err error, canceled bool) {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	now := e.Now().UTC()
	op.Status, op.End = Succeeded, &now
	switch {
	case canceled && err != nil:
		op.Status, op.Error = Canceled, Refuse(http.StatusConflict, "OperationPreempted", "A later operation on the resource ended this one.")
	case err != nil:
		op.Status, op.Error = Failed, AsError(err)
		e.Log.Warn("an operation failed", "operation", op.Kind, "resource", op.Resource, "error", err)
	}
	if op.Kind != postOperation {
		changeErr := e.Change(ctx, op.Resource, func(r *Resource) error {
			if r.operation == op.ID && op.Status != Canceled {
				r.Set(op.Status, "provisioningState")
				r.operation = ""
			}
			return nil
		})
		if changeErr != nil && !NotFound(changeErr) {
			e.Log.Error("the end of an operation is lost", "resource", op.Resource, "error", changeErr)
		}
	}
	if err := e.State.Put(ctx, operationKind, op.ID, op); err != nil {
		e.Log.Error("the end of an operation is lost", "resource", op.Resource, "error", err)
	}
	if e.ended++; e.ended%purgeEvery == 0 {
		if err := e.eachOperation(ctx, func(*Operation) {}); err != nil {
			e.Log.Error("old operations stay", "error", err)
		}
	}
}

// soon waits for done, at most for the time of grace.
func (e *Engine) soon(ctx context.Context, done <-chan struct{}, grace time.Duration) bool {
	if ctx.Value(holding{e}) != nil {
		return false // the end of an operation waits for this very change
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// failure is the error of an operation that failed, or nil.
func (e *Engine) failure(ctx context.Context, id string) error {
	var op Operation
	if found, err := e.State.Get(ctx, operationKind, id, &op); err != nil || !found || op.Status != Failed || op.Error == nil {
		return err
	}
	refusal := *op.Error
	if refusal.Status = http.StatusConflict; refusal.Code == "InternalServerError" {
		refusal.Status = http.StatusInternalServerError
	}
	return &refusal
}

// follow writes the headers by which clients follow an operation.
func (e *Engine) follow(h http.Header, op *Operation) {
	if op.Kind == putOperation || e.behaviour(op.Type).Async == "" {
		h.Set("Azure-AsyncOperation", e.operationURL(op, "operations"))
	}
	if op.Kind != putOperation {
		h.Set("Location", e.operationURL(op, "operationResults"))
	}
	h.Set("Retry-After", "1")
}

func (e *Engine) operationURL(op *Operation, collection string) string {
	namespace, _, _ := strings.Cut(op.Type, "/")
	async := e.behaviour(op.Type).Async
	version := op.Call.APIVersion
	if version == "" {
		version = "2024-03-01"
	}
	switch {
	case async != "" && collection == "operations":
		return e.Origin + op.Resource + "/" + async + "/" + op.ID + "?api-version=" + url.QueryEscape(version)
	case async != "":
		return e.Origin + "/subscriptions/" + Subscription(op.Resource) + "/operationresults/" + op.ID + "?api-version=" + url.QueryEscape(version)
	}
	return e.Origin + "/subscriptions/" + Subscription(op.Resource) + "/providers/" + namespace + "/locations/" + op.Location +
		"/" + collection + "/" + op.ID + "?api-version=" + url.QueryEscape(version)
}

func (e *Engine) operationRoutes() {
	const prefix = "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/"
	e.Route(http.MethodGet, prefix+"operations/{operation}", e.Status)
	e.Route(http.MethodGet, prefix+"operationResults/{operation}", e.Result)
}

// Status answers with the state of the operation with the id "operation" of a route.
func (e *Engine) Status(ctx context.Context, call *Call) (*Answer, error) {
	op, err := e.find(ctx, call)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"id": call.Path, "name": op.ID, "status": op.Status, "startTime": op.Start.Format(time.RFC3339Nano)}
	if op.End != nil {
		body["endTime"] = op.End.Format(time.RFC3339Nano)
	}
	if op.Error != nil {
		body["error"] = op.Error
	}
	if op.Result != nil {
		body["properties"] = map[string]any{"output": op.Result}
	}
	answer := &Answer{Status: http.StatusOK, Body: body, Header: http.Header{}}
	if op.Status == InProgress {
		answer.Header.Set("Retry-After", "1")
	}
	return answer, nil
}

// Result answers what the operation with the id "operation" of a route came to.
func (e *Engine) Result(ctx context.Context, call *Call) (*Answer, error) {
	op, err := e.find(ctx, call)
	if err != nil {
		return nil, err
	}
	switch {
	case op.Status == InProgress:
		answer := &Answer{Status: http.StatusAccepted, Header: http.Header{}}
		e.follow(answer.Header, op)
		return answer, nil
	case op.Error != nil:
		refusal := *op.Error
		refusal.Status = http.StatusConflict
		return nil, &refusal
	case op.Result != nil:
		return &Answer{Status: http.StatusOK, Body: op.Result}, nil
	case e.behaviour(op.Type).Async != "":
		return &Answer{Status: http.StatusNoContent}, nil
	}
	return &Answer{Status: http.StatusOK}, nil
}

func (e *Engine) find(ctx context.Context, call *Call) (*Operation, error) {
	op := &Operation{}
	found, err := e.State.Get(ctx, operationKind, call.Values["operation"], op)
	if err == nil && (!found || !arm.EqualFold(Subscription(op.Resource), call.Values["subscription"])) {
		err = Refuse(http.StatusNotFound, "NotFound", "There is no operation %s.", call.Values["operation"])
	}
	return op, err
}

// Start resumes what an earlier process left running.
func (e *Engine) Start(ctx context.Context) error {
	return e.eachOperation(ctx, func(op *Operation) {
		if op.Status == InProgress {
			e.begin(op, e.work(op))
		}
	})
}

// eachOperation visits all operations and removes expired ones.
func (e *Engine) eachOperation(ctx context.Context, visit func(*Operation)) error {
	entries, err := e.State.List(ctx, operationKind, "")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		op := &Operation{}
		if err := json.Unmarshal(entry.Value, op); err != nil {
			return fmt.Errorf("operation %s: %w", entry.Key, err)
		}
		if op.End != nil && e.Now().Sub(*op.End) > operationKept {
			if _, err := e.State.Delete(ctx, operationKind, entry.Key); err != nil {
				return err
			}
			continue
		}
		visit(op)
	}
	return nil
}

// work is what an operation does, found again by its kind.
func (e *Engine) work(op *Operation) func(context.Context, *Resource) error {
	switch op.Kind {
	case putOperation:
		return e.behaviour(op.Type).Settle
	case deleteOperation:
		return e.remove
	}
	return func(ctx context.Context, r *Resource) error {
		action, ok := e.behaviour(op.Type).Actions[op.Action]
		if !ok {
			return errors.New("the action does not exist any more")
		}
		return e.act(ctx, op, action, r)
	}
}

// Close stops what runs; the next Start resumes it.
func (e *Engine) Close() {
	e.stop()
	e.finished.Wait()
}

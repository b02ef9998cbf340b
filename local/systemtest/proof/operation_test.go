package proof

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"
)

// Far more than operations take, also beside other tests.
const (
	createTimeout = 8 * time.Minute
	deleteTimeout = 5 * time.Minute
	lookEvery     = 300 * time.Millisecond
)

// operation is what clients see of one.
type operation struct {
	Status      string  `json:"status"`
	CurrentStep string  `json:"currentStep"`
	StepError   failure `json:"stepError"`
	Error       failure `json:"error"`
}

// failure is why an operation failed.
type failure struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Target  string    `json:"target"`
	Details []failure `json:"details"`
}

func (o operation) ended() bool {
	return o.Status == "Succeeded" || o.Status == "Failed" || o.Status == "Canceled"
}

// create asks for the cluster and returns where its operation is seen.
func (c *customer) create(ctx context.Context, t *testing.T) (watch string) {
	t.Helper()
	return c.ask(ctx, t, c.body)
}

// ask asks for a cluster like that.
func (c *customer) ask(ctx context.Context, t *testing.T, body m) (watch string) {
	t.Helper()
	return c.want(ctx, t, http.MethodPut, c.id()+"?api-version="+newestAPI, body, nil).Get("Azure-Asyncoperation")
}

// look reads an operation. The provider may be restarting just now.
func (c *customer) look(ctx context.Context, watch string) (o operation, err error) {
	_, err = c.call(ctx, http.MethodGet, watch, nil, &o)
	return o, err
}

// end waits for the end of an operation.
func (c *customer) end(ctx context.Context, t *testing.T, watch string) operation {
	t.Helper()
	o, err := c.outcome(ctx, watch)
	if err != nil {
		t.Fatalf("%s: the operation has not ended: %+v, %v", c.name, o, err)
	}
	return o
}

// outcome is how an operation ended, or how it was seen last and why not later.
// What was seen until then goes to the witnesses.
func (c *customer) outcome(ctx context.Context, watch string, witnesses ...func(operation)) (last operation, err error) {
	for {
		o, trouble := c.look(ctx, watch)
		if trouble == nil {
			last = o
			for _, see := range witnesses {
				see(o)
			}
		}
		if last.ended() {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, errors.Join(ctx.Err(), trouble)
		case <-time.After(lookEvery):
		}
	}
}

// succeeds waits for the end of an operation, which must be a good one.
func (c *customer) succeeds(ctx context.Context, t *testing.T, watch string) {
	t.Helper()
	if o := c.end(ctx, t, watch); o.Status != "Succeeded" {
		t.Fatalf("%s: the operation ended as %+v", c.name, o)
	}
}

// created makes the cluster.
func (c *customer) created(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	c.succeeds(ctx, t, c.create(ctx, t))
}

// remove asks for the cluster's end; empty if there is none.
func (c *customer) remove(ctx context.Context, t *testing.T) (watch string) {
	t.Helper()
	return c.want(ctx, t, http.MethodDelete, c.id()+"?api-version="+newestAPI, nil, nil).Get("Azure-Asyncoperation")
}

// removed deletes the cluster and what it stands on.
func (c *customer) removed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	if watch := c.remove(ctx, t); watch != "" {
		c.succeeds(ctx, t, watch)
	}
	if _, err := c.call(ctx, http.MethodGet, c.id()+"?api-version="+newestAPI, nil, nil); !missing(err) {
		t.Errorf("%s: the cluster is still there: %v", c.name, err)
	}
	c.leave(ctx, t)
}

// explanation is the administrators' view of a cluster.
type explanation struct {
	ProvisioningState string `json:"provisioningState"`
	LastFailure       *struct {
		OperationID, Step, Code, Message, Target string
	} `json:"lastFailure"`
	Findings []struct{ Name, Text string } `json:"findings"`
}

func (c *customer) explain(ctx context.Context, t *testing.T) (e explanation) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/admin"+c.id()+"/explain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("explain %s: %s", c.name, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

package arm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
)

var errCause = errors.New("disk full")

func TestAnErrorTellsLogsItsCauseAndCallersNot(t *testing.T) {
	err := arm.InvalidParameter.At("properties.x", "Must be %d.", 7).Because(errCause)
	if got, want := err.Error(), "InvalidParameter at properties.x: Must be 7.: disk full"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
	if got, want := arm.NotFound.Errorf("No.").Error(), "NotFound: No."; got != want {
		t.Errorf("log without target: got %q, want %q", got, want)
	}
	if !errors.Is(err, errCause) {
		t.Error("the cause is lost to errors.Is")
	}
	body, jsonErr := json.Marshal(arm.Envelope{Error: err.Body()})
	if want := `{"error":{"code":"InvalidParameter","message":"properties.x: Must be 7.","target":"properties.x"}}`; jsonErr != nil || string(body) != want {
		t.Errorf("caller: got %s, %v, want %s", body, jsonErr, want)
	}
}

func TestABodyHasOnlyTheMembersThatSaySomething(t *testing.T) {
	body, err := json.Marshal(arm.NotFound.Errorf("No.").Body())
	if want := `{"code":"NotFound","message":"No."}`; err != nil || string(body) != want {
		t.Errorf("got %s, %v, want %s", body, err, want)
	}
}

func TestBecauseAndAfterLeaveTheOriginalAlone(t *testing.T) {
	original := arm.ServiceUnavailable.Errorf("Busy.")
	late := original.After(3 * time.Second).Because(errCause)
	if late.RetryAfter != 3*time.Second || !errors.Is(late, errCause) {
		t.Errorf("got %+v, want a copy with both", late)
	}
	if original.RetryAfter != 0 || errors.Unwrap(original) != nil {
		t.Errorf("the original became %+v", original)
	}
}

func TestAsErrorFindsTheTypedErrorInTheChain(t *testing.T) {
	typed := arm.ResourceNotFound.Errorf("No such cluster.")
	if got := arm.AsError(fmt.Errorf("cluster: %w", fmt.Errorf("read: %w", typed)), "id"); got != typed {
		t.Errorf("got %v, want %v", got, typed)
	}
}

func TestAnUntypedErrorIsOurs(t *testing.T) {
	got := arm.AsError(fmt.Errorf("password=hunter2: %w", errCause), "correlation-1")
	if got.Code.Name != arm.InternalServerError.Name || got.Code.Status != http.StatusInternalServerError {
		t.Errorf("got %v, want InternalServerError", got.Code)
	}
	if b := got.Body(); strings.Contains(b.Message, "hunter2") || !strings.Contains(b.Message, "correlation-1") {
		t.Errorf("message %q: want the correlation id and no cause", b.Message)
	}
	if !errors.Is(got, errCause) {
		t.Error("the cause is lost to the log")
	}
}

func TestIs(t *testing.T) {
	err := fmt.Errorf("write: %w", arm.WriteConflict.Errorf("Again."))
	for _, tc := range []struct {
		why  string
		code arm.Code
		err  error
		want bool
	}{
		{"wrapped", arm.WriteConflict, err, true},
		{"another code of the same status", arm.OperationInProgress, err, false},
		{"no typed error", arm.InternalServerError, errCause, false},
		{"no error", arm.NotFound, nil, false},
	} {
		if got := tc.code.Is(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.why, got, tc.want)
		}
	}
}

func TestFaults(t *testing.T) {
	var f arm.Faults
	if err := f.Err(); err != nil || f.Len() != 0 || f.List() != nil {
		t.Errorf("no faults: got %v", err)
	}

	f.Add(arm.InvalidCIDRRange, "properties.networkProfile", "Overlaps %s.", "x")
	var one *arm.Error
	if !errors.As(f.Err(), &one) || one.Message != "properties.networkProfile: Overlaps x." || one.Details != nil {
		t.Errorf("one fault: got %+v, want the fault itself", one)
	}

	f.Add(arm.InvalidParameter, "location", "100%% wrong.")
	var all *arm.Error
	if !errors.As(f.Err(), &all) {
		t.Fatal("two faults: got no typed error")
	}
	if all.Code.Name != arm.InvalidCIDRRange.Name || all.Target != "properties.networkProfile" || !strings.Contains(all.Message, "Overlaps x.") || !strings.Contains(all.Message, "1 more") {
		t.Errorf("two faults: got %v, want the first and that there is one more", all)
	}
	body := all.Body()
	if len(body.Details) != 2 || body.Details[0].Target != "properties.networkProfile" || body.Details[1].Message != "location: 100% wrong." {
		t.Errorf("details: got %+v, want both in order", body.Details)
	}
}

func TestFaultsKeepAPercentSignOfAMessage(t *testing.T) {
	var f arm.Faults
	f.Add(arm.InvalidParameter, "a", "%s", "names cannot contain %d")
	f.Add(arm.InvalidParameter, "b", "other")
	if got := f.Err().Error(); !strings.Contains(got, "cannot contain %d (and") {
		t.Errorf("got %q", got)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var f arm.Faults
	for range 1000 {
		f.Add(arm.InvalidParameter, "x", "Wrong.")
	}
	if got := f.Len(); got != 100 {
		t.Errorf("got %d faults, want 100: a hostile body must not make a huge reply", got)
	}
}

func TestNotingNothingCostsNothing(t *testing.T) {
	if got := testing.AllocsPerRun(100, func() {
		var f arm.Faults
		if f.Err() != nil {
			t.Error("a fault out of nowhere")
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestRetryableCodes(t *testing.T) {
	for _, tc := range []struct {
		code arm.Code
		want bool
	}{
		{arm.TooManyRequests, true}, {arm.ServiceUnavailable, true}, {arm.InternalServerError, true},
		{arm.InvalidParameter, false}, {arm.OperationInProgress, false}, {arm.PreconditionFailed, false},
	} {
		if got := tc.code.Retryable(); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.code.Name, got, tc.want)
		}
	}
}

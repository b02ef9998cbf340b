package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/tracing"
	"github.com/aro-rp/aro/wait"
)

const (
	// lastLook is the least time that an attempt gets, even when the step's timeout passed while no
	// worker ran it: its condition may have come true.
	lastLook = 30 * time.Second
	// firstRetry and slowestRetry bound the pause after a failed attempt.
	firstRetry   = time.Second
	slowestRetry = 30 * time.Second
	// maxError bounds the error text kept in the document, in bytes.
	maxError = 1024
)

// Run runs the steps that the operation has not finished yet, in order. Its error determines
// how the operation continues:
//
//   - nil: the plan is done.
//   - *Pause: run it again after that time, under the lease with Work.Hold or, after
//     releasing it with Work.Rest, under the next one.
//   - ErrSuperseded, store.ErrLeaseLost, or the cause with which ctx was cancelled:
//     another process continues.
//   - anything else, always an *arm.Error: the operation has failed.
func Run[D, R any](ctx context.Context, w *Work[D, R], steps []Step[D, R]) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := w.begin(ctx, steps); err != nil {
		return stopped(ctx, err)
	}
	for {
		step := next(w.operation(), w.Resource(), steps)
		if step == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := w.attempt(ctx, step); err != nil {
			return w.evaluate(ctx, step, err)
		}
		if err := w.finish(ctx, step, steps); err != nil {
			return stopped(ctx, err)
		}
	}
}

// stopped is the outcome when progress could not be recorded. The operation has not failed, but
// this worker cannot continue it; if no worker can, its count of lost workers ends it.
func stopped(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrSuperseded), errors.Is(err, store.ErrLeaseLost):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("progress not recorded: %w: %w", store.ErrLeaseLost, err)
}

// begin records the first unfinished step as the current one, unless it is already.
func (w *Work[D, R]) begin(ctx context.Context, steps []Step[D, R]) error {
	step := next(w.operation(), w.Resource(), steps)
	if current := w.operation().Current; step == nil || current != nil && current.Name == step.Name {
		return nil
	}
	return w.record(ctx, func(d *D) error {
		w.advance(d, steps)
		return nil
	})
}

// finish records that the step succeeded, and which one is next, in one write.
func (w *Work[D, R]) finish(ctx context.Context, step *Step[D, R], steps []Step[D, R]) error {
	done := *w.current() // begin and finish see to it that it is this step's
	done.EndedAt = w.options.Now()
	done.Attempts++
	done.WaitingFor, done.LastError, done.NextAttempt = "", "", time.Time{}
	done.Refusal, done.RefusedSince, done.Running = nil, time.Time{}, nil
	done.Waited = w.waits.Sum(0)
	err := w.record(ctx, func(d *D) error {
		w.kind.Meta(d).Lost = 0
		if op := w.kind.Operation(d); !op.HasFinished(step.Name) {
			op.Finished = append(op.Finished, done)
		}
		w.advance(d, steps)
		return nil
	})
	if err != nil {
		return fmt.Errorf("step %q: %w", step.Name, err)
	}
	w.report(ctx, done, Done, nil)
	return nil
}

func (w *Work[D, R]) advance(d *D, steps []Step[D, R]) {
	op, r := w.kind.Operation(d), w.kind.Resource(d)
	op.Steps = count(op, r, steps)
	op.Current = nil
	if step := next(op, r, steps); step != nil {
		op.Current = &model.Step{Name: step.Name, StartedAt: w.options.Now()}
	}
}

var errDeadline = errors.New("the step's time is over")

// attempt calls the step with the rest of its timeout.
func (w *Work[D, R]) attempt(ctx context.Context, step *Step[D, R]) (err error) {
	current := w.current()
	w.waits = wait.NewWaits(w.options.Now, current.Waited)
	w.running.begin(current.Running)
	left := current.StartedAt.Add(step.Timeout).Sub(w.options.Now())
	ctx, cancel := context.WithTimeoutCause(ctx, max(left, min(lastLook, step.Timeout)), errDeadline)
	defer cancel()
	op := w.operation()
	ctx, span := tracing.Begin(ctx, "step "+step.Name, tracing.Step, step.Name, tracing.OperationID, op.ID, tracing.CorrelationID, op.CorrelationID)
	defer func() {
		if r := recover(); r != nil {
			err = w.panicked(ctx, step, r)
		}
		endSpan(span, err)
	}()
	err = step.Do(w.waits.In(ctx), w)
	if err != nil && step.Explain != nil {
		err = step.Explain(err, w.Resource())
	}
	return err
}

// endSpan ends the span of an attempt. The text of an error can contain anything.
func endSpan(span tracing.Span, err error) {
	var pending *wait.Pending
	switch {
	case errors.As(err, &pending):
		span.Note(tracing.Outcome, string(Waiting))
	case err != nil:
		span.Fail()
	default:
		span.Note(tracing.Outcome, string(Done))
	}
	span.End()
}

// panicked makes an error of a panic. It includes the text of runtime errors only: other values may
// contain anything.
func (w *Work[D, R]) panicked(ctx context.Context, step *Step[D, R], r any) error {
	err := fmt.Errorf("panic with a %T", r)
	if fault, ok := r.(runtime.Error); ok {
		err = fmt.Errorf("panic: %w", fault)
	}
	w.options.Log.ErrorContext(ctx, "step panicked", "step", step.Name, "error", err.Error(), "stack", string(debug.Stack()))
	return err
}

// evaluate decides what an unsuccessful attempt means for the plan.
func (w *Work[D, R]) evaluate(ctx context.Context, step *Step[D, R], err error) error {
	record := *w.current()
	record.Running = w.running.kept()
	if errors.Is(err, ErrSuperseded) || errors.Is(err, store.ErrLeaseLost) || ctx.Err() != nil {
		w.attempted.Store(&record) // what it began is handed over
		return stopped(ctx, err)
	}
	record.Attempts++
	left := record.StartedAt.Add(step.Timeout).Sub(w.options.Now())

	var pending *wait.Pending
	var patient *wait.Retryable
	var typed *arm.Error
	errors.As(err, &patient)
	errors.As(err, &typed)
	isPending := errors.As(err, &pending)
	if !isPending {
		left = min(left, w.patience(&record, patient))
	}
	switch {
	case isPending && left > 0:
		record.WaitingFor, record.LastError = pending.WaitingFor, ""
		record.Refusal, record.RefusedSince = nil, time.Time{}
		return w.pause(ctx, record, min(pending.After, left), nil)
	case isPending:
		err = timedOut(step.Name, step.Timeout, pending.Part, pending.WaitingFor)
	case typed != nil && patient == nil && !passes(typed.Code):
	case left > 0:
		after := backOff(record)
		if patient != nil {
			after = max(after, patient.After)
		}
		record.WaitingFor, record.LastError, record.Refusal = "", truncated(err.Error()), shown(typed)
		return w.pause(ctx, record, min(after, left), err)
	case typed != nil:
	case errors.Is(err, context.DeadlineExceeded):
		err = remembering(timedOut(step.Name, step.Timeout, "", record.WaitingFor), record.Refusal).Because(err)
	default:
		err = w.kind.gaveUp(w.operation().Kind, step.Name).Because(err)
	}
	err = aimed(err)
	w.report(ctx, record, Failed, err)
	return fmt.Errorf("step %q: %w", step.Name, err)
}

// patience returns how much longer a step is tried after a failed attempt: without limit, unless it
// was refused with a bound. A bound begins with the first of consecutive refusals; transient errors
// in between do not extend it.
func (w *Work[D, R]) patience(record *model.Step, patient *wait.Retryable) time.Duration {
	if patient == nil || patient.Within == 0 {
		return math.MaxInt64
	}
	now := w.options.Now()
	if record.RefusedSince.IsZero() {
		record.RefusedSince = now
	}
	return record.RefusedSince.Add(patient.Within).Sub(now)
}

// shown is the error of an unfinished step as customers see it.
func shown(e *arm.Error) *model.OperationError {
	if e == nil {
		return nil
	}
	body := model.ErrorOf(e.AboutBody().Body())
	return &body
}

// aimed keeps those targets of an error that a customer can change: members of the cluster. The
// message names resources and parts of the cluster.
func aimed(err error) error {
	var typed *arm.Error
	if !errors.As(err, &typed) {
		return err
	}
	return typed.AboutBody()
}

// passes reports whether a code means a transient error only.
func passes(code arm.Code) bool {
	return code == arm.InternalServerError || code == arm.ServiceUnavailable || code == arm.TooManyRequests
}

func (w *Work[D, R]) pause(ctx context.Context, record model.Step, after time.Duration, err error) error {
	record.NextAttempt = w.options.Now().Add(after)
	record.Waited = w.waits.Sum(after)
	result := Waiting
	if err != nil {
		result = Retrying
	}
	w.report(ctx, record, result, err)
	return &Pause{After: after, step: record}
}

// backOff doubles with every attempt. A step whose first failure follows a wait is tried again
// soon.
func backOff(record model.Step) time.Duration {
	d := firstRetry
	if record.LastError != "" {
		d = min(firstRetry<<min(record.Attempts-1, 10), slowestRetry)
	}
	return d - rand.N(d/5) // spread those that failed together
}

func timedOut(step string, timeout time.Duration, part, waitingFor string) *arm.Error {
	if waitingFor == "" {
		waitingFor = "its work to end"
	}
	return arm.StepTimedOut.At(part, "The step %q did not end within %s. It was waiting for %s. Repeat the request; if it persists contact support.", step, timeout, waitingFor)
}

// remembering adds the step's last refusal to the error of its timeout.
func remembering(e *arm.Error, refusal *model.OperationError) *arm.Error {
	if refusal != nil {
		e.Message += " Its last attempt failed: " + refusal.Code + ": " + refusal.Message
	}
	return e
}

func truncated(s string) string {
	if len(s) <= maxError {
		return s
	}
	return strings.ToValidUTF8(s[:maxError], "") + "…"
}

// report writes the result of an attempt to log and metrics. Failures are logged where the
// operation ends.
func (w *Work[D, R]) report(ctx context.Context, step model.Step, result Result, err error) {
	log := w.options.Log.With("step", step.Name, "attempt", step.Attempts)
	switch result {
	case Done:
		log.InfoContext(ctx, "step done", "seconds", step.EndedAt.Sub(step.StartedAt).Seconds(), "waited", step.Waited)
	case Waiting:
		log.DebugContext(ctx, "step waits", "waiting_for", step.WaitingFor)
	case Retrying:
		log.WarnContext(ctx, "step failed, will be tried again", "error", err.Error(), "next_attempt", step.NextAttempt)
	}
	w.options.Observe(Attempt{Step: step.Name, Result: result, Since: w.options.Now().Sub(step.StartedAt)})
}

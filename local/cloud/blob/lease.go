package blob

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
)

// lease keeps others from changing or deleting a container or blob.
type lease struct {
	ID       string    `json:"id,omitempty"`
	Seconds  int       `json:"seconds,omitempty"` // -1 is without end
	Until    time.Time `json:"until,omitzero"`    // zero is without end
	Breaking bool      `json:"breaking,omitempty"`
}

func (l lease) held(now time.Time) bool {
	return l.ID != "" && (l.Until.IsZero() || now.Before(l.Until))
}

// words are the status and state of a lease.
func (l lease) words(now time.Time) (status, state string) {
	switch {
	case l.held(now) && l.Breaking:
		return "locked", "breaking"
	case l.held(now):
		return "locked", "leased"
	case l.ID != "" && l.Breaking:
		return "unlocked", "broken"
	case l.ID != "":
		return "unlocked", "expired"
	}
	return "unlocked", "available"
}

func (l lease) show(h http.Header, now time.Time) {
	status, state := l.words(now)
	h.Set("x-ms-lease-status", status)
	h.Set("x-ms-lease-state", state)
	if state == "leased" {
		h.Set("x-ms-lease-duration", map[bool]string{true: "infinite", false: "fixed"}[l.Until.IsZero()])
	}
}

// permit refuses a write that does not name the lease, if one is held.
func (l lease) permit(q *request, now time.Time) error {
	given := q.Header.Get("x-ms-lease-id")
	switch {
	case given == "" && !l.held(now):
		return nil
	case given == "":
		return refuse(http.StatusPreconditionFailed, "LeaseIdMissing", "There is currently a lease on the resource and no lease ID was specified in the request.")
	case !l.held(now):
		return refuse(http.StatusPreconditionFailed, "LeaseLost", "A lease ID was specified, but the lease for the resource has expired.")
	case !arm.EqualFold(given, l.ID):
		return refuse(http.StatusPreconditionFailed, "LeaseIdMismatchWithBlobOperation", "The lease ID specified did not match the lease ID for the resource.")
	}
	return nil
}

func (s *Service) leaseContainer(q *request) error {
	return s.leaseAnswer(q, func(change func(*lease) error) error {
		return s.changeContainer(q, func(c *Container) error { return change(&c.Lease) })
	})
}

func (s *Service) leaseBlob(q *request) error {
	return s.leaseAnswer(q, func(change func(*lease) error) error {
		b, err := s.mustBlob(q)
		if err != nil {
			return err
		}
		if err := q.preconditions(b.ETag, b.Modified, true); err != nil {
			return err
		}
		// A lease changes neither the ETag nor the time.
		if err := s.changeLease(q, change); err != nil {
			return err
		}
		q.stamp(b.ETag, b.Modified)
		return q.answer(http.StatusOK, nil)
	})
}

// status is how each action ends, and what it asks for.
var leaseStatus = map[string]int{"acquire": http.StatusCreated, "renew": http.StatusOK, "change": http.StatusOK, "release": http.StatusOK, "break": http.StatusAccepted}

// leaseAnswer runs an action on the lease and gives the answer its status.
func (s *Service) leaseAnswer(q *request, on func(change func(*lease) error) error) error {
	action := strings.ToLower(q.Header.Get("x-ms-lease-action"))
	status, ok := leaseStatus[action]
	if !ok {
		return refuse(http.StatusBadRequest, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format: x-ms-lease-action.")
	}
	plain := q.w
	q.w = &statusWriter{ResponseWriter: plain, status: status}
	defer func() { q.w = plain }()
	return on(func(l *lease) error { return l.act(q, action, s.Now()) })
}

// statusWriter answers success with another status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (l *lease) act(q *request, action string, now time.Time) error {
	given, proposed := q.Header.Get("x-ms-lease-id"), q.Header.Get("x-ms-proposed-lease-id")
	mismatch := refuse(http.StatusConflict, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID for the resource.")
	switch action {
	case "acquire":
		seconds, err := strconv.Atoi(q.Header.Get("x-ms-lease-duration"))
		if err != nil || seconds != -1 && (seconds < 15 || seconds > 60) {
			return refuse(http.StatusBadRequest, "InvalidHeaderValue", "A lease lasts 15 to 60 seconds, or -1 for ever.")
		}
		if l.held(now) && !arm.EqualFold(l.ID, proposed) {
			return refuse(http.StatusConflict, "LeaseAlreadyPresent", "There is already a lease present.")
		}
		if proposed == "" {
			proposed = uuid.NewString()
		}
		*l = lease{ID: proposed, Seconds: seconds}
		l.extend(now)
	case "renew", "change", "release":
		if l.ID == "" || given == "" || !arm.EqualFold(given, l.ID) && (action != "change" || !arm.EqualFold(proposed, l.ID)) {
			return mismatch
		}
		switch action {
		case "renew":
			l.Breaking = false
			l.extend(now)
		case "change":
			l.ID = proposed
		case "release":
			*l = lease{}
			return nil
		}
	case "break":
		return l.breakUp(q, now)
	}
	q.w.Header().Set("x-ms-lease-id", l.ID)
	return nil
}

func (l *lease) extend(now time.Time) {
	l.Until = time.Time{}
	if l.Seconds > 0 {
		l.Until = now.Add(time.Duration(l.Seconds) * time.Second)
	}
}

func (l *lease) breakUp(q *request, now time.Time) error {
	if l.ID == "" {
		return refuse(http.StatusConflict, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the resource.")
	}
	period := 0
	if !l.Until.IsZero() {
		period = max(0, int(l.Until.Sub(now).Seconds()))
	}
	if text := q.Header.Get("x-ms-lease-break-period"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 0 || asked > 60 {
			return refuse(http.StatusBadRequest, "InvalidHeaderValue", "A lease breaks in 0 to 60 seconds.")
		}
		if l.Until.IsZero() || asked < period {
			period = asked
		}
	}
	l.Breaking, l.Until = true, now.Add(time.Duration(period)*time.Second)
	q.w.Header().Set("x-ms-lease-time", strconv.Itoa(period))
	return nil
}

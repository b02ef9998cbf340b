// Package audits is the page on which people search who did what. What matches is package audit's.
package audits

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/audit"
	"github.com/aro-rp/aro/model"
)

// Search is the page: the form as it was sent, and what was found.
type Search struct {
	// Form has the fields by their names, as texts.
	Form url.Values
	audit.Page
	// Portal is the path of the page.
	Portal string
}

// span is how far back a search goes by default.
const span = 24 * time.Hour

// The outcomes of requests.
const succeeded, failed = "Succeeded", "Failed"

// The layouts of times in the form, of which browsers send the first. They are UTC.
var layouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339}

// Query reads the form.
func Query(form url.Values, now time.Time) (audit.Query, error) {
	q := audit.Query{Who: field(form, "who"), What: field(form, "what"), Cluster: field(form, "cluster"), Outcome: field(form, "outcome"), ID: field(form, "id"),
		Changes: form.Get("changes") != "", To: now}
	if q.Outcome != "" && q.Outcome != succeeded && q.Outcome != failed {
		return q, arm.InvalidParameter.At("outcome", "The outcome must be %s or %s.", succeeded, failed)
	}
	var err error
	if q.To, err = timeOf(form, "to", now); err != nil {
		return q, err
	}
	if q.From, err = timeOf(form, "from", q.To.Add(-span)); err != nil {
		return q, err
	}
	if q.From.After(q.To) {
		return q, arm.InvalidParameter.At("from", "The search must begin before it ends.")
	}
	if oldest := now.Add(-audit.Kept); q.From.Before(oldest) {
		q.From = oldest
	}
	if q.To.After(now) {
		q.To = now
	}
	return q, nil
}

func field(form url.Values, name string) string { return strings.TrimSpace(form.Get(name)) }

func timeOf(form url.Values, name string, otherwise time.Time) (time.Time, error) {
	text := field(form, name)
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, arm.InvalidParameter.At(name, "The time %s must be as in 2026-01-31T15:04, in UTC.", name)
}

// link is the page with one field changed.
func (s Search) link(name, value string) string {
	form := url.Values{}
	for n, values := range s.Form {
		if n != "next" && len(values) > 0 && values[0] != "" {
			form.Set(n, values[0])
		}
	}
	form.Set(name, value)
	return s.Portal + "?" + form.Encode()
}

// older is the next page. Its time does not move on, so that pages follow each other.
func (s Search) older(to time.Time) string {
	fixed := s
	if s.Form.Get("to") == "" {
		fixed.Form = url.Values{}
		for n, values := range s.Form {
			fixed.Form[n] = slices.Clone(values)
		}
		fixed.Form.Set("to", to.Format(time.RFC3339))
	}
	return fixed.link("next", s.Next)
}

// who is the caller.
func who(r *model.AuditRecord) string {
	if r.Principal != "" {
		return r.Principal
	}
	return r.Certificate
}

// cluster is the cluster of a record's path and its name; empty if it has none.
func cluster(r *model.AuditRecord) (id arm.ClusterID, ok bool) {
	const segments = 9 // with the empty one before the first slash
	path := strings.TrimPrefix(r.Path, "/admin")
	parts := strings.Split(path, "/")
	if len(parts) < segments {
		return id, false
	}
	return arm.ParseClusterID(strings.Join(parts[:segments], "/"))
}

// correlated is a search for all that belongs to the request of r, in the same time.
func (s Search) correlated(r *model.AuditRecord) string {
	all := Search{Portal: s.Portal, Form: url.Values{"from": s.Form["from"], "to": s.Form["to"]}}
	return all.link("id", correlation(r))
}

func correlation(r *model.AuditRecord) string {
	if r.CorrelationID != "" {
		return r.CorrelationID
	}
	return r.RequestID
}

func tone(r *model.AuditRecord) string {
	if r.Outcome == succeeded {
		return "green"
	}
	return "red"
}

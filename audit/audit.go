// Package audit keeps audit records in the database, so that people can search those of all
// processes at one place. The log stays the complete record: it has each one before its request ends.
//
// It knows no API: it reads what is logged.
package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// queued bounds the records that wait for the database. Those of more are in the log only.
	queued = 4096
	// batch is how many records a document has at most, and batchAge how long the first of them waits
	// for others.
	batch    = 100
	batchAge = time.Second
	// retryAfter is the time between writes to a database that does not respond.
	retryAfter = time.Second
)

// Log is a handler of audit records that also writes them to the database.
type Log struct {
	slog.Handler
	*writer
}

// writer is what handlers with different attributes share.
type writer struct {
	documents *store.Collection[store.AuditDocument]
	log       *slog.Logger
	lost      prometheus.Counter
	records   chan *model.AuditRecord
	closing   chan struct{}
	closed    chan struct{}
	stop      context.CancelFunc
}

// New begins to write to the documents what next handles. log gets what goes wrong.
func New(next slog.Handler, documents *store.Collection[store.AuditDocument], registry *prometheus.Registry, log *slog.Logger) (*Log, error) {
	w := &writer{documents: documents, log: log, records: make(chan *model.AuditRecord, queued), closing: make(chan struct{}), closed: make(chan struct{}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "aro_audit_records_lost_total", Help: "Audit records that are in the log and not in the database, which was too slow or refused them."})}
	if err := registry.Register(w.lost); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go w.run(ctx)
	return &Log{next, w}, nil
}

// Handle implements slog.Handler. It never waits for the database.
func (l *Log) Handle(ctx context.Context, r slog.Record) error {
	select {
	case l.records <- recordOf(r):
	default:
		l.lost.Inc()
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler. The database gets the attributes of records only.
func (l *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Log{l.Handler.WithAttrs(attrs), l.writer}
}

// WithGroup implements slog.Handler.
func (l *Log) WithGroup(name string) slog.Handler { return &Log{l.Handler.WithGroup(name), l.writer} }

// Close writes what is left, until ctx ends. Nothing may be handled afterwards.
func (l *Log) Close(ctx context.Context) {
	close(l.closing)
	select {
	case <-l.closed:
	case <-ctx.Done():
		l.stop()
		<-l.closed
	}
}

// recordOf reads the attributes by their names in the log.
func recordOf(r slog.Record) *model.AuditRecord {
	record := &model.AuditRecord{At: r.Time.UTC()}
	texts := map[string]*string{
		"operation": &record.Operation, "method": &record.Method, "path": &record.Path, "subject": &record.Subject, "principal": &record.Principal,
		"certificate": &record.Certificate, "fingerprint": &record.Fingerprint, "outcome": &record.Outcome, "code": &record.Code,
		"operation_id": &record.OperationID, "request_id": &record.RequestID, "correlation_id": &record.CorrelationID,
	}
	r.Attrs(func(a slog.Attr) bool {
		switch text := texts[a.Key]; {
		case text != nil:
			*text = a.Value.String()
		case a.Key == "status":
			record.Status = int(a.Value.Int64())
		case a.Key == "dry_run":
			record.DryRun = a.Value.Bool()
		}
		return true
	})
	return record
}

// run writes records in batches of one hour each.
func (w *writer) run(ctx context.Context) {
	defer close(w.closed)
	var first *model.AuditRecord
	for {
		if first == nil {
			select {
			case first = <-w.records:
			case <-w.closing:
				select {
				case first = <-w.records:
				default:
					return
				}
			}
		}
		var records []model.AuditRecord
		records, first = w.collect(first)
		w.write(ctx, records)
	}
}

// collect returns first and the records that follow it soon and in the same hour, and the one that
// begins the next batch, if it came.
func (w *writer) collect(first *model.AuditRecord) (records []model.AuditRecord, next *model.AuditRecord) {
	records = append(records, *first)
	age := time.NewTimer(batchAge)
	defer age.Stop()
	for len(records) < batch {
		var r *model.AuditRecord
		select {
		case r = <-w.records:
		default: // so that a queue is emptied before its end is seen
			select {
			case r = <-w.records:
			case <-age.C:
				return records, nil
			case <-w.closing:
				return records, nil
			}
		}
		if !r.At.Truncate(time.Hour).Equal(first.At.Truncate(time.Hour)) {
			return records, r
		}
		records = append(records, *r)
	}
	return records, nil
}

// write writes a document, again while the database does not respond. Meanwhile the queue fills.
func (w *writer) write(ctx context.Context, records []model.AuditRecord) {
	newest := slices.MaxFunc(records, func(a, b model.AuditRecord) int { return a.At.Compare(b.At) }).At
	doc := store.NewAudit(newest, rand.Text())
	doc.Records = records
	for {
		err := w.documents.Create(ctx, doc)
		if err == nil {
			return
		}
		if conflict := (*store.ConflictError)(nil); errors.As(err, &conflict) {
			return // an earlier attempt succeeded, and its answer was lost
		}
		if !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			w.lost.Add(float64(len(records)))
			w.log.Warn("audit records are in the log only", "records", len(records), "error", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/store"
)

// changesLimit is the maximum number of documents in one result of Changes.
const changesLimit = 500

// end is greater than every byte of a valid UTF-8 text.
const end = "\xff"

// columns returns the columns that scan reads of each document.
func columns(c *store.Container, secrets bool) string {
	return "SELECT " + content(c, secrets) + ", partition, id FROM " + c.Name + " AS d"
}

func scan(rows *sql.Rows) (r store.Record, err error) {
	err = scanContent(rows, &r, &r.Partition, &r.ID)
	return r, err
}

// content returns the columns that scanContent reads of a document in the table d.
func content(c *store.Container, secrets bool) string {
	const always = "version, written_at, CAST(body AS BLOB), "
	if !secrets {
		return always + "NULL"
	}
	return always + "(SELECT box FROM " + c.Name + "_secrets AS s WHERE s.partition = d.partition AND s.id = d.id)"
}

func scanContent(row interface{ Scan(...any) error }, r *store.Record, more ...any) error {
	var version, writtenAt int64
	if err := row.Scan(append([]any{&version, &writtenAt, (*body)(&r.Body), (*body)(&r.Secrets)}, more...)...); err != nil {
		return err
	}
	r.ETag, r.WrittenAt = strconv.FormatInt(version, 10), time.UnixMilli(writtenAt).UTC()
	return nil
}

// place is where a page ended. Its text is the continuation.
type place struct{ partition, id string }

func (p place) continuation(q store.Query) string {
	return base64.RawURLEncoding.EncodeToString([]byte(q.Partition + "\x00" + p.partition + "\x00" + p.id))
}

// parsePlace rejects continuations that cannot come from a page of q.
func parsePlace(q store.Query) (place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(q.Continuation)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != 3 || parts[0] != q.Partition || !strings.HasPrefix(parts[2], q.Prefix) {
		return place{}, store.ErrBadContinuation
	}
	return place{parts[1], parts[2]}, nil
}

func (k *driver) List(ctx context.Context, c *store.Container, q store.Query) ([]store.Record, string, error) {
	query, args, err := k.listQuery(c, q)
	if err != nil {
		return nil, "", err
	}
	records, err := k.records(ctx, query, append(args, q.Limit+1)...)
	if err != nil {
		return nil, "", err
	}
	if len(records) <= q.Limit {
		return records, "", nil
	}
	records = records[:q.Limit]
	last := records[q.Limit-1]
	return records, place{last.Partition, last.ID}.continuation(q), nil
}

func (k *driver) listQuery(c *store.Container, q store.Query) (string, []any, error) {
	query := columns(c, q.Secrets) + " WHERE " + live("?")
	args := []any{k.clock.millis()}
	and := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	if q.Partition != "" {
		and("partition = ?", q.Partition)
	}
	and("id < ?", q.Prefix+end)
	if q.Continuation == "" {
		and("id >= ?", q.Prefix)
	} else {
		after, err := parsePlace(q)
		if err != nil {
			return "", nil, err
		}
		if q.Partition != "" {
			and("id > ?", after.id)
		} else {
			and("id >= ?", q.Prefix)
			and("(partition, id) > (?, ?)", after.partition, after.id)
		}
	}
	return query + " ORDER BY partition, id LIMIT ?", args, nil
}

func (k *driver) Due(ctx context.Context, c *store.Container, perPartition, limit int) ([]store.Record, error) {
	now := k.clock.millis()
	rows, err := k.pick(ctx, c, now, perPartition, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	// A document claimed since it was selected is no longer due.
	due := "coalesce(due_at, (SELECT r.due_at FROM " + c.Name + "_renewals AS r WHERE r.partition = d.partition AND r.id = d.id))"
	query := columns(c, true) + " WHERE rowid IN (?" + strings.Repeat(", ?", len(rows)-1) + ") AND " + due + " <= ? AND " +
		live("?") + " ORDER BY " + due
	return k.records(ctx, query, append(rows, now, now)...)
}

// pick selects the due documents, the longest due first, until it has enough; it
// reads only indexes, and the documents of expired renewals.
func (k *driver) pick(ctx context.Context, c *store.Container, now int64, perPartition, limit int) (picked []any, err error) {
	query := "SELECT rowid, partition, due_at FROM " + c.Name + " WHERE due_at <= ?1 UNION ALL" +
		" SELECT d.rowid, d.partition, r.due_at FROM " + c.Name + "_renewals AS r CROSS JOIN " + c.Name + " AS d" +
		" ON d.partition = r.partition AND d.id = r.id WHERE r.due_at <= ?1 ORDER BY 3"
	rows, err := k.readers.QueryContext(ctx, query, now)
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	seen := map[string]int{}
	var row, due int64
	var partition sql.RawBytes
	for len(picked) < limit && rows.Next() {
		if err := rows.Scan(&row, &partition, &due); err != nil {
			return nil, fault(err)
		}
		if seen[string(partition)] < perPartition {
			seen[string(partition)]++
			picked = append(picked, row)
		}
	}
	return picked, fault(rows.Err())
}

func (k *driver) Changes(ctx context.Context, c *store.Container, mark string) (records []store.Record, next string, more bool, err error) {
	var since int64
	if mark != "" {
		if since, err = strconv.ParseInt(mark, 10, 64); err != nil {
			return nil, "", false, fmt.Errorf("mark: %w", store.ErrBadContinuation)
		}
	}
	query := columns(c, true) + " WHERE version > ? AND " + live("?") + " ORDER BY version LIMIT ?"
	records, err = k.records(ctx, query, since, k.clock.millis(), changesLimit)
	if err != nil {
		return nil, "", false, err
	}
	if len(records) == 0 {
		return nil, strconv.FormatInt(since, 10), false, nil
	}
	return records, records[len(records)-1].ETag, len(records) == changesLimit, nil
}

func (k *driver) records(ctx context.Context, query string, args ...any) ([]store.Record, error) {
	rows, err := k.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	var records []store.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, fault(err)
		}
		records = append(records, r)
	}
	return records, fault(rows.Err())
}

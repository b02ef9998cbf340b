package cosmos

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/store"
)

const (
	// envelopeMember is the top-level member with the driver's own data. Its name
	// is stored and cannot change.
	envelopeMember = "keeper"
	tokensMember   = "tokens"
	dueAtMember    = "dueAt"
	// secretsMember is the top-level member with the encrypted secrets, in base64. It is
	// not in the envelope, from which earlier releases remove unknown members.
	secretsMember = "sealed"
	// trailLength is how many writes later a write can still be recognised: more
	// than usually happen to a document while a request is retried.
	trailLength = 32
)

// envelope is the driver's own data in a document.
//
// Tokens are those of the last writes, the newest first. After a lost response they
// show whether the write took effect, even if others followed.
//
// The document is due from dueAt on, in seconds since 1970 by the database's clock:
// a time, unlike a delay since the last write, can be indexed.
//
// The other members represent the document's unique keys: Cosmos DB treats absent
// members as equal, so an absent key has a value that no other document has.
type envelope map[string]any

// unique returns the value that represents a unique key; value is nil if the
// document does not have the key.
func unique(value []byte, id string) string {
	if value == nil || string(value) == "null" {
		return "absent in " + id
	}
	return "=" + string(value)
}

// roomForEnvelope is the size of most envelopes.
const roomForEnvelope = 1024

// seal adds the envelope and the secrets to the body of r. The tokens of the version
// that r replaces come from its ETag.
func seal(c *store.Container, r store.Record, token string, clock *clock) ([]byte, envelope, error) {
	_, trail := splitETag(r.ETag)
	tokens := append([]string{token}, trail...)
	note := envelope{tokensMember: tokens[:min(len(tokens), trailLength)]}
	for _, key := range c.UniqueKeys {
		note[key] = unique(nil, r.ID)
	}
	sealedSize := base64.StdEncoding.EncodedLen(len(r.Secrets))
	body, err := divide(r.Body, roomForEnvelope+sealedSize, func(name string, value []byte) bool {
		switch {
		case slices.Contains(c.UniqueKeys, name):
			note[name] = unique(value, r.ID)
		case name == dueMember:
			if due, err := strconv.ParseFloat(string(value), 64); err == nil {
				note[dueAtMember] = clock.dueAt(due)
			}
		}
		return name == envelopeMember || name == secretsMember
	})
	if err != nil {
		return nil, nil, err
	}
	inner, err := json.Marshal(note)
	if err != nil {
		return nil, nil, fmt.Errorf("envelope: %w", err)
	}
	body = appendMember(body, envelopeMember, inner)
	if len(r.Secrets) > 0 {
		body = appendMember(body, secretsMember, []byte{'"'})
		body = append(base64.StdEncoding.AppendEncode(body, r.Secrets), '"')
	}
	return append(body, '}'), note, nil
}

// open removes the database's and the driver's own members from a stored document.
// An invalid member of the driver counts as absent: one damaged document must not
// prevent reading the others of a response.
func open(raw []byte) (store.Record, error) {
	var r store.Record
	var etag string
	var written int64
	var note struct {
		Tokens []string `json:"tokens"`
	}
	body, err := divide(raw, 1, func(name string, value []byte) bool {
		switch name {
		case "partition":
			read(value, &r.Partition)
			return false
		case "id":
			read(value, &r.ID)
			return false
		case "_etag":
			read(value, &etag)
		case "_ts":
			read(value, &written)
		case envelopeMember:
			if json.Unmarshal(value, &note) != nil {
				note.Tokens = nil
			}
		case secretsMember:
			if json.Unmarshal(value, &r.Secrets) != nil {
				r.Secrets = bytes.Clone(value) // so that the store finds it damaged
			}
		case "_rid", "_self", "_attachments":
		default:
			return false
		}
		return true
	})
	if err != nil {
		return store.Record{}, err
	}
	r.Body, r.ETag, r.WrittenAt = append(body, '}'), joinETag(etag, note.Tokens), time.Unix(written, 0).UTC()
	return r, nil
}

// read leaves the zero value if the text has another type.
func read[T any](text []byte, into *T) {
	if json.Unmarshal(text, into) != nil {
		*into = *new(T)
	}
}

// dueMember is the document's own member with a delay.
const dueMember = "due"

// postponed returns a body with another delay; the same body if it has that delay
// already, like that of a renewed lease.
func postponed(body []byte, after time.Duration) ([]byte, error) {
	var had float64
	left, err := divide(body, len(dueMember)+32, func(name string, value []byte) bool {
		if name == dueMember {
			read(value, &had)
		}
		return name == dueMember
	})
	if err != nil || had == after.Seconds() && had > 0 {
		return body, err
	}
	due, err := json.Marshal(after.Seconds())
	return append(appendMember(left, dueMember, due), '}'), err
}

// The ETag of a record is that of Cosmos DB and the tokens of the last writes.
func joinETag(etag string, tokens []string) string {
	return strings.Join(append([]string{etag}, tokens...), " ")
}

func splitETag(s string) (etag string, tokens []string) {
	parts := strings.Split(s, " ")
	return parts[0], parts[1:]
}

// wrote reports whether the write with that token is part of the version with this
// ETag.
func wrote(etag, token string) bool {
	_, tokens := splitETag(etag)
	return slices.Contains(tokens, token)
}

// complete reports whether the trail of the version with this ETag has every write
// since the version with the other one; since may be empty.
func complete(etag, since string) bool {
	_, tokens := splitETag(etag)
	_, older := splitETag(since)
	return len(tokens) < trailLength || len(older) > 0 && slices.Contains(tokens, older[0])
}

// newToken returns the token of one write.
func newToken() string { return rand.Text()[:8] }

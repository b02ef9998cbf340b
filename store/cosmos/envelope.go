package cosmos

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/store"
)

const (
	// envelopeMember is the top-level member where the keeper keeps its own notes.
	envelopeMember = "keeper"
	tokensMember   = "tokens"
	// secretsMember is the top-level member with the sealed secrets, in base64. It is not
	// in the envelope, of which earlier releases keep nothing that they do not know.
	secretsMember = "sealed"
	// trailLength is how many writes later a write can still be recognised: more
	// than a document sees while a request is tried again, but for the oddest day.
	trailLength = 32
)

// envelope is what the keeper notes in a document beside its content.
//
// Tokens are those of the last writes, the newest first. After an answer was lost
// they report whether the write took effect, even if others wrote since.
//
// The other members stand in for the document's unique keys: Cosmos DB compares
// absent members too, as if they were equal, so an absent key is noted as
// something that no other document has.
type envelope map[string]any

// unique is what stands in for the unique key with this value; value is nil if
// the document does not have the key.
func unique(value json.RawMessage, id string) string {
	if value == nil || string(value) == "null" {
		return "absent in " + id
	}
	return "=" + string(value)
}

// seal puts the envelope into the body of r. The tokens of the version that r
// replaces come from its ETag.
func seal(c *store.Container, r store.Record, token string) ([]byte, envelope, error) {
	_, trail := splitETag(r.ETag)
	tokens := append([]string{token}, trail...)
	note := envelope{tokensMember: tokens[:min(len(tokens), trailLength)]}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &members); err != nil {
		return nil, nil, fmt.Errorf("body: %w", err)
	}
	for _, key := range c.UniqueKeys {
		note[key] = unique(members[key], r.ID)
	}
	inner, err := json.Marshal(note)
	if err != nil {
		return nil, nil, fmt.Errorf("envelope: %w", err)
	}
	members[envelopeMember] = inner
	delete(members, secretsMember)
	if len(r.Secrets) > 0 {
		members[secretsMember] = json.RawMessage(`"` + base64.StdEncoding.EncodeToString(r.Secrets) + `"`)
	}
	body, err := marshal(members)
	return body, note, err
}

// open takes the database's and the keeper's own members out of what was read. One
// of the keeper's that is not as it was written counts as absent: one damaged
// document must not keep the others of an answer from being read.
func open(raw []byte) (store.Record, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return store.Record{}, fmt.Errorf("document: %w", err)
	}
	var note struct {
		Tokens []string `json:"tokens"`
	}
	if json.Unmarshal(members[envelopeMember], &note) != nil {
		note.Tokens = nil
	}
	r := store.Record{
		Partition: member[string](members, "partition"),
		ID:        member[string](members, "id"),
		ETag:      joinETag(member[string](members, "_etag"), note.Tokens),
		WrittenAt: time.Unix(member[int64](members, "_ts"), 0).UTC(),
	}
	if sealed := members[secretsMember]; sealed != nil && json.Unmarshal(sealed, &r.Secrets) != nil {
		r.Secrets = []byte(sealed) // for the store to find it damaged
	}
	for _, name := range []string{envelopeMember, secretsMember, "_rid", "_self", "_etag", "_attachments", "_ts"} {
		delete(members, name)
	}
	var err error
	r.Body, err = marshal(members)
	return r, err
}

// member is the zero value if there is no such member, or one of another type.
func member[T any](members map[string]json.RawMessage, name string) T {
	var v T
	if json.Unmarshal(members[name], &v) != nil {
		return *new(T)
	}
	return v
}

// marshal writes members in the order of their names and leaves text as it is.
func marshal(members map[string]json.RawMessage) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(members); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// The ETag of a record is Cosmos DB's and the tokens of the last writes.
func joinETag(etag string, tokens []string) string {
	return strings.Join(append([]string{etag}, tokens...), " ")
}

func splitETag(s string) (etag string, tokens []string) {
	parts := strings.Split(s, " ")
	return parts[0], parts[1:]
}

// wrote reports whether the write with that token is behind the version with this ETag.
func wrote(etag, token string) bool {
	_, tokens := splitETag(etag)
	return slices.Contains(tokens, token)
}

// complete reports whether the trail of the version with this ETag names every write
// since the version with the other one, which is empty for none.
func complete(etag, since string) bool {
	_, tokens := splitETag(etag)
	_, older := splitETag(since)
	return len(tokens) < trailLength || len(older) > 0 && slices.Contains(tokens, older[0])
}

// newToken names one write.
func newToken() string { return rand.Text()[:8] }

package sqlite

import (
	"errors"
	"testing"

	"github.com/aro-rp/aro/store"
)

// TestADocumentIsNotWrittenWithoutItsSecrets: where those cannot be written nothing is.
func TestADocumentIsNotWrittenWithoutItsSecrets(t *testing.T) {
	k := openAt(t, new(wall))
	clusters := store.Containers()[0]
	body := func(more string) []byte { return []byte(`{"id":"a","partition":"p"` + more + `}`) }
	first, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: "a", Body: body(""), Secrets: []byte("box")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.writer.conn.ExecContext(t.Context(), "ALTER TABLE Clusters_secrets RENAME COLUMN box TO lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: "b", Body: []byte(`{"id":"b","partition":"p"}`), Secrets: []byte("box")}); err == nil {
		t.Error("a create succeeds without its secrets")
	}
	if _, err := k.ReadBody(t.Context(), clusters, "p", "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("half of a create is there: %v", err)
	}
	second := first
	second.Body, second.Secrets = body(`,"new":1`), []byte("other")
	if _, err := k.Replace(t.Context(), clusters, second); err == nil {
		t.Error("a replace succeeds without its secrets")
	}
	if now, err := k.ReadBody(t.Context(), clusters, "p", "a"); err != nil || now.ETag != first.ETag || string(now.Body) != string(body("")) {
		t.Errorf("half of a replace is there: %s, %v", now.Body, err)
	}
}

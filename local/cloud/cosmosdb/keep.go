package cosmosdb

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// documentKind is the kind of kept documents. Their keys are the path of the container,
// which begins with the account, the partition and the id.
const documentKind = "cosmosDocument"

// maxDocument is more than any document of Cosmos DB has.
const maxDocument = 4 << 20

// kept is a document as a client wrote it.
type kept struct {
	Partition string          `json:"partition"`
	Content   json.RawMessage `json:"content"`
}

// turns lets one write at a time go to a document, so that the last one that the server
// takes is the one that is kept.
type turns [64]sync.Mutex

func (t *turns) of(key string) *sync.Mutex {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key)) // it never fails
	return &t[sum.Sum32()%uint32(len(t))]
}

// write is a request that changes a document.
type write struct{ container, partition, id string }

func (w write) key(account string) string {
	return strings.ToLower(account) + w.container + "|" + w.partition + "|" + w.id
}

// writeOf returns what a request with this content changes; false for one that changes
// no document.
func writeOf(r *http.Request, content []byte) (write, bool) {
	container, id, ok := strings.Cut(r.URL.Path, "/docs")
	w := write{container, r.Header.Get("x-ms-documentdb-partitionkey"), strings.Trim(id, "/")}
	switch {
	case !ok:
		return w, false
	case r.Method == http.MethodPut || r.Method == http.MethodDelete:
		return w, w.id != ""
	case r.Method != http.MethodPost || strings.Contains(r.Header.Get("Content-Type"), "query"):
		return w, false
	}
	var document struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(content, &document)
	w.id = document.ID
	return w, err == nil && w.id != ""
}

// serveKept has the server answer, and keeps what a write left.
func (s *Service) serveKept(w http.ResponseWriter, r *http.Request, server http.Handler, account string) {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxDocument))
	if err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", "The request was not received.")
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	change, ok := writeOf(r, content)
	if !ok {
		server.ServeHTTP(w, r)
		return
	}
	key := change.key(account)
	turn := s.turns.of(key)
	turn.Lock()
	defer turn.Unlock()
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	if answer.Code < http.StatusMultipleChoices {
		ctx := context.WithoutCancel(r.Context())
		if r.Method == http.MethodDelete {
			_, err = s.Keep.Delete(ctx, documentKind, key)
		} else {
			err = s.Keep.Put(ctx, documentKind, key, kept{change.partition, content})
		}
	}
	if err != nil {
		s.Log.Error("a document was written and not kept", "document", key, "error", err)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client may be gone
}

// restore gives a server that starts the documents that it had.
func (s *Service) restore(ctx context.Context, server http.Handler, account string) error {
	if s.Keep == nil {
		return nil
	}
	all, err := s.Keep.List(ctx, documentKind, account+"/")
	if err != nil {
		return err
	}
	for _, entry := range all {
		var document kept
		if err := json.Unmarshal(entry.Value, &document); err != nil {
			return err
		}
		container, _, _ := strings.Cut(strings.TrimPrefix(entry.Key, account), "|")
		status, answer, err := send(ctx, server, call{http.MethodPost, container + "/docs", document.Partition, document.Content})
		if err == nil && status >= http.StatusBadRequest {
			s.Log.Warn("a document was not restored", "document", entry.Key, "status", status, "answer", answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops the documents of a database or container.
func (s *Service) forget(ctx context.Context, names []string) error {
	if s.Keep == nil {
		return nil
	}
	all, err := s.Keep.List(ctx, documentKind, strings.ToLower(names[0])+partPath(names))
	if err != nil {
		return err
	}
	for _, entry := range all {
		rest := strings.TrimPrefix(entry.Key, strings.ToLower(names[0])+partPath(names))
		if rest[0] != '/' && rest[0] != '|' {
			continue // of one whose name is longer
		}
		if _, err := s.Keep.Delete(ctx, documentKind, entry.Key); err != nil {
			return err
		}
	}
	return nil
}

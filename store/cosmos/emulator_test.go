package cosmos_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startEmulator starts a Cosmos DB server and returns its endpoint. The first
// time it installs what testdata/emulator pins into the repository's cache.
func startEmulator(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Cosmos DB server")
	}
	cmd := exec.Command("node", "server.js")
	cmd.Dir = installEmulator(t)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("the emulator did not start: %v", lines.Err())
	}
	return "http://127.0.0.1:" + lines.Text()
}

// installEmulator returns a folder with the emulator and all that it needs.
func installEmulator(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(repository(t), ".cache", "cosmos-emulator")
	must(t, os.MkdirAll(dir, 0o755))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	must(t, err)
	defer lock.Close()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)) // one installation at a time
	var pinned []byte
	for _, name := range []string{"server.js", "package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("testdata", "emulator", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		pinned = content
	}
	installed := filepath.Join(dir, "installed.json")
	if have, _ := os.ReadFile(installed); bytes.Equal(have, pinned) {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci (Node.js 20 or newer must be installed): %v\n%s", err, out)
	}
	must(t, os.WriteFile(installed, pinned, 0o644))
	return dir
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	must(t, err)
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// complete makes up for what Cosmos DB has and the emulator lacks:
//   - the read of a document that does not exist is answered with 500, unless it
//     claims to be for all partitions;
//   - the function GetCurrentTimestamp is unknown;
//   - documents do not expire.
//
// The keeper knows nothing of it.
type complete struct {
	client *http.Client

	mu sync.Mutex
	// mortal are the containers whose documents may expire, by their path: Cosmos DB
	// ignores a document's own ttl in all others.
	mortal   map[string]bool
	expiring map[string]mortalDocument
}

type mortalDocument struct {
	partition, etag string
	end             time.Time
}

func newComplete() *complete {
	return &complete{client: &http.Client{}, mortal: map[string]bool{}, expiring: map[string]mortalDocument{}}
}

func (e *complete) Do(r *http.Request) (*http.Response, error) {
	e.bury(r)
	switch {
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/docs/"):
		r.Header.Set("x-ms-documentdb-query-enablecrosspartition", "true")
	case r.Header.Get("x-ms-documentdb-query") != "":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		body = bytes.ReplaceAll(body, []byte("GetCurrentTimestamp()"), []byte(now))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return nil, err
	}
	return answer, e.remember(r, answer)
}

// remember notes containers and documents that can expire.
func (e *complete) remember(r *http.Request, answer *http.Response) error {
	written := answer.StatusCode < 300 && (r.Method == http.MethodPost || r.Method == http.MethodPut)
	if !written || r.Header.Get("x-ms-documentdb-query") != "" {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var v struct {
		ID         string `json:"id"`
		ETag       string `json:"_etag"`
		TTL        int    `json:"ttl"`
		DefaultTTL int    `json:"defaultTtl"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("emulator's answer: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	container, document, found := strings.Cut(r.URL.Path, "/docs")
	if !found {
		e.mortal[strings.TrimSuffix(r.URL.Path, "/")+"/"+v.ID] = v.DefaultTTL != 0
		return nil
	}
	if document == "" {
		document = "/" + v.ID
	}
	if v.TTL > 0 && e.mortal[container] {
		e.expiring[container+"/docs"+document] = mortalDocument{
			partition: r.Header.Get("x-ms-documentdb-partitionkey"), etag: v.ETag,
			end: time.Now().Add(time.Duration(v.TTL) * time.Second),
		}
	}
	return nil
}

// bury removes the documents that have expired.
func (e *complete) bury(r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for path, doc := range e.expiring {
		if time.Now().Before(doc.end) {
			continue
		}
		delete(e.expiring, path)
		grave := *r.URL
		grave.Path, grave.RawPath = path, ""
		remove, err := http.NewRequestWithContext(r.Context(), http.MethodDelete, grave.String(), nil)
		if err != nil {
			panic(err)
		}
		remove.Header.Set("x-ms-documentdb-partitionkey", doc.partition)
		remove.Header.Set("If-Match", doc.etag)
		if answer, err := e.client.Do(remove); err == nil {
			_ = answer.Body.Close()
		}
	}
}

package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// emulatorTimeout bounds one request to the emulator.
const emulatorTimeout = 30 * time.Second

// newProxy forwards requests of Cosmos DB clients to the emulator.
func newProxy(emulator *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(emulator)
			r.Out.Host = r.In.Host
		},
		Transport: &complete{
			next:    &http.Transport{MaxIdleConnsPerHost: 64, ResponseHeaderTimeout: emulatorTimeout},
			expires: map[string]bool{}, expiring: map[string]expiringDocument{},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// complete adds what Cosmos DB has and the emulator lacks:
//   - the read of a document that does not exist returns 500, unless it is for all
//     partitions;
//   - documents do not expire;
//   - responses to writes have content even if the client does not want it;
//   - the account has addresses on which no server listens;
//   - a request of a disconnected client may be executed in part.
type complete struct {
	next http.RoundTripper

	mu sync.Mutex
	// expires has the containers whose documents may expire, by path: Cosmos DB
	// ignores the ttl of documents in all others.
	expires  map[string]bool
	expiring map[string]expiringDocument
}

type expiringDocument struct {
	partition, etag string
	end             time.Time
}

// RoundTrip implements http.RoundTripper.
func (c *complete) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(context.WithoutCancel(r.Context()))
	c.expire(r)
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/docs/") {
		r.Header.Set("x-ms-documentdb-query-enablecrosspartition", "true")
	}
	answer, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.URL.Path == "/":
		err = readdress(r, answer)
	case wrote(r, answer):
		if err = c.record(r, answer); err == nil && r.Header.Get("Prefer") == "return=minimal" {
			answer.Body, answer.ContentLength = http.NoBody, 0
			answer.Header.Set("Content-Length", "0")
		}
	}
	return answer, err
}

func isQuery(r *http.Request) bool { return r.Header.Get("x-ms-documentdb-query") != "" }

func wrote(r *http.Request, answer *http.Response) bool {
	return answer.StatusCode < 300 && (r.Method == http.MethodPost || r.Method == http.MethodPut) && !isQuery(r)
}

// readdress sets the proxy's address in the account's properties.
func readdress(r *http.Request, answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	body = bytes.ReplaceAll(body, []byte("https://"+r.URL.Host), []byte("http://"+r.Host))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// record stores containers and documents that can expire.
func (c *complete) record(r *http.Request, answer *http.Response) error {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	container, document, found := strings.Cut(r.URL.Path, "/docs")
	if !found {
		c.expires[strings.TrimSuffix(r.URL.Path, "/")+"/"+v.ID] = v.DefaultTTL != 0
		return nil
	}
	if document == "" {
		document = "/" + v.ID
	}
	if v.TTL > 0 && c.expires[container] {
		c.expiring[container+"/docs"+document] = expiringDocument{
			partition: r.Header.Get("x-ms-documentdb-partitionkey"), etag: v.ETag,
			end: time.Now().Add(time.Duration(v.TTL) * time.Second),
		}
	}
	return nil
}

// expire removes the documents that have expired.
func (c *complete) expire(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, doc := range c.expiring {
		if time.Now().Before(doc.end) {
			continue
		}
		delete(c.expiring, path)
		grave := *r.URL
		grave.Path, grave.RawPath, grave.RawQuery = path, "", ""
		remove, err := http.NewRequestWithContext(r.Context(), http.MethodDelete, grave.String(), nil)
		if err != nil {
			panic(err)
		}
		remove.Header.Set("x-ms-documentdb-partitionkey", doc.partition)
		remove.Header.Set("If-Match", doc.etag)
		if answer, err := c.next.RoundTrip(remove); err == nil {
			_ = answer.Body.Close()
		}
	}
}

package cosmostest

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

// emulatorTimeout is how long the emulator may think about one request.
const emulatorTimeout = 30 * time.Second

// newProxy forwards to the emulator what clients of Cosmos DB ask.
func newProxy(emulator *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(emulator)
			r.Out.Host = r.In.Host
		},
		Transport: &complete{
			next:   &http.Transport{MaxIdleConnsPerHost: 64, ResponseHeaderTimeout: emulatorTimeout},
			mortal: map[string]bool{}, expiring: map[string]mortalDocument{},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// complete makes up for what Cosmos DB has and the emulator lacks:
//   - the read of a document that does not exist is answered with 500, unless it
//     claims to be for all partitions;
//   - documents do not expire;
//   - answers to writes have content even if the client wants none;
//   - the account names addresses at which nobody listens;
//   - a request whose client has gone may end half way.
type complete struct {
	next http.RoundTripper

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

// RoundTrip implements http.RoundTripper.
func (c *complete) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(context.WithoutCancel(r.Context()))
	c.bury(r)
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
		if err = c.remember(r, answer); err == nil && r.Header.Get("Prefer") == "return=minimal" {
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

// readdress puts the proxy's address into the account's properties.
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

// remember notes containers and documents that can expire.
func (c *complete) remember(r *http.Request, answer *http.Response) error {
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
		c.mortal[strings.TrimSuffix(r.URL.Path, "/")+"/"+v.ID] = v.DefaultTTL != 0
		return nil
	}
	if document == "" {
		document = "/" + v.ID
	}
	if v.TTL > 0 && c.mortal[container] {
		c.expiring[container+"/docs"+document] = mortalDocument{
			partition: r.Header.Get("x-ms-documentdb-partitionkey"), etag: v.ETag,
			end: time.Now().Add(time.Duration(v.TTL) * time.Second),
		}
	}
	return nil
}

// bury removes the documents that have expired.
func (c *complete) bury(r *http.Request) {
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

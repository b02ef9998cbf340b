package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RequestTimeout bounds one request (C10 of the ARM contract).
const RequestTimeout = 60 * time.Second

// Client sends requests as Azure Resource Manager would and reads the answers.
// It is safe for concurrent use.
type Client struct {
	// Base is the service's URL without a trailing slash.
	Base string
	// HTTP sends the requests; it must not follow redirects.
	HTTP *http.Client
}

// NewClient returns a client with connections of its own. A nil transport is a plain one.
func NewClient(base string, transport *http.Transport) *Client {
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	}
	return &Client{Base: strings.TrimRight(base, "/"), HTTP: &http.Client{
		Transport: transport, Timeout: RequestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Request is one request. Path may carry a query; Version is added to it as
// api-version unless it is empty.
type Request struct {
	Method, Path, Version string
	// Body is sent as it is if it is []byte, else as JSON; nil sends none.
	Body any
	// Header is added to the usual headers; an empty value removes one.
	Header map[string]string
}

// Reply is an answer. JSON is nil unless the body is an object.
type Reply struct {
	Request Request
	Status  int
	Header  http.Header
	Body    []byte
	JSON    Object
	// Took is from sending to the end of the body.
	Took time.Duration
}

// Do sends r and reads the whole answer.
func (c *Client) Do(ctx context.Context, r Request) (*Reply, error) {
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	reply := &Reply{Request: r, Status: res.StatusCode, Header: res.Header, Body: body, Took: time.Since(began)}
	_ = json.Unmarshal(body, &reply.JSON) // no object: nil
	return reply, nil
}

func (c *Client) build(ctx context.Context, r Request) (*http.Request, error) {
	target := r.Path
	if !strings.HasPrefix(target, "http") {
		target = c.Base + target
	}
	if r.Version != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "api-version=" + url.QueryEscape(r.Version)
	}
	var body io.Reader
	switch b := r.Body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case io.Reader:
		body = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("body of %s %s: %w", r.Method, r.Path, err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, err
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		if value == "" {
			req.Header.Del(name)
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// Code is the error code of an error answer, or empty.
func (r *Reply) Code() string { return Text(r.JSON, "error.code") }

// Message is the error message of an error answer, or empty.
func (r *Reply) Message() string { return Text(r.JSON, "error.message") }

// Targets are the targets of an error and of its details.
func (r *Reply) Targets() []string {
	targets := []string{Text(r.JSON, "error.target")}
	details, _ := At(r.JSON, "error.details").([]any)
	for _, d := range details {
		if o, ok := d.(Object); ok {
			targets = append(targets, Text(o, "target"))
		}
	}
	return targets
}

// Text is the value at a dotted path of the body as text.
func (r *Reply) Text(path string) string { return Text(r.JSON, path) }

// String describes the exchange for failures.
func (r *Reply) String() string {
	body := string(r.Body)
	if len(body) > 600 {
		body = body[:600] + "…"
	}
	return fmt.Sprintf("%s %s (api-version %s) answered %d: %s", r.Request.Method, r.Request.Path, r.Request.Version, r.Status, body)
}

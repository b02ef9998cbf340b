package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout bounds one call. The provider never waits for machines, so a
	// longer call means a dead process.
	requestTimeout = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
)

// ErrNotFound means that nothing exists for a cluster.
var ErrNotFound = errors.New("control plane not found")

// ErrRefused means that the request will never succeed.
var ErrRefused = errors.New("refused")

// Client calls the provider of control planes. It is safe for concurrent use. Its
// errors contain no part of a Status.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client for the provider at address, which is either
// unix:PATH, a socket, or http://HOST:PORT.
func NewClient(address string) (*Client, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}
	client := &http.Client{Transport: transport, Timeout: requestTimeout}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return nil, errors.New("address of the control planes: unix: needs the path of a socket")
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return &Client{base: "http://control-planes", http: client}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("address of the control planes: want unix:PATH or http://HOST:PORT")
	}
	return &Client{base: "http://" + u.Host, http: client}, nil
}

// Apply makes spec be so, or starts to: it does not wait for a boot. Repeating
// it is harmless.
func (c *Client) Apply(ctx context.Context, spec Spec) (Status, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return Status{}, fmt.Errorf("control plane %s: apply: %w", spec.ID, err)
	}
	return c.status(ctx, http.MethodPut, spec.ID, body)
}

// Get returns what exists for the cluster, or ErrNotFound.
func (c *Client) Get(ctx context.Context, id string) (Status, error) {
	return c.status(ctx, http.MethodGet, id, nil)
}

// Remove starts or continues the removal of all that exists for the cluster.
// It returns gone once nothing is left; until then it is to be called again.
func (c *Client) Remove(ctx context.Context, id string) (gone bool, err error) {
	code, answer, err := c.call(ctx, http.MethodDelete, id, nil)
	switch {
	case err != nil:
		return false, fmt.Errorf("control plane %s: remove: %w", id, err)
	case code == http.StatusNotFound:
		return true, nil
	case code == http.StatusAccepted:
		return false, nil
	}
	return false, fmt.Errorf("control plane %s: remove: %w", id, refusal(code, answer))
}

func (c *Client) status(ctx context.Context, method, id string, body []byte) (Status, error) {
	code, answer, err := c.call(ctx, method, id, body)
	switch {
	case err != nil:
		return Status{}, fmt.Errorf("control plane %s: %s: %w", id, method, err)
	case code == http.StatusNotFound:
		return Status{}, fmt.Errorf("control plane %s: %w", id, ErrNotFound)
	case code != http.StatusOK:
		return Status{}, fmt.Errorf("control plane %s: %s: %w", id, method, refusal(code, answer))
	}
	var status Status
	if json.Unmarshal(answer, &status) != nil {
		// The decoder's error may contain the response, which has secrets.
		return Status{}, fmt.Errorf("control plane %s: %s: the answer is not a status", id, method)
	}
	return status, nil
}

func (c *Client) call(ctx context.Context, method, id string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/clusters/"+url.PathEscape(id), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, answer, err
}

// Refusal is the error of a provider that refused a request. It contains no secret.
type Refusal struct {
	Message string `json:"error"`
}

// refusal reads only the member meant for errors, so that an answer of another
// shape cannot reach a log.
func refusal(code int, answer []byte) error {
	var r Refusal
	if json.Unmarshal(answer, &r) != nil || r.Message == "" {
		return fmt.Errorf("answered %d", code)
	}
	if code == http.StatusUnprocessableEntity {
		return fmt.Errorf("%w: %s", ErrRefused, r.Message)
	}
	return fmt.Errorf("answered %d: %s", code, r.Message)
}

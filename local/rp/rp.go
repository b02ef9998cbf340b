// Package rp is a client for a running resource provider on this machine: it waits until the
// provider is ready, registers a subscription, and shows progress.
//
// It uses HTTP like any other client and does not know how the provider is started or what it
// stores.
package rp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// callTimeout bounds one call.
	callTimeout = 5 * time.Second
	// maxRefusal bounds how much of an error answer is read.
	maxRefusal = 64 << 10
	// readyPoll is the time between two looks for readiness.
	readyPoll = 100 * time.Millisecond
	// readyNotice is the time after which the reason for not being ready is shown.
	readyNotice = 10 * time.Second
)

// RP is a resource provider that listens somewhere on this machine.
type RP struct {
	// Trouble, if set, returns what this machine lacks, as the reason why the provider is not
	// ready, or nil.
	Trouble func() error

	base string
	http *http.Client
}

// At returns the provider that listens at HOST:PORT.
func At(listen string) *RP {
	return Reached("http://"+listen, &http.Client{Timeout: callTimeout})
}

// Reached returns the provider at a URL that a client reaches, as an engineer.
func Reached(url string, client *http.Client) *RP { return &RP{base: url, http: client} }

// BecomesReady returns true once the provider accepts requests, false if ctx
// ends before.
func (r *RP) BecomesReady(ctx context.Context) bool {
	return r.AwaitReady(ctx, func(error) {})
}

// AwaitReady is BecomesReady that calls notify with the reason whenever the provider has not been
// ready for another ten seconds.
func (r *RP) AwaitReady(ctx context.Context, notify func(reason error)) bool {
	noticed := time.Now()
	for {
		err := r.ready(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() == nil && time.Since(noticed) >= readyNotice {
			notify(err)
			noticed = time.Now()
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(readyPoll):
		}
	}
}

// ready returns why the provider does not accept requests.
func (r *RP) ready(ctx context.Context) error {
	err := r.call(ctx, http.MethodGet, "/healthz/ready", nil, nil)
	if err != nil && r.Trouble != nil {
		if trouble := r.Trouble(); trouble != nil {
			return fmt.Errorf("%w; %w", err, trouble)
		}
	}
	return err
}

// Register makes a subscription known, as Azure Resource Manager would.
func (r *RP) Register(ctx context.Context, subscription, tenant string, now time.Time) error {
	body := map[string]any{
		"state":            "Registered",
		"registrationDate": now.UTC().Format(http.TimeFormat),
		"properties":       map[string]any{"tenantId": tenant},
	}
	if err := r.call(ctx, http.MethodPut, "/subscriptions/"+subscription+"?api-version=2.0", body, nil); err != nil {
		return fmt.Errorf("subscription %s: %w", subscription, err)
	}
	return nil
}

// call sends one request and reads the answer into result unless that is nil.
func (r *RP) call(ctx context.Context, method, path string, body, result any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, &content)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return refusal(method, path, res)
	}
	if result == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(result)
}

// refusal is the message of an answer, or its status if it has none.
func refusal(method, path string, res *http.Response) error {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.NewDecoder(io.LimitReader(res.Body, maxRefusal)).Decode(&body) == nil && body.Error.Message != "" {
		return fmt.Errorf("%s (%s %s: %s)", body.Error.Message, method, path, res.Status)
	}
	return fmt.Errorf("%s %s answered %s", method, path, res.Status)
}

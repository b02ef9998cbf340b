package tracing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// attempts and firstPause bound the attempts for one batch of spans.
	attempts   = 3
	firstPause = time.Second
	// sendTimeout bounds one attempt.
	sendTimeout = 10 * time.Second
)

// client sends OTLP over HTTP. The SDK's own client (otlptracehttp) would bring gRPC,
// 5 MB of program, which this protocol does not use.
type client struct {
	url  string
	http *http.Client
}

func newClient(endpoint string) *client {
	return &client{strings.TrimSuffix(endpoint, "/") + "/v1/traces", &http.Client{}}
}

// Start implements otlptrace.Client. Nothing is connected before the first batch.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error { return nil }

// UploadTraces implements otlptrace.Client.
func (c *client) UploadTraces(ctx context.Context, spans []*otlp.ResourceSpans) error {
	// On the wire TracesData is the same as ExportTraceServiceRequest, whose package needs gRPC.
	body, err := proto.Marshal(&otlp.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	pause := firstPause
	for n := 1; ; n++ {
		again, err := c.send(ctx, body)
		if err == nil || !again || n == attempts {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		pause *= 2
	}
}

// complaints log what cannot be sent, at most once a minute.
type complaints struct {
	log  *slog.Logger
	last atomic.Int64 // in seconds since 1970
}

func newComplaints(log *slog.Logger) *complaints {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &complaints{log: log}
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	now, last := time.Now().Unix(), c.last.Load()
	if now-last >= int64(time.Minute/time.Second) && c.last.CompareAndSwap(last, now) {
		c.log.Warn("traces cannot be sent", "error", err)
	}
}

// send sends one batch, and reports whether it can be sent again after an error.
func (c *client) send(ctx context.Context, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := c.http.Do(req)
	if err != nil {
		return true, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // for the connection to be used again
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted:
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	return again, fmt.Errorf("collector answered %d", resp.StatusCode)
}

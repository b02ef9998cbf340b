package collectors

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// healthz reports the status code of the API server's health endpoint.
func healthz(ctx context.Context, l *Look) error {
	code, err := l.code(ctx, "/healthz")
	l.gauge("apiserver.healthz.code", map[string]string{"code": strconv.Itoa(code)})
	return err
}

// ping then checks whether the API server answers at all.
func ping(ctx context.Context, l *Look) error {
	code, err := l.code(ctx, "/healthz/ping")
	l.gauge("apiserver.healthz.ping.code", map[string]string{"code": strconv.Itoa(code)})
	return err
}

// code is the status of an answer; 0 without one.
func (l *Look) code(ctx context.Context, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.API.URL+path, nil)
	if err != nil {
		return 0, err
	}
	res, err := l.API.Client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %w", path, ErrUnreachable, without(err))
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, &statusError{path, res.StatusCode}
	}
	return res.StatusCode, nil
}

package openshift

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// maxStatus and maxObjects bound what is read of an answer, in bytes.
	maxStatus  = 1 << 20
	maxObjects = 32 << 20
)

// Send sends a request to the API server and returns the response. header has names and
// values in turn. A response that is an error is returned as one of package
// k8s.io/apimachinery/pkg/api/errors. The caller closes the body.
func (a *API) Send(ctx context.Context, method, path string, body io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, body)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := a.Client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	var status metav1.Status
	_ = json.NewDecoder(io.LimitReader(res.Body, maxStatus)).Decode(&status) // what is no Status has its code
	status.Status, status.Code = metav1.StatusFailure, int32(res.StatusCode)
	return nil, &apierrors.StatusError{ErrStatus: status}
}

// media of bodies and responses.
const mediaJSON, mediaMergePatch = "application/json", "application/merge-patch+json"

// Read reads what is at a path into into.
func (a *API) Read(ctx context.Context, path string, into any) error {
	return a.ReadAs(ctx, path, mediaJSON, into)
}

// ReadAs reads what is at a path in a media type that is JSON.
func (a *API) ReadAs(ctx context.Context, path, media string, into any) error {
	res, err := a.Send(ctx, http.MethodGet, path, nil, "Accept", media) //nolint:bodyclose // decode closes it
	if err != nil {
		return err
	}
	return decode(res, into)
}

// Write sends body in JSON, which for PATCH is a merge patch, and reads the response into
// into, unless that is nil.
func (a *API) Write(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	media := mediaJSON
	if method == http.MethodPatch {
		media = mediaMergePatch
	}
	res, err := a.Send(ctx, method, path, bytes.NewReader(text), "Accept", mediaJSON, "Content-Type", media) //nolint:bodyclose // decode closes it
	if err != nil {
		return err
	}
	return decode(res, into)
}

func decode(res *http.Response, into any) error {
	defer func() { _ = res.Body.Close() }()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxObjects)).Decode(into); err != nil {
		return fmt.Errorf("response of the API server: %w", err)
	}
	return nil
}

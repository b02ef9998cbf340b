package clusters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aro-rp/aro/backend/controlplane"
)

// maxSpec bounds a request's body, in bytes.
const maxSpec = 1 << 20

// Serve answers the seam at a new unix socket until ctx ends. The socket is its
// owner's alone.
func (c *Clusters) Serve(ctx context.Context, socket string) error {
	// Whoever left this socket behind is dead: the directory is ours.
	if err := os.RemoveAll(socket); err != nil {
		return fmt.Errorf("socket of the control planes: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("socket of the control planes (its path must be short, some 100 bytes): %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return errors.Join(fmt.Errorf("socket of the control planes: %w", err), listener.Close())
	}
	server := &http.Server{
		Handler:           c.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		ErrorLog:          nil,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("socket of the control planes: %w", err)
	}
	return nil
}

func (c *Clusters) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		var spec controlplane.Spec
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSpec)).Decode(&spec); err != nil {
			c.refuse(w, r, fmt.Errorf("%w: the body is not a spec", ErrInvalid))
			return
		}
		if spec.ID != r.PathValue("id") {
			c.refuse(w, r, fmt.Errorf("%w: id: differs from the one in the path", ErrInvalid))
			return
		}
		status, err := c.Apply(r.Context(), spec)
		c.answer(w, r, status, err)
	})
	mux.HandleFunc("GET /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		status, err := c.Get(r.Context(), r.PathValue("id"))
		c.answer(w, r, status, err)
	})
	mux.HandleFunc("DELETE /clusters/{id}", func(w http.ResponseWriter, r *http.Request) {
		gone, err := c.Remove(r.PathValue("id"))
		switch {
		case err != nil:
			c.refuse(w, r, err)
		case gone:
			c.refuse(w, r, controlplane.ErrNotFound)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	return mux
}

func (c *Clusters) answer(w http.ResponseWriter, r *http.Request, status controlplane.Status, err error) {
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, status)
}

func (c *Clusters) refuse(w http.ResponseWriter, r *http.Request, err error) {
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, controlplane.ErrNotFound):
		code = http.StatusNotFound
	case errors.Is(err, ErrInvalid):
		code = http.StatusBadRequest
	case errors.Is(err, ErrRemoving):
		code = http.StatusConflict
	default:
		c.log.ErrorContext(r.Context(), "control plane", "method", r.Method, "cluster", r.PathValue("id"), "error", err)
	}
	writeJSON(w, code, controlplane.Refusal{Message: err.Error()})
}

// writeJSON has nobody to tell when the caller went away.
func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

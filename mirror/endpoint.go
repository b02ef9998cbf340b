package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// userAgent identifies the mirror to registries.
const userAgent = "aro-mirror"

// endpoint reads and writes the registries of one keychain.
type endpoint struct {
	puller *remote.Puller
	pusher *remote.Pusher
}

func newEndpoint(keychain authn.Keychain, transport http.RoundTripper) (*endpoint, error) {
	options := []remote.Option{remote.WithAuthFromKeychain(keychain), remote.WithTransport(transport), remote.WithUserAgent(userAgent)}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	pusher, err := remote.NewPusher(options...)
	if err != nil {
		return nil, err
	}
	return &endpoint{puller, pusher}, nil
}

// digest returns the digest of a reference. A tag is resolved with every media type,
// and everything else uses the digest: registries return different manifests for a
// tag depending on the accepted media types.
func (r *endpoint) digest(ctx context.Context, ref name.Reference) (v1.Hash, error) {
	if digest, ok := ref.(name.Digest); ok {
		return v1.NewHash(digest.DigestStr())
	}
	described, err := r.puller.Head(ctx, ref)
	if err != nil {
		return v1.Hash{}, err
	}
	return described.Digest, nil
}

// exists reports whether the registry has, at that digest or tag, the manifest with the
// digest.
func (r *endpoint) exists(ctx context.Context, ref name.Reference, digest v1.Hash) (bool, error) {
	described, err := r.puller.Head(ctx, ref)
	if isAbsent(err) {
		return false, nil
	}
	return err == nil && described.Digest == digest, err
}

// has reports whether a repository has the blob.
func (r *endpoint) has(ctx context.Context, repository name.Repository, blob v1.Hash) (bool, error) {
	layer, err := r.puller.Layer(ctx, repository.Digest(blob.String()))
	if err != nil {
		return false, err
	}
	return partial.Exists(layer)
}

// manifest reads a manifest by its digest, and verifies it.
func (r *endpoint) manifest(ctx context.Context, ref name.Digest) (manifest, error) {
	got, err := r.puller.Get(ctx, ref)
	if err != nil {
		return manifest{}, err
	}
	m, err := parseManifest(got.Manifest)
	if err != nil {
		return manifest{}, final{fmt.Errorf("manifest of %s: %w", ref, err)}
	}
	return m, nil
}

// blob is a blob of a source with known size and type, so that no request is needed for
// them.
type blob struct {
	v1.Layer
	descriptor
	read func(io.ReadCloser) io.ReadCloser
}

func (r *endpoint) blob(ctx context.Context, repository name.Repository, d descriptor, read func(io.ReadCloser) io.ReadCloser) (*blob, error) {
	layer, err := r.puller.Layer(ctx, repository.Digest(d.Digest.String()))
	if err != nil {
		return nil, err
	}
	if mountable, ok := layer.(*remote.MountableLayer); ok {
		layer = mountable.Layer // the source usually is another registry
	}
	return &blob{layer, d, read}, nil
}

func (b *blob) Digest() (v1.Hash, error)            { return b.descriptor.Digest, nil }
func (b *blob) Size() (int64, error)                { return b.descriptor.Size, nil }
func (b *blob) MediaType() (types.MediaType, error) { return b.descriptor.MediaType, nil }
func (b *blob) Compressed() (io.ReadCloser, error) {
	content, err := b.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return b.read(content), nil
}

// isAbsent reports whether a registry responded that something does not exist.
func isAbsent(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// final is an error for which a retry is useless.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// isFinal reports whether a retry is useless: the registry refused, or its response
// is not an image.
func isFinal(err error) bool {
	if errors.As(err, new(final)) {
		return true
	}
	var answer *transport.Error
	if !errors.As(err, &answer) || answer.Temporary() {
		return false
	}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusUnauthorized: // a token may have expired
		return false
	}
	return answer.StatusCode >= http.StatusBadRequest && answer.StatusCode < http.StatusInternalServerError
}

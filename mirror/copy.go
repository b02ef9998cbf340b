package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

// manifestsAtOnce bounds how many images of one index are copied in parallel.
const manifestsAtOnce = 4

// copier copies images to one registry: blobs before the manifest that refers to
// them, signatures before the image that they sign, images before their index. A
// manifest in the destination therefore implies that everything that it refers to is
// there too, and an interrupted run needs no clean-up.
type copier struct {
	source, destination *endpoint
	progress            *Progress
	blobs               chan struct{} // bounds transfers

	manifests locks // by repository and digest
	transfers locks // by digest: a blob is transferred once, and mounted elsewhere

	mu           sync.Mutex
	repositories []name.Repository                        // of the destination, in the order of the run
	holders      map[v1.Hash]map[name.Repository]struct{} // where blobs are known to exist
}

func newCopier(source, destination *endpoint, parallel int, p *Progress) *copier {
	return &copier{source: source, destination: destination, progress: p, blobs: make(chan struct{}, parallel),
		holders: map[v1.Hash]map[name.Repository]struct{}{}}
}

// image copies the image of a reference.
func (c *copier) image(ctx context.Context, from, to name.Reference) error {
	digest, err := c.source.digest(ctx, from)
	if err != nil {
		return err
	}
	if tag, ok := to.(name.Tag); ok {
		return c.tagged(ctx, from, tag, digest, true)
	}
	return c.manifest(ctx, from.Context().Digest(digest.String()), to.Context().Digest(digest.String()), true)
}

// tagged copies an image of that digest, and writes its tag unless the tag exists
// with the digest.
func (c *copier) tagged(ctx context.Context, from name.Reference, tag name.Tag, digest v1.Hash, signed bool) error {
	if there, err := c.destination.exists(ctx, tag, digest); err != nil || there {
		return err
	}
	source := from.Context().Digest(digest.String())
	if err := c.manifest(ctx, source, tag.Context().Digest(digest.String()), signed); err != nil {
		return err
	}
	m, err := c.source.manifest(ctx, source)
	if err != nil {
		return err
	}
	return c.destination.pusher.Put(ctx, tag, m)
}

// manifest copies a manifest and all that it refers to, unless it exists; signed is
// false for signatures, which have no signatures of their own.
func (c *copier) manifest(ctx context.Context, from, to name.Digest, signed bool) error {
	return c.manifests.once(ctx, to.String(), func() error { return c.copyManifest(ctx, from, to, signed) })
}

func (c *copier) copyManifest(ctx context.Context, from, to name.Digest, signed bool) error {
	digest, err := v1.NewHash(to.DigestStr())
	if err != nil {
		return err
	}
	if there, err := c.destination.exists(ctx, to, digest); err != nil || there {
		return err
	}
	m, err := c.source.manifest(ctx, from)
	if err != nil {
		return err
	}
	var parts errgroup.Group
	parts.SetLimit(manifestsAtOnce)
	for _, d := range m.manifests {
		parts.Go(func() error {
			return c.manifest(ctx, from.Context().Digest(d.Digest.String()), to.Context().Digest(d.Digest.String()), signed)
		})
	}
	for _, d := range m.blobs {
		parts.Go(func() error { return c.blob(ctx, from.Context(), to.Context(), d) })
	}
	if err := parts.Wait(); err != nil {
		return err
	}
	if signed {
		if err := c.attachments(ctx, from, to); err != nil {
			return err
		}
	}
	if err := c.destination.pusher.Put(ctx, to, m); err != nil {
		return fmt.Errorf("manifest %s: %w", to, err)
	}
	return nil
}

// attachedTags are the suffixes of the tags that cosign uses for an image:
// signatures and attestations.
var attachedTags = []string{".sig", ".att"}

// attachments copies the signatures and attestations of an image: those under tags
// named after its digest, and those whose subject is the image, which the source
// lists by the referrers API or under a tag.
func (c *copier) attachments(ctx context.Context, from, to name.Digest) error {
	base := strings.Replace(from.DigestStr(), ":", "-", 1)
	for _, ending := range attachedTags {
		tag := from.Context().Tag(base + ending)
		digest, err := c.source.digest(ctx, tag)
		if isRefused(err) {
			continue
		}
		if err == nil {
			err = c.tagged(ctx, tag, to.Context().Tag(base+ending), digest, false)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", tag, err)
		}
	}
	attached, err := remote.Referrers(from, remote.Reuse(c.source.puller), remote.WithContext(ctx))
	if isRefused(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("what refers to %s: %w", from, err)
	}
	index, err := attached.IndexManifest()
	if err != nil {
		return fmt.Errorf("what refers to %s: %w", from, err)
	}
	for _, d := range index.Manifests { // sequentially: each may write the same list
		if err := c.manifest(ctx, from.Context().Digest(d.Digest.String()), to.Context().Digest(d.Digest.String()), false); err != nil {
			return err
		}
	}
	return nil
}

// isRefused reports whether a registry responded that it does not have or support
// something.
func isRefused(err error) bool {
	return isAbsent(err) || err != nil && isFinal(err) && !errors.As(err, new(final))
}

// blob copies a blob to a repository, unless it exists there: it is mounted from
// another repository of the destination or transferred.
func (c *copier) blob(ctx context.Context, from, to name.Repository, d descriptor) error {
	release, err := c.transfers.lock(ctx, d.Digest.String())
	if err != nil {
		return err
	}
	defer release()
	if c.holds(to, d.Digest) {
		return nil
	}
	held, err := c.holder(ctx, to, d.Digest)
	if err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	if held == to {
		c.hold(to, d.Digest)
		c.progress.blob(false)
		return nil
	}
	select {
	case c.blobs <- struct{}{}:
		defer func() { <-c.blobs }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	transferred := int64(0)
	layer, err := c.source.blob(ctx, from, d, func(content io.ReadCloser) io.ReadCloser {
		c.progress.transferred(-transferred) // of the previous attempt
		transferred = 0
		return &counted{content, func(n int64) { transferred += n; c.progress.transferred(n) }}
	})
	if err != nil {
		return err
	}
	if held == (name.Repository{}) {
		err = c.destination.pusher.Upload(ctx, to, layer)
	} else {
		err = c.destination.pusher.Upload(ctx, to, &remote.MountableLayer{Layer: layer, Reference: held.Digest(d.Digest.String())})
	}
	if err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	c.hold(to, d.Digest)
	c.progress.blob(transferred > 0)
	return nil
}

// holder returns a repository of the destination that has the blob, preferably to.
// An interrupted run may have left it in any repository that this run writes to.
func (c *copier) holder(ctx context.Context, to name.Repository, digest v1.Hash) (name.Repository, error) {
	for _, candidate := range c.candidates(to, digest) {
		there, err := c.destination.has(ctx, candidate, digest)
		if err != nil && !isRefused(err) {
			return name.Repository{}, err
		}
		if there && err == nil {
			return candidate, nil
		}
	}
	return name.Repository{}, nil
}

func (c *copier) candidates(to name.Repository, digest v1.Hash) []name.Repository {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []name.Repository{to}
	for known := range c.holders[digest] {
		all = append(all, known)
	}
	if len(all) > 1 {
		return all
	}
	for _, visited := range c.repositories {
		if visited != to {
			all = append(all, visited)
		}
	}
	if len(all) == 1 {
		return nil // the upload checks that repository itself
	}
	return all
}

// visit records a repository that this run writes to, before anything is copied.
func (c *copier) visit(repository name.Repository) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.repositories {
		if known == repository {
			return
		}
	}
	c.repositories = append(c.repositories, repository)
}

func (c *copier) hold(repository name.Repository, digest v1.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders[digest] == nil {
		c.holders[digest] = map[name.Repository]struct{}{}
	}
	c.holders[digest][repository] = struct{}{}
}

func (c *copier) holds(repository name.Repository, digest v1.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.holders[digest][repository]
	return there
}

// counted counts the bytes read of a blob.
type counted struct {
	io.ReadCloser
	read func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read(int64(n))
	return n, err
}

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

// manifestsAtOnce bounds how many images of one index are copied at once.
const manifestsAtOnce = 4

// copier copies images into one registry: blobs before the manifest that refers to
// them, signatures before the image that they are for, images before their index. So
// a manifest that is there says that all it needs is there too, and a run that was
// stopped anywhere leaves nothing that the next one would have to undo.
type copier struct {
	source, destination *endpoint
	progress            *Progress
	blobs               chan struct{} // bounds transfers

	manifests turns // by repository and digest
	transfers turns // by digest: a blob is brought once, and mounted elsewhere

	mu           sync.Mutex
	repositories []name.Repository                        // of the destination, as they came
	holders      map[v1.Hash]map[name.Repository]struct{} // where blobs are known to be
}

func newCopier(source, destination *endpoint, parallel int, p *Progress) *copier {
	return &copier{source: source, destination: destination, progress: p, blobs: make(chan struct{}, parallel),
		holders: map[v1.Hash]map[name.Repository]struct{}{}}
}

// image copies what from refers to.
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

// tagged copies an image of that digest, and writes its tag unless it stands there.
func (c *copier) tagged(ctx context.Context, from name.Reference, tag name.Tag, digest v1.Hash, signed bool) error {
	if there, err := c.destination.stands(ctx, tag, digest); err != nil || there {
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

// manifest copies a manifest and all that it refers to, unless it is there; signed
// says that it may have signatures, which signatures have not.
func (c *copier) manifest(ctx context.Context, from, to name.Digest, signed bool) error {
	return c.manifests.once(ctx, to.String(), func() error { return c.copyManifest(ctx, from, to, signed) })
}

func (c *copier) copyManifest(ctx context.Context, from, to name.Digest, signed bool) error {
	digest, err := v1.NewHash(to.DigestStr())
	if err != nil {
		return err
	}
	if there, err := c.destination.stands(ctx, to, digest); err != nil || there {
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

// attachedTags are the endings of the tags under which cosign keeps what belongs to
// an image: its signatures and its attestations.
var attachedTags = []string{".sig", ".att"}

// attachments copies the signatures and attestations of an image: those under tags
// named after its digest, and those that name it as their subject, which the source
// lists itself or under a tag.
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
	for _, d := range index.Manifests { // one by one: each may write the same list
		if err := c.manifest(ctx, from.Context().Digest(d.Digest.String()), to.Context().Digest(d.Digest.String()), false); err != nil {
			return err
		}
	}
	return nil
}

// isRefused reports whether a registry said that it does not have or know something.
func isRefused(err error) bool {
	return isAbsent(err) || err != nil && isFinal(err) && !errors.As(err, new(final))
}

// blob brings a blob into a repository: it is there, or in another repository of the
// destination from which it is mounted, or it is transferred.
func (c *copier) blob(ctx context.Context, from, to name.Repository, d descriptor) error {
	release, err := c.transfers.turn(ctx, d.Digest.String())
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
		c.progress.transferred(-transferred) // of an attempt before
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

// holder finds a repository of the destination that has the blob, to first of all. A
// run that was stopped may have left it in any of those that this one writes to.
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
		return nil // whoever uploads looks there
	}
	return all
}

// visit remembers a repository that this run writes to, before it copies anything.
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

// counted tells how much was read of a blob.
type counted struct {
	io.ReadCloser
	read func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read(int64(n))
	return n, err
}

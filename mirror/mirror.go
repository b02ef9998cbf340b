// Package mirror copies OpenShift releases, and the other images that clusters and
// engineers need, to the registry from which clusters pull.
//
// It determines the images of a release and the order of copying, so that the next
// run resumes an interrupted one, and reports the result. It does not know the
// service's documents, which determine the offered versions. It accesses registries
// with go-containerregistry.
package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Options configure a Mirror.
type Options struct {
	// Destination is the registry to copy to. Repositories and digests or tags
	// stay the same.
	Destination name.Registry
	// From and To are the logins to the sources and to the destination.
	From, To authn.Keychain
	// Transport connects to registries; default http.DefaultTransport.
	Transport http.RoundTripper
	// Parallel is how many images, and how many blobs, are copied in parallel; default
	// 10.
	Parallel int
	// Tries is the number of attempts for an image, Pause the delay after a
	// failure; defaults 6 and 10 s.
	Tries int
	Pause time.Duration
	// Verify checks each image of a release even if the release image exists,
	// which implies that all its images were copied before.
	Verify bool
	// Log gets failures that are retried; default slog.Default.
	Log *slog.Logger
}

// Mirror copies images to one destination. New returns it.
type Mirror struct {
	Options
	source, destination *endpoint
	copier              *copier
	// Progress counts what was done; it is safe to read at any time.
	Progress *Progress
}

// New returns a Mirror.
func New(o Options) (*Mirror, error) {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Parallel, o.Tries, o.Pause = cmp.Or(o.Parallel, 10), cmp.Or(o.Tries, 6), cmp.Or(o.Pause, 10*time.Second)
	source, err := newEndpoint(o.From, o.Transport)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	destination, err := newEndpoint(o.To, o.Transport)
	if err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	progress := newProgress()
	return &Mirror{Options: o, source: source, destination: destination, Progress: progress,
		copier: newCopier(source, destination, o.Parallel, progress)}, nil
}

// Run copies the releases and then the images, and continues after a failure. It logs
// its progress. It returns an error if anything failed, or if ctx ended before all was
// done; the summary is valid in either case.
func (m *Mirror) Run(ctx context.Context, releases []Release, images []string) (Summary, error) {
	ended := make(chan struct{})
	defer close(ended)
	m.Progress.plan(len(releases))
	go m.logProgress(ctx, ended)
	var s Summary
	for _, r := range releases {
		if ctx.Err() != nil {
			break
		}
		s.Releases = append(s.Releases, m.release(ctx, r))
	}
	if ctx.Err() == nil && len(images) > 0 {
		s.Images = m.images(ctx, images)
	}
	s.Progress = m.Progress.Snapshot()
	return s, errors.Join(context.Cause(ctx), s.err())
}

// progressEvery is the interval of the progress in the log.
const progressEvery = 10 * time.Second

func (m *Mirror) logProgress(ctx context.Context, ended <-chan struct{}) {
	for {
		select {
		case <-time.After(progressEvery):
			m.Log.InfoContext(ctx, "mirroring", "progress", m.Progress.Snapshot().String())
		case <-ended:
			return
		}
	}
}

// release copies a release: the images that it refers to and then the release image,
// whose existence implies that of the others.
func (m *Mirror) release(ctx context.Context, r Release) ReleaseResult {
	result := ReleaseResult{Version: r.Version}
	fail := func(err error) ReleaseResult {
		result.Failures = append(result.Failures, Failure{Image: r.Image, Err: err})
		m.Log.ErrorContext(ctx, "release not mirrored", "version", r.Version, "error", err)
		return result
	}
	payload, err := parseImage(r.Image)
	if err != nil {
		return fail(err)
	}
	var names []string
	err = m.again(ctx, r.Image, func() error {
		digest, err := m.source.digest(ctx, payload)
		if err != nil {
			return err
		}
		if result.Present, err = m.destination.exists(ctx, m.at(payload), digest); err != nil || result.Present && !m.Verify {
			return err
		}
		names, err = m.source.releaseImages(ctx, payload.Context().Digest(digest.String()))
		return err
	})
	if err != nil {
		return fail(err)
	}
	m.copier.visit(m.at(payload).Context())
	if result.Present && !m.Verify {
		m.Progress.release()
		return result
	}
	result.ImagesResult = m.images(ctx, names)
	if len(result.Failures) > 0 || ctx.Err() != nil {
		return result // without the release image, so that the next run checks all images
	}
	m.Progress.expect(1)
	if err := m.image(ctx, payload.String()); err != nil {
		return fail(err)
	}
	result.Copied++
	m.Progress.release()
	return result
}

// images copies images in parallel.
func (m *Mirror) images(ctx context.Context, names []string) ImagesResult {
	var result ImagesResult
	m.Progress.expect(len(names))
	for _, image := range names { // blobs of an interrupted run in any of them are mounted, not uploaded
		if ref, err := parseImage(image); err == nil {
			m.copier.visit(m.at(ref).Context())
		}
	}
	var mu sync.Mutex
	var workers sync.WaitGroup
	queue := make(chan string)
	for range min(m.Parallel, len(names)) {
		workers.Go(func() {
			for image := range queue {
				err := m.image(ctx, image)
				mu.Lock()
				if err == nil {
					result.Copied++
				} else if ctx.Err() == nil {
					result.Failures = append(result.Failures, Failure{Image: image, Err: err})
				}
				mu.Unlock()
			}
		})
	}
feed:
	for _, image := range names {
		select {
		case queue <- image:
		case <-ctx.Done():
			break feed
		}
	}
	close(queue)
	workers.Wait()
	slices.SortFunc(result.Failures, func(a, b Failure) int { return cmp.Compare(a.Image, b.Image) })
	return result
}

// image copies one image, with retries.
func (m *Mirror) image(ctx context.Context, image string) error {
	ref, err := parseImage(image)
	if err == nil {
		err = m.again(ctx, image, func() error { return m.copier.image(ctx, ref, m.at(ref)) })
	}
	m.Progress.image(err)
	if err != nil && ctx.Err() == nil {
		m.Log.ErrorContext(ctx, "image not mirrored", "image", image, "error", err)
	}
	return err
}

func parseImage(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", image, err)
	}
	return ref, nil
}

// at returns the reference of an image in the destination.
func (m *Mirror) at(ref name.Reference) name.Reference {
	repository := m.Destination.Repo(ref.Context().RepositoryStr())
	if digest, ok := ref.(name.Digest); ok {
		return repository.Digest(digest.DigestStr())
	}
	return repository.Tag(ref.Identifier())
}

// again calls try until it succeeds, its error is final or the tries are used up.
func (m *Mirror) again(ctx context.Context, image string, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == m.Tries || isFinal(err) || ctx.Err() != nil {
			return err
		}
		m.Log.WarnContext(ctx, "image failed, will be tried again", "image", image, "attempt", n, "error", err)
		select {
		case <-time.After(m.Pause):
		case <-ctx.Done():
			return err
		}
	}
}

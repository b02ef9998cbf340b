package mirror

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
)

const (
	// references is the file of a release with its images, an image stream.
	references = "release-manifests/image-references"
	// maxReferences bounds it, in bytes; that of 4.19 has 150 kB.
	maxReferences = 16 << 20
	// maxReleaseDepth bounds the nesting of indexes of releases, one for each
	// architecture.
	maxReleaseDepth = 2
)

// Release is one release of OpenShift.
type Release struct {
	// Version is "x.y.z".
	Version string
	// Image is the release image, by digest or tag.
	Image string
}

// releaseImages returns the images of a release, each once, sorted.
func (r *endpoint) releaseImages(ctx context.Context, release name.Digest) ([]string, error) {
	names, err := r.referenced(ctx, release, maxReleaseDepth)
	if err != nil {
		return nil, fmt.Errorf("images of release %s: %w", release, err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// referenced reads the images of a release, or of all releases in an index.
func (r *endpoint) referenced(ctx context.Context, release name.Digest, depth int) ([]string, error) {
	m, err := r.manifest(ctx, release)
	if err != nil {
		return nil, err
	}
	if len(m.manifests) > 0 && depth > 0 {
		var all []string
		for _, d := range m.manifests {
			names, err := r.referenced(ctx, release.Context().Digest(d.Digest.String()), depth-1)
			if err != nil {
				return nil, err
			}
			all = append(all, names...)
		}
		return all, nil
	}
	// The manifests are usually in the last layer.
	for _, d := range slices.Backward(m.blobs) {
		if !d.MediaType.IsLayer() {
			continue
		}
		content, err := r.file(ctx, release.Context(), d, references)
		if err != nil || content != nil {
			return parseReferences(content, err)
		}
	}
	return nil, final{fmt.Errorf("it has no %s: it is not a release image", references)}
}

// file reads a file of a layer; nil if the layer does not have it.
func (r *endpoint) file(ctx context.Context, repository name.Repository, d descriptor, file string) ([]byte, error) {
	layer, err := r.puller.Layer(ctx, repository.Digest(d.Digest.String()))
	if err != nil {
		return nil, err
	}
	content, err := layer.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("layer %s: %w", d.Digest, err)
		case path.Clean("/"+header.Name) != "/"+file:
			continue
		case header.Size > maxReferences:
			return nil, final{fmt.Errorf("%s has %d bytes, more than %d", file, header.Size, maxReferences)}
		}
		return io.ReadAll(archive)
	}
}

// parseReferences parses the image names in an image stream.
func parseReferences(content []byte, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var stream struct {
		Spec struct {
			Tags []struct {
				Name string `json:"name"`
				From struct {
					Kind, Name string
				} `json:"from"`
			} `json:"tags"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(content, &stream); err != nil {
		return nil, final{fmt.Errorf("%s: %w", references, err)}
	}
	var names []string
	for _, tag := range stream.Spec.Tags {
		if tag.From.Kind == "DockerImage" && tag.From.Name != "" {
			names = append(names, tag.From.Name)
		}
	}
	if len(names) == 0 {
		return nil, final{fmt.Errorf("%s names no image", references)}
	}
	return names, nil
}

package mirror

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// descriptor is the reference of a manifest to a blob or another manifest.
type descriptor struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    v1.Hash         `json:"digest"`
	Size      int64           `json:"size"`
}

// manifest is an image, or an index of images, as it was stored. Its type is taken
// from its content, because some registries serve every manifest with a general
// type.
type manifest struct {
	raw       []byte
	mediaType types.MediaType
	// manifests are those of an index, blobs those of an image.
	manifests, blobs []descriptor
}

// RawManifest and MediaType implement the interface of the registry client.
func (m manifest) RawManifest() ([]byte, error)        { return m.raw, nil }
func (m manifest) MediaType() (types.MediaType, error) { return m.mediaType, nil }

// parseManifest parses a manifest of Docker schema 2 or of OCI. One that is both an
// image and an index is rejected, because clients would interpret it differently.
func parseManifest(raw []byte) (manifest, error) {
	var read struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Config        *descriptor     `json:"config"`
		Layers        []descriptor    `json:"layers"`
		Manifests     []descriptor    `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return manifest{}, fmt.Errorf("it is not a manifest: %w", err)
	}
	isImage, isIndex := read.Config != nil || read.Layers != nil, read.Manifests != nil
	switch {
	case read.SchemaVersion == 1:
		return manifest{}, errors.New("it has version 1 of Docker's schema, which registries no longer take; pull it and push it again with a current client")
	case isImage && isIndex:
		return manifest{}, errors.New("it is both an image and an index")
	case !isImage && !isIndex:
		return manifest{}, errors.New("it is not an image or an index")
	}
	m := manifest{raw: raw, mediaType: read.MediaType, manifests: read.Manifests}
	if m.mediaType == "" { // optional in OCI only
		m.mediaType = types.OCIManifestSchema1
		if isIndex {
			m.mediaType = types.OCIImageIndex
		}
	}
	if m.mediaType.IsIndex() != isIndex || m.mediaType.IsImage() != isImage {
		return manifest{}, fmt.Errorf("its content is not that of its media type %q", m.mediaType)
	}
	if read.Config != nil {
		m.blobs = append(m.blobs, *read.Config)
	}
	for _, layer := range read.Layers {
		if layer.MediaType.IsDistributable() { // others are downloaded from their own URLs
			m.blobs = append(m.blobs, layer)
		}
	}
	for _, d := range append(m.blobs, m.manifests...) {
		if d.Digest.Hex == "" {
			return manifest{}, errors.New("it refers to something without a digest")
		}
	}
	return m, nil
}

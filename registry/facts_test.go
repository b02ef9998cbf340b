package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// answer is what a registry answers to a client that names these media types.
func (s *site) answer(path string, accept ...types.MediaType) (status int, mediaType string, body []byte) {
	s.t.Helper()
	request := must(http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.host+"/v2/"+path, nil))
	for _, one := range accept {
		request.Header.Add("Accept", string(one))
	}
	response := must(http.DefaultClient.Do(request))
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, response.Header.Get("Content-Type"), must(io.ReadAll(response.Body))
}

// TestDistributionHidesListsByTagButNotByDigest shows why the mirror names every media
// type for a tag, and uses the digest for all else.
func TestDistributionHidesListsByTagButNotByDigest(t *testing.T) {
	s := startSite(t)
	amd64 := must(random.Image(5000, 1))
	here := mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}}
	other := mutate.IndexAddendum{Add: must(random.Image(5000, 1)), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}}
	all := []types.MediaType{types.DockerManifestSchema2, types.DockerManifestList, types.OCIManifestSchema1, types.OCIImageIndex}
	for tag, listed := range map[string]v1.ImageIndex{
		"both":  mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), here, other),
		"other": mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), other),
	} {
		digest := must(listed.Digest())
		s.push("tools/cli:"+tag, listed)
		if status, mediaType, body := s.answer("tools/cli/manifests/"+tag, all...); status != http.StatusOK || mediaType != string(types.DockerManifestList) || !isDigest(digest, body) {
			t.Errorf("%s with all types: got %d, %s", tag, status, mediaType)
		}
		status, mediaType, body := s.answer("tools/cli/manifests/"+tag, types.DockerManifestSchema2)
		if isDigest(digest, body) || tag == "both" && !isDigest(must(amd64.Digest()), body) || tag == "other" && status != http.StatusNotFound {
			t.Errorf("%s with one type: got %d, %s: distribution no longer hides the list", tag, status, mediaType)
		}
		if status, _, body := s.answer("tools/cli/manifests/"+digest.String(), all...); status != http.StatusOK || !isDigest(digest, body) {
			t.Errorf("%s by digest: got %d", tag, status)
		}
	}
	if status, _, _ := s.answer("tools/cli/referrers/" + must(amd64.Digest()).String()); status != http.StatusNotFound {
		t.Errorf("referrers: got %d: distribution has their API now", status)
	}
}

func isDigest(want v1.Hash, content []byte) bool {
	got, _, _ := v1.SHA256(bytes.NewReader(content))
	return got == want
}

// memoryLimit is what aro mirror may take, in MiB.
const memoryLimit = 100

// measured runs a program, and returns what it said and the most memory that it had, in MiB. The
// kernel's report at its end would count this process, too, whose memory it shared until it began.
func measured(command *exec.Cmd) (said []byte, memory int, err error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		if content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", command.Process.Pid)); err == nil {
			if _, rest, ok := strings.Cut(string(content), "VmHWM:"); ok {
				var kB int
				_, _ = fmt.Sscan(rest, &kB)
				memory = max(memory, kB/1024)
			}
		}
		select {
		case err := <-ended:
			return out.Bytes(), memory, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// large is a layer that is made when it is read, so that this process does not keep it.
type large struct {
	size   int64
	digest v1.Hash
}

func newLarge(size int64) *large {
	l := &large{size: size}
	sum := sha256.New()
	_, _ = io.Copy(sum, must(l.Compressed()))
	l.digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	return l
}

func (l *large) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *large) DiffID() (v1.Hash, error)             { return l.digest, nil }
func (l *large) Size() (int64, error)                 { return l.size, nil }
func (l *large) MediaType() (types.MediaType, error)  { return types.DockerLayer, nil }
func (l *large) Uncompressed() (io.ReadCloser, error) { return l.Compressed() }
func (l *large) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{1}), l.size)), nil
}

func TestMemoryDoesNotGrowWithLayers(t *testing.T) {
	from, to := startSite(t), startSite(t)
	image := from.push("tools/large:1", must(mutate.AppendLayers(empty.Image, newLarge(160<<20))))
	graph, _ := from.release(1)
	out, memory, err := measured(exec.CommandContext(t.Context(), filepath.Join(built, "aro"), "mirror", "--destination", to.host, "--image", image, "--graph", graph, "--since", "4.99.0"))
	if err != nil || memory == 0 || memory >= memoryLimit {
		t.Errorf("%d MiB of memory for a layer of 160 MiB, %v\n%s", memory, err, out)
	}
	want := must(name.ParseReference(image))
	if _, err := to.head(image); err != nil || must(remote.Head(want)).Digest.String() != want.Identifier() {
		t.Errorf("the image is not there: %v", err)
	}
	t.Logf("%d MiB of memory for a layer of 160 MiB", memory)
}

package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// built are the programs under test.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "aro-registry")
	if err != nil {
		panic(err)
	}
	built = dir
	for program, where := range map[string]string{"aro": "..", "aro-registry": "."} {
		command := exec.Command("go", "build", "-o", filepath.Join(dir, program), map[string]string{"aro": "./cmd/aro", "aro-registry": "."}[program])
		command.Dir = where
		if out, err := command.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%s: %v\n%s", program, err, out))
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// site is a registry, a process of its own, behind a proxy that counts.
type site struct {
	t    *testing.T
	host string

	mu        sync.Mutex
	committed map[string]int // uploads that ended well, by digest
	requests  int
	general   bool // serve manifests under a general media type
}

func startSite(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, filepath.Join(built, "aro-registry"), "-data", t.TempDir())
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.Stderr = io.Discard
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = process.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, committed: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: strings.TrimSpace(address)})
	proxy.ModifyResponse = s.note
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *site) note(answer *http.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := answer.Request
	if r.URL.Path != "/v2/" {
		s.requests++
	}
	if digest := r.URL.Query().Get("digest"); r.Method == http.MethodPut && digest != "" && answer.StatusCode == http.StatusCreated {
		s.committed[digest]++
	}
	if s.general && strings.Contains(r.URL.Path, "/manifests/") {
		answer.Header.Set("Content-Type", "application/json")
	}
	return nil
}

// uploadedOnce checks that no blob was uploaded twice.
func (s *site) uploadedOnce() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest, n := range s.committed {
		if n > 1 {
			s.t.Errorf("%s was uploaded %d times", digest, n)
		}
	}
}

func (s *site) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.requests
	s.requests = 0
	return n
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *site) push(at string, what remote.Taggable) string {
	s.t.Helper()
	ref := must(name.ParseReference(s.host + "/" + at))
	if err := remote.Push(ref, what); err != nil {
		s.t.Fatal(err)
	}
	return ref.Context().Digest(must(remote.Head(ref)).Digest.String()).String()
}

func (s *site) head(image string) (*v1.Descriptor, error) {
	_, path, _ := strings.Cut(image, "/")
	return remote.Head(must(name.ParseReference(s.host + "/" + path)))
}

// release makes a release of n images, which share layers, in two repositories, half
// of them lists, of both kinds, and serves the update graph that names it.
func (s *site) release(n int) (graph string, images []string) {
	base := must(random.Layer(200_000, types.DockerLayer))
	for i := range n {
		image := must(mutate.AppendLayers(must(random.Image(20_000, 2)), base))
		at := fmt.Sprintf("ocp/art-%d:%d", i%2, i)
		switch i % 4 {
		case 1:
			list := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), mutate.IndexAddendum{Add: image}, mutate.IndexAddendum{Add: must(random.Image(5000, 1))})
			images = append(images, s.push(at, list))
		case 3:
			list := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: image})
			images = append(images, s.push(at, list))
		default:
			images = append(images, s.push(at, image))
		}
	}
	release := s.push("ocp/release:4.19.24", releaseOf(images))
	images = append(images, release)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.redhat.cincinnati.graph+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"nodes": []map[string]string{{"version": "4.19.24", "payload": release}}})
	}))
	s.t.Cleanup(server.Close)
	return server.URL, images
}

func releaseOf(images []string) v1.Image {
	var tags []map[string]any
	for i, image := range images {
		tags = append(tags, map[string]any{"name": fmt.Sprint("component-", i), "from": map[string]string{"kind": "DockerImage", "name": image}})
	}
	content := must(json.Marshal(map[string]any{"kind": "ImageStream", "spec": map[string]any{"tags": tags}}))
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "release-manifests/image-references", Mode: 0o644, Size: int64(len(content))}); err != nil {
		panic(err)
	}
	_ = must(w.Write(content))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return must(mutate.AppendLayers(must(random.Image(100, 1)), must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }))))
}

// mirror runs aro mirror, and kills it after a time unless that is 0.
func mirror(t *testing.T, to *site, killAfter time.Duration, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if killAfter > 0 {
		ctx, cancel = context.WithTimeout(ctx, killAfter) // which kills it with SIGKILL
		defer cancel()
	}
	command := exec.CommandContext(ctx, filepath.Join(built, "aro"), append([]string{"mirror", "--destination", to.host, "--pause", "10ms"}, args...)...)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestAReleaseIsMirroredOnceAndWhole(t *testing.T) {
	from, to := startSite(t), startSite(t)
	graph, images := from.release(12)
	signature, attested := from.sign(images[0])

	out, err := mirror(t, to, 0, "--no-images", "--graph", graph, "4.19.24")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, image := range append(images, attested, signature) {
		want := must(from.head(image))
		got, err := to.head(image)
		if err != nil || got.Digest != want.Digest || got.MediaType != want.MediaType {
			t.Errorf("%s: got %v, %v, want %v", image, got, err, want)
		}
	}
	to.uploadedOnce()
	// Distribution has no list of referrers: the client keeps it under a tag.
	if _, err := to.head(strings.TrimSuffix(signature, ".sig")); err != nil {
		t.Errorf("the attestation is not listed: %v", err)
	}
	to.asked()
	from.asked()
	if out, err := mirror(t, to, 0, "--no-images", "--graph", graph, "latest"); err != nil || !strings.Contains(out, "was complete") {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := to.asked() + from.asked(); n != 1 {
		t.Errorf("a run with nothing to do made %d requests, want 1", n)
	}
	if out, err := mirror(t, to, 0, "--no-images", "--verify", "--graph", graph, "4.19.24"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := to.asked(); n > len(images)+1 {
		t.Errorf("verification made %d requests to the destination for %d images", n, len(images))
	}
}

// TestARunWithNothingToDoAsksOnceForAnImageAtEachRegistry counts what a second run asks for images outside of
// releases: their digests are known or asked of the source, and their signatures came before them.
func TestARunWithNothingToDoAsksOnceForAnImageAtEachRegistry(t *testing.T) {
	from, to := startSite(t), startSite(t)
	graph, _ := from.release(1)
	var byTag, byDigest []string
	for i := range 3 {
		tag := fmt.Sprintf("tools/cli-%d:latest", i)
		digest := from.push(tag, must(random.Image(500, 1)))
		from.sign(digest)
		byTag, byDigest = append(byTag, from.host+"/"+tag), append(byDigest, from.push(fmt.Sprintf("tools/gather-%d:1", i), must(random.Image(500, 1))))
		from.sign(byDigest[i])
	}
	args := []string{"--graph", graph, "--since", "4.99.0"}
	for _, image := range append(byTag, byDigest...) {
		args = append(args, "--image", image)
	}
	for run := range 2 {
		to.asked()
		from.asked()
		if out, err := mirror(t, to, 0, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if source, destination := from.asked(), to.asked(); run > 0 && (source != len(byTag) || destination != len(byTag)+len(byDigest)) {
			t.Errorf("for %d images by tag and %d by digest it made %d requests to the source, want %d, and %d to the destination, want %d",
				len(byTag), len(byDigest), source, len(byTag), destination, len(byTag)+len(byDigest))
		}
	}
	for _, image := range append(byTag, byDigest...) {
		signature := cosignTag(must(from.head(image)).Digest)
		repository, _, _ := strings.Cut(strings.TrimPrefix(image, from.host), "@")
		repository, _, _ = strings.Cut(repository, ":")
		if _, err := to.head(from.host + repository + ":" + signature); err != nil {
			t.Errorf("the signature of %s: %v", image, err)
		}
	}
}

// sign gives an image a signature and an attestation, as cosign does.
func (s *site) sign(image string) (signature, attested string) {
	s.t.Helper()
	ref := must(name.NewDigest(image))
	repository := ref.RepositoryStr()
	subject := must(remote.Head(ref))
	signature = repository + ":" + cosignTag(subject.Digest)
	s.push(signature, must(random.Image(300, 1)))
	attestation := mutate.Subject(must(mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		mutate.Addendum{Layer: static.NewLayer([]byte(`{"predicate": 1}`), "application/vnd.in-toto+json")})), *subject).(v1.Image)
	return s.host + "/" + signature, s.push(repository+"@"+must(attestation.Digest()).String(), attestation)
}

func cosignTag(digest v1.Hash) string { return "sha256-" + digest.Hex + ".sig" }

func TestListsAndTagsComeFromSourcesThatMisstateTheirTypes(t *testing.T) {
	from, to := startSite(t), startSite(t)
	list := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), mutate.IndexAddendum{Add: must(random.Image(5000, 1))})
	from.push("tools/cli:latest", list)
	image := from.host + "/tools/cli:latest"
	want := must(from.head(image))
	from.mu.Lock()
	from.general = true
	from.mu.Unlock()
	graph, _ := from.release(1)
	out, err := mirror(t, to, 0, "--image", image, "--graph", graph, "--since", "4.99.0")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := to.head(image); err != nil || got.Digest != want.Digest || got.MediaType != types.DockerManifestList {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestARunThatIsKilledAtAnyMomentIsResumed(t *testing.T) {
	from, to := startSite(t), startSite(t)
	graph, images := from.release(16)
	for n := 0; ; n++ {
		kill := 50*time.Millisecond + rand.N(time.Duration(n+1)*60*time.Millisecond)
		if n > 25 {
			kill = 0
		}
		out, err := mirror(t, to, kill, "--no-images", "--graph", graph, "4.19.24")
		if err == nil {
			break
		}
		if kill == 0 {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, image := range images {
		if _, err := to.head(image); err != nil {
			t.Errorf("%s: %v", image, err)
		}
	}
	to.uploadedOnce()
}

func TestABlobIsMountedFromAnyRepositoryOfTheRun(t *testing.T) {
	from, to := startSite(t), startSite(t)
	shared := must(random.Layer(50_000, types.DockerLayer))
	with := func(at string) string {
		return from.push(at, must(mutate.AppendLayers(must(random.Image(1000, 1)), shared)))
	}
	first, later, other := with("tools/b:1"), with("tools/b:2"), with("tools/a:1")
	graph, _ := from.release(1)
	for _, images := range [][]string{{first}, {other, later}} {
		args := []string{"--graph", graph, "--since", "4.99.0", "--parallel", "1"}
		for _, image := range images {
			args = append(args, "--image", image)
		}
		if out, err := mirror(t, to, 0, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if n := to.committed[must(shared.Digest()).String()]; n != 1 {
		t.Errorf("the shared layer was uploaded %d times, want 1", n)
	}
}

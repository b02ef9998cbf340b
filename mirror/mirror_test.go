package mirror

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// site is a real registry that counts requests, and can be made to fail.
type site struct {
	t    *testing.T
	host string

	mu    sync.Mutex
	calls []string
	fail  func(*http.Request) int // a status, or 0
}

func newSite(t *testing.T, options ...registry.Option) *site {
	s := &site{t: t}
	inner := registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, r.Method+" "+r.URL.Path)
		fail := s.fail
		s.mu.Unlock()
		if fail != nil {
			if status := fail(r); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

// count is how many calls since the last one have the method and a part of the path.
func (s *site) count(method, part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, call := range s.calls {
		if strings.HasPrefix(call, method) && strings.Contains(call, part) {
			n++
		}
	}
	return n
}

func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

func (s *site) failing(fail func(*http.Request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *site) ref(at string) name.Reference {
	ref, err := name.ParseReference(s.host + "/" + at)
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

// push stores an image or an index, and returns its name by digest.
func (s *site) push(at string, what remote.Taggable) string {
	s.t.Helper()
	ref := s.ref(at)
	if err := remote.Push(ref, what); err != nil {
		s.t.Fatal(err)
	}
	described, err := remote.Head(ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return ref.Context().Digest(described.Digest.String()).String()
}

func (s *site) has(image string) bool {
	ref, err := name.ParseReference(image)
	if err != nil {
		s.t.Fatal(err)
	}
	moved := s.ref(strings.TrimPrefix(ref.String(), ref.Context().RegistryStr()+"/"))
	_, err = remote.Head(moved)
	return err == nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// releaseOf makes a release image that names the images.
func releaseOf(images ...string) v1.Image {
	type from struct{ Kind, Name string }
	type tag struct {
		Name string `json:"name"`
		From from   `json:"from"`
	}
	var tags []tag
	for i, image := range images {
		tags = append(tags, tag{fmt.Sprint("component-", i), from{"DockerImage", image}})
	}
	content := must(json.Marshal(map[string]any{"kind": "ImageStream", "spec": map[string]any{"tags": tags}}))
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: references, Mode: 0o644, Size: int64(len(content))}); err != nil {
		panic(err)
	}
	_ = must(w.Write(content))
	if err := w.Close(); err != nil {
		panic(err)
	}
	layer := must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }))
	return must(mutate.AppendLayers(must(random.Image(100, 1)), layer, must(random.Layer(64, types.DockerLayer))))
}

func run(t *testing.T, to *site, releases []Release, images ...string) (Summary, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := New(Options{Destination: must(name.NewRegistry(to.host)), From: PullSecret{}, To: PullSecret{}, Parallel: 4, Tries: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return m.Run(ctx, releases, images)
}

func TestAReleaseComesWithItsImagesSignaturesAndIndexes(t *testing.T) {
	from, to := newSite(t, registry.WithReferrersSupport(true)), newSite(t)
	shared := must(random.Layer(5000, types.DockerLayer))
	one := from.push("ocp/art:one", must(mutate.AppendLayers(must(random.Image(1000, 2)), shared)))
	two := from.push("ocp/other:two", must(mutate.AppendLayers(must(random.Image(1000, 2)), shared)))
	docker := mutate.IndexMediaType(must(random.Index(500, 2, 3)), types.DockerManifestList)
	list := from.push("ocp/art:list", docker)
	oci := from.push("ocp/art:oci", mutate.IndexMediaType(must(random.Index(500, 2, 2)), types.OCIImageIndex))
	hex := one[strings.Index(one, "@sha256:")+len("@sha256:"):]
	from.push("ocp/art:sha256-"+hex+".sig", must(random.Image(100, 1)))
	subject := must(remote.Head(must(name.ParseReference(one))))
	attestation := mutate.Subject(must(mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		mutate.Addendum{Layer: static.NewLayer([]byte(`{"predicate": 1}`), "application/vnd.in-toto+json")})), *subject).(v1.Image)
	attested := from.push("ocp/art@"+must(attestation.Digest()).String(), attestation)
	release := from.push("ocp/release:4.19.1", releaseOf(one, two, list, oci, one))

	summary, err := run(t, to, []Release{{"4.19.1", release}})
	if err != nil || summary.Releases[0].Copied != 5 {
		t.Fatalf("got %+v, %v", summary, err)
	}
	for _, image := range []string{one, two, list, oci, attested, release, from.host + "/ocp/art:sha256-" + hex + ".sig"} {
		if !to.has(image) {
			t.Errorf("%s is missing", image)
		}
	}
	if got := must(remote.Head(to.ref(strings.TrimPrefix(list, from.host+"/")))).MediaType; got != types.DockerManifestList {
		t.Errorf("the list became %s", got)
	}
	if err := remoteValid(to, strings.TrimPrefix(two, from.host+"/")); err != nil {
		t.Error(err)
	}

	from.forget()
	to.forget()
	again, err := run(t, to, []Release{{"4.19.1", release}})
	if err != nil || !again.Releases[0].Present {
		t.Fatalf("got %+v, %v", again, err)
	}
	if n := to.count("", "/manifests/") + to.count("", "/blobs/") + from.count("", "/manifests/") + from.count("", "/blobs/"); n != 1 {
		t.Errorf("a run with nothing to do made %d requests for manifests and blobs, want 1", n)
	}
}

func remoteValid(s *site, image string) error {
	img, err := remote.Image(s.ref(image))
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil { // which checks the digest
			return err
		}
	}
	return nil
}

func TestImagesByDigestThatAreThereTakeOneRequest(t *testing.T) {
	from, to := newSite(t), newSite(t)
	var images []string
	for i := range 20 {
		images = append(images, from.push(fmt.Sprint("tools/image:", i), must(random.Image(200, 2))))
	}
	if _, err := run(t, to, nil, images...); err != nil {
		t.Fatal(err)
	}
	from.forget()
	to.forget()
	if _, err := run(t, to, nil, images...); err != nil {
		t.Fatal(err)
	}
	if n := to.count("", "tools/image"); n != len(images) {
		t.Errorf("%d requests to the destination, want %d", n, len(images))
	}
	if n := from.count("", "tools/image"); n != 0 {
		t.Errorf("%d requests to the source, want none", n)
	}
}

func TestATagFollowsItsSource(t *testing.T) {
	from, to := newSite(t), newSite(t)
	tag := from.host + "/tools/cli:latest"
	for range 2 {
		pushed := from.push("tools/cli:latest", must(random.Image(200, 2)))
		if _, err := run(t, to, nil, tag); err != nil {
			t.Fatal(err)
		}
		if got := must(remote.Head(to.ref("tools/cli:latest"))).Digest.String(); !strings.HasSuffix(pushed, got) {
			t.Errorf("the tag stands at %s, want %s", got, pushed)
		}
	}
}

func TestAReleaseWhoseTagMovedIsMirroredAgain(t *testing.T) {
	from, to := newSite(t), newSite(t)
	for range 2 {
		from.push("ocp/release:1", releaseOf(from.push("ocp/art:1", must(random.Image(200, 1)))))
		summary, err := run(t, to, []Release{{"4.19.1", from.host + "/ocp/release:1"}})
		if err != nil || summary.Releases[0].Present || summary.Releases[0].Copied != 2 {
			t.Fatalf("got %+v, %v", summary, err)
		}
	}
}

func TestAStoppedRunIsResumedWithoutUploadingAgain(t *testing.T) {
	from, to := newSite(t), newSite(t)
	var images []string
	for i := range 6 {
		images = append(images, from.push(fmt.Sprint("ocp/art:", i), must(random.Image(300, 3))))
	}
	release := []Release{{"4.19.1", from.push("ocp/release:1", releaseOf(images...))}}
	var mu sync.Mutex
	uploaded := map[string]int{}
	// Every run gets a few manifests further, and then cannot write any more.
	for allowed := 2; ; allowed += 2 {
		written := 0
		to.failing(func(r *http.Request) int {
			mu.Lock()
			defer mu.Unlock()
			if r.Method != http.MethodPut {
				return 0
			}
			if digest := r.URL.Query().Get("digest"); digest != "" {
				uploaded[digest]++
			} else if written++; written > allowed {
				return http.StatusForbidden
			}
			return 0
		})
		summary, err := run(t, to, release)
		if err == nil {
			break
		}
		if to.has(release[0].Image) || summary.Releases[0].Failures == nil || allowed > 20 {
			t.Fatalf("the release is there although images failed, or nothing failed: %+v", summary)
		}
	}
	for digest, n := range uploaded {
		if n > 1 {
			t.Errorf("%s was uploaded %d times", digest, n)
		}
	}
	if len(uploaded) < 6*4 {
		t.Errorf("%d uploads seen, want at least 24", len(uploaded))
	}
}

func TestFailuresAreReportedAndTheRestGoesOn(t *testing.T) {
	from, to := newSite(t), newSite(t)
	good := from.push("tools/good:1", must(random.Image(200, 1)))
	missing := from.host + "/tools/missing:1"
	tries := 0
	from.failing(func(r *http.Request) int {
		if strings.Contains(r.URL.Path, "flaky/manifests") {
			if tries++; tries == 1 {
				return http.StatusBadRequest + 13 // 413: final
			}
		}
		return 0
	})
	summary, err := run(t, to, nil, missing, "UPPER/bad:1", good, from.host+"/tools/flaky:1")
	if err == nil || summary.Images.Copied != 1 || len(summary.Images.Failures) != 3 || !to.has(good) {
		t.Fatalf("got %+v, %v", summary, err)
	}
	if tries != 1 {
		t.Errorf("a final refusal was tried %d times", tries)
	}
	if got := summary.Progress.String(); !strings.HasPrefix(got, "0 of 0 releases, 1 of 4 images, 0 remain, 3 failed, ") {
		t.Errorf("the progress is %q", got)
	}
	var out bytes.Buffer
	if err := summary.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{missing, "UPPER/bad:1", "other images", "uploaded"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, out.String())
		}
	}
}

func TestAPassingFailureIsTriedAgain(t *testing.T) {
	from, to := newSite(t), newSite(t)
	image := from.push("tools/image:1", must(random.Image(200, 1)))
	var once sync.Once
	to.failing(func(r *http.Request) (status int) {
		if r.Method == http.MethodPost {
			once.Do(func() { status = http.StatusUnauthorized })
		}
		return status
	})
	if summary, err := run(t, to, nil, image); err != nil || summary.Progress.Done != 1 {
		t.Fatalf("got %+v, %v", summary, err)
	}
}

func TestManifestsAreWhatTheyContain(t *testing.T) {
	digest := `"digest":"sha256:` + strings.Repeat("a", 64) + `","size":1`
	for text, want := range map[string]string{
		`{"schemaVersion":2,"config":{` + digest + `},"layers":[]}`:                                    string(types.OCIManifestSchema1),
		`{"schemaVersion":2,"manifests":[{` + digest + `}]}`:                                           string(types.OCIImageIndex),
		`{"schemaVersion":2,"mediaType":"` + string(types.DockerManifestList) + `","manifests":[]}`:    string(types.DockerManifestList),
		`{"schemaVersion":2,"mediaType":"` + string(types.DockerManifestSchema2) + `","manifests":[]}`: "not that of its media type",
		`{"schemaVersion":2,"config":{` + digest + `},"layers":[],"manifests":[]}`:                     "both",
		`{"schemaVersion":1,"fsLayers":[]}`:                                                            "version 1",
		`{"schemaVersion":2}`:                                                                          "not an image or an index",
		`[]`:                                                                                           "not a manifest",
		`{"schemaVersion":2,"config":{` + digest + `},"layers":[{"mediaType":"x"}]}`:                   "without a digest",
	} {
		m, err := parseManifest([]byte(text))
		got := string(m.mediaType)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestReleasesComeFromTheGraph(t *testing.T) {
	answer := func(status int, kind, body string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s
	}
	nodes := `{"nodes":[{"version":"4.19.10","payload":"registry.ci.openshift.org/ocp/release@sha256:a"},{"version":"4.19.9","payload":"x/y@sha256:b"},
		{"version":"4.20.0-rc.1","payload":"x"},{"version":"4.8.8","payload":"x"},{"version":"4.11.0","payload":"x"},{"version":"5.0.1","payload":"x"}],"edges":[[0,1]]}`
	graph, err := ReadGraph(t.Context(), http.DefaultClient, answer(200, graphType, nodes).URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(graph.From("4.12.0")); len(got) != 2 || got[0].Version != "4.19.9" || got[1].Image != "quay.io/openshift-release-dev/ocp-release@sha256:a" {
		t.Errorf("from 4.12.0: %v", got)
	}
	if got, err := graph.Find("4.19.10", "4.19.9", "4.19.10"); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := graph.Choose([]string{"latest"}, ""); err != nil || len(got) != 1 || got[0].Version != "4.19.10" {
		t.Errorf("latest: got %v, %v, want 4.19.10", got, err)
	}
	if _, err := graph.Find("4.19", "5.0.1", "4.99.1", "04.19.9"); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four faults", err)
	}
	for want, server := range map[string]*httptest.Server{"status 503": answer(503, graphType, nodes), "media type": answer(200, "text/html", nodes), "no release": answer(200, graphType, `{}`)} {
		if _, err := ReadGraph(t.Context(), http.DefaultClient, server.URL); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestALoginCountsBelowItsPath(t *testing.T) {
	secret, err := ParsePullSecret([]byte(`{"auths":{"quay.io":{"auth":"YTpi"},"quay.io/team":{"auth":"Yzpk"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{"quay.io/openshift/x": "a", "quay.io/team/x": "c", "quay.io/teams/x": "a", "docker.io/x/y": ""} {
		login := must(secret.Resolve(must(name.NewRepository(repository))))
		if got := must(login.Authorization()).Username; got != want {
			t.Errorf("%s: got %q, want %q", repository, got, want)
		}
	}
	for _, bad := range []string{`{"auths":{"quay.io":{"auth":"hunter2!"}}}`, `{"auths":{"quay.io":{}}}`, `hunter2`} {
		if _, err := ParsePullSecret([]byte(bad)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	if _, err := authn.Resolve(t.Context(), PullSecret{}, must(name.NewRegistry("quay.io"))); err != nil {
		t.Error(err)
	}
}

func TestFinalFailuresAreKnown(t *testing.T) {
	if !isFinal(fmt.Errorf("x: %w", final{errors.New("y")})) || isFinal(errors.New("reset by peer")) {
		t.Error("a failure is judged wrongly")
	}
}

type tokens struct{ given int }

func (c *tokens) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.given++
	return azcore.AccessToken{Token: "token-for-" + o.Scopes[0]}, nil
}

func TestAzuresRegistryExchangesTheTokenOnceUntilItIsOld(t *testing.T) {
	status := http.StatusOK
	exchange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oauth2/exchange" || r.FormValue("grant_type") != "access_token" || r.FormValue("service") != r.Host ||
			r.FormValue("access_token") != "token-for-https://containerregistry.azure.net/.default" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"refresh_token":"refresh"}`)
	}))
	defer exchange.Close()
	host := must(name.NewRegistry(strings.TrimPrefix(exchange.URL, "http://")))
	credential := &tokens{}
	login := NewAzureRegistry(host, credential, http.DefaultClient)
	for range 3 {
		got, err := login.Authorization()
		if err != nil || got.Username != anyUser || got.Password != "refresh" {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if credential.given != 1 {
		t.Errorf("%d tokens were exchanged, want 1", credential.given)
	}
	if strings.Contains(login.obtained.String(), "m=") {
		t.Error("the age of the token is told by the monotonic clock, which stands still while the machine is suspended")
	}
	for n, age := range []time.Duration{refreshAfter, -time.Minute} { // suspended for hours, and a clock that was set back
		login.obtained = login.obtained.Add(-age)
		for range 2 {
			if _, err := login.Authorization(); err != nil || credential.given != 2+n {
				t.Fatalf("with a token of the age %s: %v, %d tokens were exchanged, want %d", age, err, credential.given, 2+n)
			}
		}
	}
	login.obtained = login.obtained.Add(-refreshAfter)
	status = http.StatusUnauthorized
	if _, err := login.Authorization(); err == nil || !strings.Contains(err.Error(), "AcrPush") || strings.Contains(err.Error(), "token-for") {
		t.Errorf("got %v", err)
	}
	if other := must(login.Resolve(must(name.NewRegistry("quay.io")))); other != authn.Anonymous {
		t.Error("another registry gets the login")
	}
	for registry, want := range map[string]bool{"arosvc.azurecr.io": true, "arosvc.azurecr.io:8443": true, "arosvc.azurecr.us": true, "azurecr.io.example.com": false} {
		if IsAzure(must(name.NewRegistry(registry))) != want {
			t.Errorf("%s: want %v", registry, want)
		}
	}
}

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// manifestTypes are the media types of manifests: without all of them the program hides some.
const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// tag of an image, as Azure lists it.
type tag struct {
	Name   string          `json:"name"`
	Digest string          `json:"digest"`
	Signed bool            `json:"signed"`
	May    map[string]bool `json:"changeableAttributes"`
}

// tags answers /acr/v1/REPOSITORY/_tags and …/_tags/TAG. az asks them for what images a repository
// has, and for the digest of one to delete. The rest of this API is missing.
func (s *Service) tags(w http.ResponseWriter, q *http.Request, r *resources.Resource) {
	repository, name, ok := strings.Cut(strings.TrimPrefix(q.URL.Path, "/acr/v1/"), "/_tags")
	if !ok || q.Method != http.MethodGet {
		fail(w, http.StatusNotFound, "NOT_FOUND", "the local Azure has no other requests below /acr/v1/ than for tags")
		return
	}
	images := s.admit(w, q, r, []need{{"repository", repository, "metadata_read"}})
	if images == nil {
		return
	}
	body := object{"registry": hostOf(r), "imageName": repository}
	var err error
	if name = strings.TrimPrefix(name, "/"); name != "" {
		body["tag"], err = images.tag(q.Context(), repository, name)
	} else {
		var next string
		body["tags"], next, err = images.list(q.Context(), repository, q.URL.Query())
		if next != "" {
			w.Header().Set("Link", strings.Replace(next, "/v2/"+repository+"/tags/list", "/acr/v1/"+repository+"/_tags", 1))
		}
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		fail(w, refused.status, refused.code, refused.message)
		return
	}
	if err != nil {
		s.Log.WarnContext(q.Context(), "tags of a registry cannot be read", "registry", r.Name, "error", err)
		fail(w, http.StatusServiceUnavailable, "UNAVAILABLE", "the tags cannot be read")
		return
	}
	answer(w, body)
}

// refusal is what the program answered to a request instead of success.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.code, r.message) }

// refused is the refusal of a response; of one without a body, as to HEAD, it tells what is not there.
func refused(resp *http.Response) *refusal {
	var body struct {
		Errors []struct{ Code, Message string }
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, maxRefusal)).Decode(&body) // without one, the status has to do
	if len(body.Errors) > 0 {
		return &refusal{resp.StatusCode, body.Errors[0].Code, body.Errors[0].Message}
	}
	if resp.StatusCode == http.StatusNotFound {
		return &refusal{resp.StatusCode, "TAG_UNKNOWN", "the repository or the tag does not exist"}
	}
	return &refusal{resp.StatusCode, "UNKNOWN", "the registry answered " + resp.Status}
}

// maxRefusal bounds the body of a refusal, in bytes.
const maxRefusal = 1 << 20

// list returns a page of the tags of a repository, and the link to the next.
func (s *server) list(ctx context.Context, repository string, query url.Values) (all []tag, next string, err error) {
	page := url.Values{}
	for _, name := range []string{"n", "last"} {
		if value := query.Get(name); value != "" {
			page.Set(name, value)
		}
	}
	resp, err := s.get(ctx, http.MethodGet, url.URL{Path: "/v2/" + repository + "/tags/list", RawQuery: page.Encode()})
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var listed struct {
		Tags []string `json:"tags"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&listed); err != nil {
		return nil, "", err
	}
	all = []tag{}
	for _, name := range listed.Tags {
		one, err := s.tag(ctx, repository, name)
		if refused, ok := errors.AsType[*refusal](err); ok && refused.status == http.StatusNotFound {
			continue // it was deleted since the list was read
		}
		if err != nil {
			return nil, "", err
		}
		all = append(all, one)
	}
	return all, resp.Header.Get("Link"), nil
}

func (s *server) tag(ctx context.Context, repository, name string) (tag, error) {
	resp, err := s.get(ctx, http.MethodHead, url.URL{Path: "/v2/" + repository + "/manifests/" + name})
	if err != nil {
		return tag{}, err
	}
	_ = resp.Body.Close()
	return tag{Name: name, Digest: resp.Header.Get("Docker-Content-Digest"), May: map[string]bool{"deleteEnabled": true, "listEnabled": true, "readEnabled": true, "writeEnabled": true}}, nil
}

// get asks the program, past the rules of the registry. Its error is a refusal if the program gave no success.
func (s *server) get(ctx context.Context, method string, at url.URL) (*http.Response, error) {
	at.Scheme, at.Host = s.target.Scheme, s.target.Host
	req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", manifestTypes)
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, refused(resp)
	}
	return resp, err
}

package registry

import (
	"context"
	"encoding/json"
	"fmt"
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
	if err != nil {
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", err.Error())
		return
	}
	answer(w, body)
}

// list returns a page of the tags of a repository, and the link to the next.
func (s *server) list(ctx context.Context, repository string, query url.Values) (all []tag, next string, err error) {
	page := url.Values{}
	for _, name := range []string{"n", "last"} {
		if value := query.Get(name); value != "" {
			page.Set(name, value)
		}
	}
	resp, err := s.get(ctx, http.MethodGet, url.URL{Path: "/v2/" + repository + "/tags/list", RawQuery: page.Encode()})
	if resp == nil && err == nil {
		err = fmt.Errorf("the registry has no repository %s", repository)
	}
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
		if err != nil {
			return nil, "", err
		}
		all = append(all, one)
	}
	return all, resp.Header.Get("Link"), nil
}

func (s *server) tag(ctx context.Context, repository, name string) (tag, error) {
	resp, err := s.get(ctx, http.MethodHead, url.URL{Path: "/v2/" + repository + "/manifests/" + name})
	if resp == nil && err == nil {
		err = fmt.Errorf("the registry has no image %s:%s", repository, name)
	}
	if err != nil {
		return tag{}, err
	}
	_ = resp.Body.Close()
	return tag{Name: name, Digest: resp.Header.Get("Docker-Content-Digest"), May: map[string]bool{"deleteEnabled": true, "listEnabled": true, "readEnabled": true, "writeEnabled": true}}, nil
}

// get asks the program, past the rules of the registry. It returns nil for what does not exist.
func (s *server) get(ctx context.Context, method string, at url.URL) (*http.Response, error) {
	at.Scheme, at.Host = s.target.Scheme, s.target.Host
	req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", manifestTypes)
	resp, err := http.DefaultClient.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, nil
	}
	return resp, err
}

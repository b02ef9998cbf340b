package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// ServeHTTP answers for the hosts of registries: the exchange of tokens, the protocol of
// distribution below /v2/, and Azure's own list of tags below /acr/v1/.
func (s *Service) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	name, _, _ := strings.Cut(q.Host, ".")
	r, err := s.find(q.Context(), name)
	switch {
	case err != nil:
		s.Log.WarnContext(q.Context(), "a registry cannot be read", "registry", name, "error", err)
		fail(w, http.StatusServiceUnavailable, "UNAVAILABLE", "the registry cannot be read")
		return
	case r == nil:
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", "there is no registry "+name+suffix)
		return
	}
	switch path := q.URL.Path; {
	case path == "/oauth2/exchange":
		err = s.exchange(w, q, r)
	case path == "/oauth2/token":
		err = s.token(w, q, r)
	case path == "/v2" || strings.HasPrefix(path, "/v2/"):
		s.images(w, q, r)
	case strings.HasPrefix(path, "/acr/v1/"):
		s.tags(w, q, r)
	default:
		fail(w, http.StatusNotFound, "NOT_FOUND", "the path does not exist")
	}
	if errors.Is(err, errLogin) {
		fail(w, http.StatusUnauthorized, "UNAUTHORIZED", err.Error())
	} else if err != nil {
		s.Log.WarnContext(q.Context(), "no token was made", "registry", name, "error", err)
		fail(w, http.StatusInternalServerError, "UNKNOWN", "no token could be made")
	}
}

// fail answers as the specification of distribution says.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"errors": []object{{"code": code, "message": message}}}) // the client may be gone
}

// need is what a request needs: an action on a repository, or on the catalog; nothing
// beside a login if it has no name.
type need struct{ kind, name, action string }

func (n need) scope() string { return n.kind + ":" + n.name + ":" + n.action }

// needs are those of a request. A blob that is mounted must also be readable where it is.
func needs(q *http.Request) []need {
	rest := strings.Trim(strings.TrimPrefix(q.URL.Path, "/v2"), "/")
	if rest == "" {
		return nil
	}
	if rest == "_catalog" {
		return []need{{"registry", "catalog", "*"}}
	}
	action := "push"
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		action = "pull"
	case http.MethodDelete:
		action = "delete"
	}
	repository := rest
	for _, part := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
		if at := strings.LastIndex(rest, part); at >= 0 {
			repository = rest[:at]
			if strings.HasPrefix(rest[at:], "/blobs/uploads") {
				action = "push" // also its state and its end
			}
			break
		}
	}
	all := []need{{"repository", repository, action}}
	if from := q.URL.Query().Get("from"); from != "" {
		all = append(all, need{"repository", from, "pull"})
	}
	return all
}

// images hands a request that is allowed to the program that has the images.
func (s *Service) images(w http.ResponseWriter, q *http.Request, r *resources.Resource) {
	if images := s.admit(w, q, r, needs(q)); images != nil {
		images.ServeHTTP(w, q)
	}
}

// admit returns the program that has the images of a registry, or refuses a request that is not
// allowed.
func (s *Service) admit(w http.ResponseWriter, q *http.Request, r *resources.Resource, wanted []need) *server {
	if why := s.allowed(q, r, wanted); why != "" {
		challenge := `Bearer realm="https://` + q.Host + `/oauth2/token",service="` + hostOf(r) + `"`
		if len(wanted) > 0 {
			challenge += `,scope="` + wanted[0].scope() + `"`
		}
		if q.Header.Get("Authorization") != "" {
			challenge += `,error="` + why + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
		fail(w, http.StatusUnauthorized, "UNAUTHORIZED", errLogin.Error())
		return nil
	}
	images, err := s.server(r.Name)
	if err != nil {
		s.Log.WarnContext(q.Context(), "a registry has no images", "registry", r.Name, "error", err)
		fail(w, http.StatusServiceUnavailable, "UNAVAILABLE", err.Error())
		return nil
	}
	return images
}

// allowed is empty, or why a request is refused.
func (s *Service) allowed(q *http.Request, r *resources.Resource, wanted []need) (why string) {
	if q.Header.Get("Authorization") == "" && r.Get("anonymousPullEnabled") == true && len(wanted) == 1 && wanted[0].action == "pull" {
		return ""
	}
	c := s.sender(q, r, wanted)
	if c == nil {
		return "invalid_token"
	}
	for _, n := range wanted {
		if !c.permits(n.kind, n.name, n.action) {
			return "insufficient_scope"
		}
	}
	return ""
}

// sender is what the sender of a request may do, nil if it is not known: by an access
// token, or by a login.
func (s *Service) sender(q *http.Request, r *resources.Resource, wanted []need) *claims {
	if user, password, basic := q.BasicAuth(); basic {
		subject, err := s.login(r, user, password)
		if err != nil {
			return nil
		}
		return &claims{RegisteredClaims: jwt.RegisteredClaims{Subject: subject}, Access: s.grantAll(q.Context(), r, subject, wanted)}
	}
	token, ok := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil
	}
	c, err := s.read(r, token, accessToken)
	if err != nil {
		return nil
	}
	return c
}

func (s *Service) grantAll(ctx context.Context, r *resources.Resource, subject string, wanted []need) []accessClaim {
	var scopes []string
	for _, n := range wanted {
		scopes = append(scopes, n.scope())
	}
	return s.grant(ctx, r, subject, scopes)
}

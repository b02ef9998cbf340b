package cosmosdb

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// rememberFor is how long a principal that was allowed is not looked up again.
const rememberFor = 10 * time.Second

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return key
}

// ServeHTTP answers below Prefix: the name of the account follows, then Cosmos DB's own
// path.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	account, err := s.account(r.Context(), name)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "ServiceUnavailable", "The account cannot be read.")
		return
	}
	if account == nil {
		fail(w, http.StatusNotFound, "NotFound", "There is no account of this name.")
		return
	}
	status, why := s.authorize(r, account, "/"+strings.TrimSuffix(rest, "/"))
	if status != 0 {
		fail(w, status, http.StatusText(status), why)
		return
	}
	if rest == "" {
		s.describe(w, account)
		return
	}
	server, err := s.server(r.Context(), name)
	if err != nil {
		s.Log.Warn("a database account has no server", "account", name, "error", err)
		fail(w, http.StatusServiceUnavailable, "ServiceUnavailable", "The account's server did not start.")
		return
	}
	out := r.Clone(r.Context())
	out.URL = &url.URL{Path: "/" + rest, RawQuery: r.URL.RawQuery}
	if raw := r.URL.RawPath; raw != "" {
		_, out.URL.RawPath, _ = strings.Cut(strings.TrimPrefix(raw, Prefix), "/")
		out.URL.RawPath = "/" + out.URL.RawPath
	}
	if s.Keep != nil {
		s.serveKept(w, out, server, name)
		return
	}
	server.ServeHTTP(w, out)
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"code": code, "message": message}) // the client may be gone
}

// describe answers the first request of clients: the locations of the account.
func (s *Service) describe(w http.ResponseWriter, r *resources.Resource) {
	regions := []any{}
	for _, location := range resources.Objects(r.Get("locations")) {
		regions = append(regions, object{"name": location["locationName"], "databaseAccountEndpoint": s.endpoint(r.Name)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object{
		"id": r.Name, "_self": "", "_rid": r.Name, "_dbs": "//dbs/", "media": "//media/", "addresses": "//addresses/",
		"writableLocations": regions, "readableLocations": regions, "enableMultipleWriteLocations": false,
		"userConsistencyPolicy": object{"defaultConsistencyLevel": r.Text("consistencyPolicy", "defaultConsistencyLevel")},
	})
}

// authorize is 0, or the status of a refusal and its reason.
func (s *Service) authorize(r *http.Request, account *resources.Resource, path string) (status int, why string) {
	header, err := url.QueryUnescape(r.Header.Get("Authorization"))
	if err != nil {
		return http.StatusUnauthorized, "The authorization header cannot be read."
	}
	given, _ := url.ParseQuery(strings.ReplaceAll(header, "+", "%2B")) // what cannot be read is not given
	switch given.Get("type") {
	case "aad":
		caller, err := s.Tokens.Verify(given.Get("sig"))
		if err != nil {
			return http.StatusUnauthorized, "The token is invalid or expired."
		}
		allowed, err := s.may(r.Context(), account, caller.ObjectID, path)
		if err != nil || !allowed {
			return http.StatusForbidden, "Request blocked by Auth: the principal " + caller.ObjectID + " has no role in the account that permits this."
		}
		return 0, ""
	case "master":
		if account.Get("disableLocalAuth") == true {
			return http.StatusUnauthorized, "Local Authorization is disabled. Use an AAD token to authorize all requests."
		}
		key, _ := account.Local["key"].(string)
		if !signed(r, key, path, given.Get("sig")) {
			return http.StatusUnauthorized, "The input authorization token can't serve the request."
		}
		return 0, ""
	}
	return http.StatusUnauthorized, "Required Header authorization is missing."
}

// may reports whether a principal has a role at a path. Databases and containers are made
// by the resource manager, never by roles of the data plane.
func (s *Service) may(ctx context.Context, account *resources.Resource, principal, path string) (bool, error) {
	key := account.ID + "|" + principal
	s.mu.Lock()
	until := s.allowed[key]
	s.mu.Unlock()
	if time.Now().Before(until) {
		return true, nil
	}
	all, err := s.Engine.Below(ctx, account.ID, assignmentType)
	if err != nil {
		return false, err
	}
	for _, one := range all {
		if !arm.EqualFold(one.Text("principalId"), principal) {
			continue
		}
		scope := strings.TrimPrefix(resources.Key(one.Text("scope")), resources.Key(account.ID))
		if path == "/" || scope == "" || strings.HasPrefix(strings.ToLower(path)+"/", scope+"/") {
			if scope == "" || strings.HasPrefix(strings.ToLower(path), scope) {
				s.mu.Lock()
				s.allowed[key] = time.Now().Add(rememberFor)
				s.mu.Unlock()
			}
			return true, nil
		}
	}
	return false, nil
}

// signed reports whether a request has the signature of the account's key.
func signed(r *http.Request, key, path, signature string) bool {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return false
	}
	segments := resources.Segments(path)
	kind, link := "", strings.TrimPrefix(path, "/")
	if n := len(segments); n%2 == 1 { // a collection: its owner is signed
		kind, link = segments[n-1], strings.Join(segments[:n-1], "/")
	} else if n > 0 {
		kind = segments[n-2]
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(strings.ToLower(r.Method) + "\n" + strings.ToLower(kind) + "\n" + link + "\n" + strings.ToLower(r.Header.Get("x-ms-date")) + "\n\n"))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(signature))
}

package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
)

const (
	// userName is who can log in, and the key of the hash of the password.
	userName = "kubeadmin"
	// kubeAdmin is who that is to the cluster.
	kubeAdmin = "kube:admin"
)

// Paths of OpenShift's OAuth server and of its users' API.
const (
	discoveryPath = "/.well-known/oauth-authorization-server"
	authorizePath = "/oauth/authorize"
	tokenPath     = "/oauth/token"
	implicitPath  = "/oauth/token/implicit"
	selfPath      = "/apis/user.openshift.io/v1/users/~"
)

// Server serves logins.
type Server struct {
	// Kubeadmin reads the secret kube-system/kubeadmin.
	Kubeadmin func(ctx context.Context) (*corev1.Secret, error)
}

// AuthenticateToken implements authenticator.Token.
func (s Server) AuthenticateToken(ctx context.Context, token string) (*authenticator.Response, bool, error) {
	if !strings.HasPrefix(token, prefix) {
		return nil, false, nil
	}
	secret, err := s.Kubeadmin(ctx)
	if err != nil {
		return nil, false, nil //nolint:nilerr // without the secret no user is logged in
	}
	if _, err := open(secret, token, accessToken, time.Now()); err != nil {
		return nil, false, err
	}
	return &authenticator.Response{User: &user.DefaultInfo{
		Name: kubeAdmin, Groups: []string{"system:cluster-admins", "system:authenticated", "system:authenticated:oauth"},
	}}, true, nil
}

// Outside answers unauthenticated requests, before authentication.
func (s Server) Outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case discoveryPath:
			s.discover(w, r)
		case authorizePath:
			s.authorize(w, r)
		case tokenPath:
			s.exchange(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Inside answers authenticated requests for their own user.
func (s Server) Inside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := request.UserFrom(r.Context())
		if r.URL.Path != selfPath || r.Method != http.MethodGet || !known {
			next.ServeHTTP(w, r)
			return
		}
		groups := []string{}
		for _, group := range who.GetGroups() {
			if !strings.HasPrefix(group, "system:authenticated:") {
				groups = append(groups, group)
			}
		}
		reply(w, http.StatusOK, map[string]any{
			"kind": "User", "apiVersion": "user.openshift.io/v1",
			"metadata": map[string]any{"name": who.GetName(), "uid": who.GetUID(), "creationTimestamp": nil}, "identities": nil, "groups": groups,
		})
	})
}

func (s Server) discover(w http.ResponseWriter, r *http.Request) {
	issuer := "https://" + r.Host
	reply(w, http.StatusOK, map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + authorizePath, "token_endpoint": issuer + tokenPath,
		"scopes_supported":         []string{"user:full", "user:info", "user:check-access", "user:list-projects", "user:list-scoped-projects"},
		"response_types_supported": []string{"code", "token"}, "grant_types_supported": []string{"authorization_code", "implicit"},
		"code_challenge_methods_supported": []string{"S256"},
	})
}

// authorize challenges for the password and redirects with a token or a code.
func (s Server) authorize(w http.ResponseWriter, r *http.Request) {
	secret, err := s.Kubeadmin(r.Context())
	name, password, given := r.BasicAuth()
	if err != nil || !given || name != userName || bcrypt.CompareHashAndPassword(secret.Data[userName], []byte(password)) != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="openshift"`)
		reply(w, http.StatusUnauthorized, map[string]any{"error": "access_denied", "error_description": "The name or the password is wrong."})
		return
	}
	to := "https://" + r.Host + implicitPath
	answer := url.Values{"state": {r.FormValue("state")}}
	if r.FormValue("response_type") == "code" {
		code, err := sign(secret, claim{Purpose: accessCode, Expires: time.Now().Add(codeLife).Unix(), Challenge: r.FormValue("code_challenge")})
		if err != nil {
			reply(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
			return
		}
		answer.Set("code", code)
		to += "?" + answer.Encode()
	} else {
		token, err := newToken(secret)
		if err != nil {
			reply(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
			return
		}
		for name, value := range map[string]string{"access_token": token, "expires_in": seconds(tokenLife), "scope": "user:full", "token_type": "Bearer"} {
			answer.Set(name, value)
		}
		to += "#" + answer.Encode()
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// exchange redeems a code for a client that presents the verifier of its challenge.
func (s Server) exchange(w http.ResponseWriter, r *http.Request) {
	secret, err := s.Kubeadmin(r.Context())
	if err != nil || r.Method != http.MethodPost {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
		return
	}
	c, err := open(secret, r.FormValue("code"), accessCode, time.Now())
	verifier := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if err != nil || c.Challenge == "" || c.Challenge != base64.RawURLEncoding.EncodeToString(verifier[:]) {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	token, err := newToken(secret)
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": int64(tokenLife / time.Second), "scope": "user:full", "token_type": "Bearer"})
}

func newToken(secret *corev1.Secret) (string, error) {
	return sign(secret, claim{Purpose: accessToken, Expires: time.Now().Add(tokenLife).Unix()})
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone
}

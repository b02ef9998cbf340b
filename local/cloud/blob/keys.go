package blob

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	kindKeys       = "blob/keys"
	kindDelegation = "blob/delegation"
	keyBytes       = 64
)

// Key is one of the two keys of an account.
type Key struct {
	Name  string `json:"name"`
	Value string `json:"value"` // base64
}

// AccountKeys returns the keys of an account, which are made at first use.
func (s *Service) AccountKeys(ctx context.Context, account string) (keys []Key, err error) {
	account = strings.ToLower(account)
	if found, err := s.State.Get(ctx, kindKeys, account, &keys); err != nil || found {
		return keys, err
	}
	err = s.State.Update(ctx, func(tx *state.Tx) error {
		if found, err := tx.Get(ctx, kindKeys, account, &keys); err != nil || found {
			return err
		}
		keys = []Key{{"key1", newKey()}, {"key2", newKey()}}
		return tx.Put(ctx, kindKeys, account, keys)
	})
	return keys, err
}

// RegenerateKey replaces a key of an account; what was signed with the old one is void.
func (s *Service) RegenerateKey(ctx context.Context, account, name string) ([]Key, error) {
	keys, err := s.AccountKeys(ctx, account)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(keys, func(k Key) bool { return arm.EqualFold(k.Name, name) })
	if i < 0 {
		return nil, fmt.Errorf("account %s has no key %q", account, name)
	}
	keys[i].Value = newKey()
	return keys, s.State.Put(ctx, kindKeys, strings.ToLower(account), keys)
}

func newKey() string {
	random := make([]byte, keyBytes)
	_, _ = rand.Read(random) // never fails
	return base64.StdEncoding.EncodeToString(random)
}

func (s *Service) loadDelegation(ctx context.Context) (secret []byte, err error) {
	err = s.State.Update(ctx, func(tx *state.Tx) error {
		if found, err := tx.Get(ctx, kindDelegation, "secret", &secret); err != nil || found {
			return err
		}
		secret = make([]byte, keyBytes)
		_, _ = rand.Read(secret) // never fails
		return tx.Put(ctx, kindDelegation, "secret", secret)
	})
	return secret, err
}

// sign is the signature of a text with a key in base64.
func sign(key, text string) string {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(digest(raw, text))
}

func digest(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text)) // never fails
	return mac.Sum(nil)
}

// signedBy reports whether one of the keys gives the signature for the text.
func signedBy(keys []Key, text, signature string) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return equal(sign(k.Value, text), signature) })
}

func equal(a, b string) bool { return a != "" && hmac.Equal([]byte(a), []byte(b)) }

// bySharedKey serves who signed the request with a key of the account.
func (s *Service) bySharedKey(q *request, _ operation, header string) error {
	if err := s.keysAllowed(q); err != nil {
		return err
	}
	account, signature, _ := strings.Cut(header, ":")
	keys, err := s.AccountKeys(q.Context(), q.name)
	if err != nil {
		return err
	}
	if !arm.EqualFold(account, q.name) || !signedBy(keys, q.stringToSign(), signature) {
		return refuse(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.")
	}
	return nil
}

func (s *Service) keysAllowed(q *request) error {
	if q.account.NoSharedKeys {
		return refuse(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
	}
	return nil
}

// stringToSign is what a shared key signs of a request.
func (q *request) stringToSign() string {
	length := ""
	if q.ContentLength > 0 {
		length = strconv.FormatInt(q.ContentLength, 10)
	}
	date := q.Header.Get("Date")
	if q.Header.Get("x-ms-date") != "" {
		date = ""
	}
	h := q.Header.Get
	return strings.Join([]string{
		q.Method, h("Content-Encoding"), h("Content-Language"), length, h("Content-MD5"), h("Content-Type"), date,
		h("If-Modified-Since"), h("If-Match"), h("If-None-Match"), h("If-Unmodified-Since"), h("Range"),
		q.canonicalHeaders() + q.canonicalResource(),
	}, "\n")
}

func (q *request) canonicalHeaders() string {
	var names []string
	for name := range q.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ms-") {
			names = append(names, lower)
		}
	}
	// The order of the service does not see dashes at first.
	slices.SortFunc(names, func(a, b string) int {
		if order := strings.Compare(strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", "")); order != 0 {
			return order
		}
		return strings.Compare(a, b)
	})
	var out strings.Builder
	for _, name := range names {
		values := q.Header.Values(name)
		fmt.Fprintf(&out, "%s:%s\n", name, strings.TrimSpace(strings.Join(values, ",")))
	}
	return out.String()
}

func (q *request) canonicalResource() string {
	var out strings.Builder
	out.WriteString("/" + q.name + q.URL.EscapedPath())
	names := make([]string, 0, len(q.query))
	for name := range q.query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := slices.Sorted(slices.Values(q.query[name]))
		out.WriteString("\n" + strings.ToLower(name) + ":" + strings.Join(values, ","))
	}
	return out.String()
}

// Package login lets users log in with a password, as OpenShift's OAuth server and its users' API
// do: kubeadmin, as long as the secret exists that the installer made. It answers within the API
// server, and stores nothing.
package login

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The purposes of what is signed.
const (
	accessToken = "token"
	accessCode  = "code"
)

const (
	// prefix is that of OpenShift's tokens.
	prefix    = "sha256~"
	tokenLife = 24 * time.Hour
	codeLife  = 5 * time.Minute
)

// claim is the content of a token or a code.
type claim struct {
	Purpose   string `json:"p"`
	Expires   int64  `json:"e"`
	Challenge string `json:"c,omitempty"` // of a code, see RFC 7636
}

var errInvalid = errors.New("the token is not valid")

// sign makes a token that cannot be made without the secret: it is valid while the secret exists
// unchanged.
func sign(secret *corev1.Secret, c claim) (string, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(content)
	return prefix + text + "." + base64.RawURLEncoding.EncodeToString(seal(secret, text)), nil
}

func seal(secret *corev1.Secret, text string) []byte {
	mac := hmac.New(sha256.New, append([]byte(secret.UID), secret.Data[userName]...))
	_, _ = mac.Write([]byte(text))
	return mac.Sum(nil)
}

// open reads what sign made, for the same purpose.
func open(secret *corev1.Secret, signed, purpose string, now time.Time) (claim, error) {
	var c claim
	text, sealed, _ := strings.Cut(strings.TrimPrefix(signed, prefix), ".")
	have, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || !hmac.Equal(have, seal(secret, text)) {
		return c, errInvalid
	}
	content, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(content, &c) != nil || c.Purpose != purpose || now.Unix() > c.Expires {
		return c, errInvalid
	}
	return c, nil
}

package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Secret is text that must not be disclosed. It prints as "[secret]" under every
// formatting verb and in logs, and encoding/json, which writes to clients, cannot
// marshal it. Only the store's codec stores it, encrypted. Code that needs the text
// converts it with string(s), which is easy to find in review.
type Secret string

const redacted = "[secret]"

// Format hides the text under every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// String hides the text.
func (Secret) String() string { return redacted }

// GoString hides the text from %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides the text from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

var errSecretMarshalled = errors.New("a secret may not be marshalled")

// MarshalJSON fails: encoding a secret for a client is a bug.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errSecretMarshalled }

// MarshalText fails for the same reason.
func (Secret) MarshalText() ([]byte, error) { return nil, errSecretMarshalled }

var _ json.Marshaler = Secret("")

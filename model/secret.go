package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Secret is text that must not get out. It prints as "[secret]" under every
// formatting verb and in logs, and cannot be marshalled by encoding/json, which
// writes to clients. The store's codec alone stores it, sealed. Whoever needs
// the text converts it with string(s), which review can find.
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

// MarshalJSON refuses: a secret that reaches a client's encoder is a bug.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errSecretMarshalled }

// MarshalText refuses for the same reason.
func (Secret) MarshalText() ([]byte, error) { return nil, errSecretMarshalled }

var _ json.Marshaler = Secret("")

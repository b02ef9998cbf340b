package install

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

const hidden = "[secret]"

// Secret is text that prints as a placeholder, in logs too. Only its JSON form contains the text,
// because these documents need it.
type Secret string

// Format hides the text under every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// LogValue hides the text from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Document is a JSON document with secrets in it.
type Document []byte

// Format hides the document under every verb.
func (Document) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// LogValue hides the document from slog.
func (Document) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON is the document itself.
func (d Document) MarshalJSON() ([]byte, error) { return json.RawMessage(d).MarshalJSON() }

// UnmarshalJSON keeps the document as it is.
func (d *Document) UnmarshalJSON(text []byte) error {
	return (*json.RawMessage)(d).UnmarshalJSON(text)
}

// Format shows only the cluster's id. fmt would print what a pointer in it refers to without
// calling its formatter.
func (r Request) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "request for cluster %s (%s)", r.ClusterID, r.Domain)
}

// LogValue shows only the cluster's id: JSON handlers would write all members.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("clusterId", r.ClusterID), slog.String("infraId", r.InfraID), slog.String("domain", r.Domain))
}

// LogValue hides the result from slog, for the same reason.
func (Result) LogValue() slog.Value { return slog.StringValue(hidden) }

// LogValue hides the secret from slog, for the same reason.
func (s ServicePrincipal) LogValue() slog.Value { return slog.StringValue(s.ClientID) }

// LogValue hides the key from slog, for the same reason.
func (w WorkloadIdentity) LogValue() slog.Value { return slog.StringValue(w.OIDCIssuer) }

// LogValue hides the key from slog, for the same reason.
func (KeyPair) LogValue() slog.Value { return slog.StringValue(hidden) }

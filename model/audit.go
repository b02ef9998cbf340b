package model

import "time"

// AuditRecord is a request that was audited, as the audit log has it.
type AuditRecord struct {
	Unknown

	At time.Time `json:"at,omitempty"`
	// Operation is the name of what was requested, Method and Path where, and Subject what it is about
	// beside its path, such as a verb and an object.
	Operation string `json:"operation,omitempty"`
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"`
	Subject   string `json:"subject,omitempty"`
	// Principal is the user, and Certificate and Fingerprint are those of the caller.
	Principal   string `json:"principal,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Status, Outcome and Code are the result.
	Status  int    `json:"status,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	DryRun  bool   `json:"dryRun,omitempty"`

	OperationID   string `json:"operationId,omitempty"`
	RequestID     string `json:"requestId,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
}

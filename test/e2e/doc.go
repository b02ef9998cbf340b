// Package e2e is a customer: the official Azure SDK for Go, and the generated
// client of every api-version, use the real binary as a customer's program uses
// Azure. It uses only the interface of the clients.
package e2e

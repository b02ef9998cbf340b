// Package e2e is a customer: the official Azure SDK for Go, and the generated
// client of every api-version, do with the real binary what a customer's program
// does with Azure. It sees nothing but the clients' words.
package e2e

// Package e2e is a customer: the official Azure SDK for Go does with the real
// binary what a customer's program does with Azure. It sees nothing but the
// SDK's words.
package e2e

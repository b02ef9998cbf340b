// Package operator tests the operator's controllers: each runs with the rights that
// it declares and no others, against a real API server, on which the test breaks
// what it must repair.
package operator

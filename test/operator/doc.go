// Package operator holds the proofs of the operator's controllers: each is run with
// the rights that it declares and no others, against a real API server, on which
// somebody breaks by hand what it must repair.
package operator

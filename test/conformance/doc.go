// Package conformance is a kit that holds a resource provider to the runtime
// checks of the ARM contract, one subtest per check id.
//
//	go test ./test/conformance                            starts and checks the real binary
//	go test ./test/conformance -rp http://127.0.0.1:8080  checks any provider by URL
//	go test ./test/conformance -report docs/conformance.md
//
// The checks know the contract and the published specs and nothing of the
// service's inside. What a check needs beyond HTTP (a cluster that stays busy,
// the log) it takes from the stand-in control planes when the kit itself
// started the provider, and does without otherwise.
package conformance

// Package conformance is a kit that holds a resource provider to the runtime
// checks of the ARM contract, one subtest per check id.
//
//	go test ./test/conformance                            starts and checks the real binary
//	go test ./test/conformance -rp http://127.0.0.1:8080  checks any provider by URL, such as that of make run
//	go test ./test/conformance -report docs/conformance.md
//
// The checks know the contract and the published specs and nothing of the
// service's inside. What a check needs beyond HTTP (a cluster that stays busy,
// the log) it takes from the stand-in control planes when the kit itself
// started the provider, and does without otherwise.
//
// By URL the kit works in subscriptions that it makes up, registers and removes
// again, so that no customer's is touched. Their tenants have no principals and
// their networks do not exist: a provider with a true Azure behind it cannot get a
// cluster ready there. The kit tries one first, and leaves out what needs more
// than that, saying so. -subscription and -other-subscription name others, whose
// registration it leaves alone. With -v, or at a terminal, it shows what it does.
package conformance

// Package cosmos proves that real processes share one Cosmos DB account: they
// serve the same clusters, do their work once, and replace each other when killed.
//
// It looks from outside, through the API, the log and what control planes saw;
// store/cosmos has its own tests for single documents.
package cosmos

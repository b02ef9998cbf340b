// Package bench measures what the service promises about speed: requests
// through the whole server, growth with the number of clusters, a real process
// under load, and how soon and how fast workers work. Where a promise is a ratio
// the benchmark "baseline" beside it is what it is compared with, in the same run.
//
// It holds benchmarks only. What one package does by itself is measured there.
package bench

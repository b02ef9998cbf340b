// Package region proves that a region of the service deploys into an empty local Azure by
// aro deploy's own code, that its machines serve behind the load balancer, and that one
// build follows another without a request that fails.
package region

// Package actions tests what the admin API does in a cluster, against a real API server.
// The test is in place of what a cluster has behind it: kubelets and controllers.
package actions

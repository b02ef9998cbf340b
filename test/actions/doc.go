// Package actions tests what the admin API does in a cluster, and that Kubernetes' own clients
// reach a cluster through the portal, against a real API server. The test is in place of what
// a cluster has behind it: kubelets and controllers.
package actions

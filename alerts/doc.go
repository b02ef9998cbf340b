// Package alerts has the alert rules and the dashboard of the service, for Prometheus and
// Grafana. It is a module of its own, because Prometheus, which tests them, would raise
// versions that Kubernetes pins in the module of the local Azure.
package alerts

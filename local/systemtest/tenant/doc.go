// Package tenant moves a subscription to another tenant under the real service. The
// Azure is in the test's process and has no machines: nothing boots, and the cluster is
// one whose creation failed half-way.
package tenant

// Package controller is what all controllers of the operator have in common: how one declares what
// it watches, may do and reports, and how it reads flags, applies and deletes objects, and writes
// conditions.
//
// A controller is a Spec, a value. The documents in docs/operator and the operator's roles are
// generated from it.
package controller

import (
	"context"
	"log/slog"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

// Role is where an operator runs.
type Role string

// The roles. Nearly everything is the master's business.
const (
	Master Role = "master"
	Worker Role = "worker"
)

// clusterVersion is the name of the only ClusterVersion.
const clusterVersion = "version"

// Spec is one controller.
type Spec struct {
	// Name is the controller's, and the beginning of its conditions.
	Name string
	// Summary describes what the controller keeps in order, in a sentence or two of plain Markdown.
	Summary string
	// Flag turns it on; empty for always. Off, it leaves everything as it is.
	Flag flags.Name
	// Also are other flags that it obeys.
	Also []flags.Name
	// ClusterStatus wakes it by changes of the Cluster's status, too.
	ClusterStatus bool
	// Release triggers it when the cluster's release changes, and lets it read the release.
	Release bool
	// Namespace is one that the controller itself makes and removes. Its rights there are those of
	// the whole cluster, because a role in the namespace would be removed with it.
	Namespace string
	// Watches wake it besides the Cluster's spec.
	Watches []Watch
	// Rules are what it does besides watching. Those of watches follow from them.
	Rules []Rule
	// Reports selects the conditions that it writes.
	Reports Reports
	// Condition is the type of its condition if it reports a finding.
	Condition string
	// Reconcile looks, and makes right what is not. It may be killed after any line
	// and may have a rival; it is called again, later and later, after an error.
	Reconcile func(context.Context, *Request) error
}

// Reports selects the conditions that a controller writes.
type Reports int

// What controllers report.
const (
	// Nothing but errors in the log and the metrics.
	Nothing Reports = iota
	// Health is the three conditions of an operator: Available, Progressing, Degraded.
	Health
	// Finding is one condition with a type of its own.
	Finding
	// FindingOrUnknown is Unknown while the flag is off.
	FindingOrUnknown
)

// Rule is something that a controller may do.
type Rule struct {
	// Namespace limits it; empty for the whole cluster.
	Namespace string
	rbacv1.PolicyRule
}

// Request is one call of Reconcile.
type Request struct {
	Client
	// Cluster is a copy.
	Cluster *arov1alpha1.Cluster
	Flags   flags.Flags
	// Cached has the metadata of what is watched, or what Watch.Keep says, and nothing else.
	Cached client.Reader
	Log    *slog.Logger
	// Now is when the call began.
	Now time.Time

	name        string // the controller's
	again       time.Duration
	progressing string
	finding     *operatorv1.OperatorCondition
}

// Again requests another reconcile after a time, if no event triggers one before. The shortest time
// applies.
func (r *Request) Again(after time.Duration) {
	if after = max(after, time.Millisecond); r.again == 0 || after < r.again {
		r.again = after
	}
}

// Progressing reports what is in progress.
func (r *Request) Progressing(message string) { r.progressing = message }

// Report sets the condition of a controller that reports a finding.
func (r *Request) Report(status operatorv1.ConditionStatus, reason, message string) {
	r.finding = &operatorv1.OperatorCondition{Status: status, Reason: reason, Message: message}
}

// ClusterVersion is OpenShift's account of the cluster's releases.
func (r *Request) ClusterVersion(ctx context.Context) (*configv1.ClusterVersion, error) {
	cv := &configv1.ClusterVersion{}
	err := r.Cached.Get(ctx, client.ObjectKey{Name: clusterVersion}, cv)
	cv.Name = clusterVersion
	return cv, explain(cv, "read", err)
}

// Release is the release that the cluster runs.
func (r *Request) Release(ctx context.Context) (release.Version, error) {
	cv, err := r.ClusterVersion(ctx)
	if err != nil {
		return release.Version{}, err
	}
	return release.Current(cv)
}

// MayRestartNodes reports whether changes are allowed that restart nodes: during upgrades, which
// restart them anyway, and when an administrator forces it.
func (r *Request) MayRestartNodes(ctx context.Context) (bool, error) {
	if r.Flags.True(flags.ForceReconciliation) {
		return true, nil
	}
	cv, err := r.ClusterVersion(ctx)
	if err != nil {
		return false, err
	}
	return release.Upgrading(cv), nil
}

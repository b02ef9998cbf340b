// Package preflight checks with Azure whether a cluster can be created or updated:
// its networks, permissions, quotas and sizes. It reports all problems at once,
// each with what to do about it.
//
// It changes nothing, in Azure or in the store. Checks of the request alone are in
// package model.
package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/wait"
)

// RoleSets returns the roles of an OpenShift minor version; nil if it has none.
type RoleSets func(ctx context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error)

// Validator checks clusters with Azure. New returns it.
type Validator struct {
	azure    *azure.Azure
	env      *environment.Environment
	roleSets RoleSets
	log      *slog.Logger

	mu   sync.Mutex
	skus map[string]skuList
}

// skuList is the list of sizes of a subscription in a location, with the time when
// it was read.
type skuList struct {
	sizes map[string]*armcompute.ResourceSKU
	at    time.Time
}

// New returns a validator. A nil log is slog.Default.
func New(a *azure.Azure, e *environment.Environment, roleSets RoleSets, log *slog.Logger) *Validator {
	return &Validator{azure: a, env: e, roleSets: roleSets, log: cmp.Or(log, slog.Default()), skus: map[string]skuList{}}
}

// parallel is the number of concurrent checks.
const parallel = 8

// check is one check; it adds its findings to the report.
type check func(ctx context.Context, r *report)

// hope is how long a fault may be temporary.
type hope int

const (
	// none is for a fault that lasts until it is corrected.
	none hope = iota
	// brief is for an application, which is replicated within about a minute.
	brief
	// long is for roles and secrets.
	long
)

// patience returns how long to repeat the check.
func (h hope) patience(e *environment.Environment) time.Duration {
	if h == brief {
		return e.Patience() / 4
	}
	return e.Patience()
}

// report is the result of one check. Its zero value means no problem.
type report struct {
	// faults are for the customer to correct; passing are those that may be
	// temporary.
	faults  []*arm.Error
	passing map[*arm.Error]hope
	// err is why the check failed.
	err error
}

func (r *report) add(code arm.Code, target, format string, args ...any) {
	r.faults = append(r.faults, code.At(target, format, args...))
}

// addPassing adds a fault that may be temporary.
func (r *report) addPassing(e *arm.Error, h hope) {
	r.faults = append(r.faults, e)
	if r.passing == nil {
		r.passing = map[*arm.Error]hope{}
	}
	r.passing[e] = h
}

// explain adds an error of Azure: as a fault of the customer, or as a failure of
// the check.
func (r *report) explain(err error, about azure.Subject) {
	e, again := azure.Explanation(err, about)
	switch {
	case e == nil:
		r.err = cmp.Or(r.err, err)
	case e.Code.Status >= http.StatusTooManyRequests:
		r.err = cmp.Or(r.err, azure.Explain(err, about)) // with its bound, if it has one
	case again && azure.UnknownApplication(err):
		r.addPassing(e, brief)
	case again:
		r.addPassing(e, long)
	default:
		r.faults = append(r.faults, e)
	}
}

// run is one validation of one cluster.
type run struct {
	*Validator
	c      *model.Cluster
	create bool
	about  azure.Subject
	// customer are clients of the cluster's subscription, with the service's
	// identity.
	customer *azure.Clients
	networks map[string]*network
	subjects []subject
	// balancer is the cluster's public load balancer, read once; nil if there is none.
	balancer func(context.Context) (*armnetwork.LoadBalancer, error)
}

// Validate reports all problems of c, as one error with a detail for each, or
// another error if the calls to Azure fail. Problems that may all be temporary are
// returned by wait.AgainFor with the time that this may take: the step shows them
// meanwhile, and fails with them afterwards.
func (v *Validator) Validate(ctx context.Context, c *model.Cluster, kind model.OperationKind) error {
	problems, left, err := v.validate(ctx, c, kind)
	switch {
	case err != nil:
		return err
	case problems == nil:
		return nil
	case left == none:
		return problems
	}
	return &wait.Retryable{Err: problems, After: v.env.PatienceStep(), Within: left.patience(v.env)}
}

// validate runs all checks once, and returns how long all problems may be
// temporary.
func (v *Validator) validate(ctx context.Context, c *model.Cluster, kind model.OperationKind) (problems *arm.Error, left hope, err error) {
	r, err := v.begin(c, kind == model.Create)
	if err != nil {
		return nil, none, err
	}
	// Identities and networks are read before permissions on them are checked.
	reports := r.runChecks(ctx, r.first())
	reports = append(reports, r.runChecks(ctx, r.second())...)
	return verdict(reports)
}

// clientPatience bounds how long a client waits for CheckCreate.
const clientPatience = 10 * time.Second

// CheckCreate reports the limits of Azure that prevent the creation of c, while its
// client waits. Checks that fail, and problems that may be temporary, are left to
// Validate.
func (v *Validator) CheckCreate(ctx context.Context, c *model.Cluster) error {
	r, err := v.begin(c, true)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clientPatience)
	defer cancel()
	problems, left, err := verdict(r.runChecks(ctx, r.limits()))
	if err != nil {
		v.log.WarnContext(ctx, "limits are not known yet", "resource_id", c.ID, "error", err)
	}
	if problems == nil || left != none {
		return nil
	}
	return problems
}

// begin prepares a validation of c.
func (v *Validator) begin(c *model.Cluster, create bool) (*run, error) {
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return nil, fmt.Errorf("resource id %q of the cluster is malformed", c.ID)
	}
	customer, err := v.azure.Clients(id.SubscriptionID, v.azure.FirstParty(c.Internal.TenantID))
	if err != nil {
		return nil, err
	}
	r := &run{Validator: v, c: c, create: create, about: v.azure.SubjectOf(c), customer: customer, networks: map[string]*network{}}
	r.balancer = once(r.readBalancer)
	return r, nil
}

// once returns a function that calls read once.
func once[T any](read func(context.Context) (T, error)) func(context.Context) (T, error) {
	var first sync.Once
	var got T
	var err error
	return func(ctx context.Context) (T, error) {
		first.Do(func() { got, err = read(ctx) })
		return got, err
	}
}

// first returns the checks on which others depend. They run one after another,
// because they write to r.
func (r *run) first() []check {
	return []check{func(ctx context.Context, all *report) {
		for _, c := range []check{r.identities, r.readNetworks} {
			c(ctx, all)
		}
	}}
}

func (r *run) second() []check {
	checks := []check{r.cidrs, r.networkLocations, r.subnetsUsable, r.diskEncryptionSets, r.outboundIPs}
	if r.create {
		checks = append(checks, append(r.limits(), r.defaultRoutes)...)
	} else {
		checks = append(checks, r.outboundPorts)
	}
	if r.c.UsesWorkloadIdentity() {
		checks = append(checks, r.federatedCredentials)
	}
	return append(checks, r.permissions()...)
}

// limits returns the checks of the subscription's limits.
func (r *run) limits() []check {
	return []check{r.sizes, r.zones, r.encryptionFeature, r.quotas, r.providers}
}

// runChecks runs checks, some in parallel. Reports are in the order of the checks.
func (r *run) runChecks(ctx context.Context, checks []check) []report {
	reports := make([]report, len(checks))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, c := range checks {
		group.Go(func() error { c(ctx, &reports[i]); return nil })
	}
	_ = group.Wait()
	return reports
}

// verdict combines all reports into one error. Problems come before failed checks.
func verdict(reports []report) (problems *arm.Error, left hope, failed error) {
	var faults arm.Faults
	left = long
	seen := map[string]bool{}
	for _, r := range reports {
		failed = cmp.Or(failed, r.err)
		for _, f := range r.faults {
			left = min(left, r.passing[f])
			if key := f.Code.Name + f.Target + f.Message; !seen[key] {
				seen[key] = true
				faults.AddError(f.AboutBody())
			}
		}
	}
	if errors.As(faults.Err(), &problems) {
		return problems, left, nil
	}
	return nil, none, failed
}

// named parses an Azure id.
func named(id string) (group, name string, ok bool) {
	parsed, err := azarm.ParseResourceID(id)
	if err != nil {
		return "", "", false
	}
	return parsed.ResourceGroupName, parsed.Name, true
}

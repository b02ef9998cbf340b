// Package preflight asks Azure whether a cluster can be what its customer wants:
// its networks, permissions, quotas and sizes. It tells everything that stands
// in the way at once, each with what to do about it.
//
// It reads and changes nothing, in Azure or in the store. What can be told from
// the request alone is package model's business.
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

// RoleSets finds the roles of an OpenShift minor version; nil if it has none.
type RoleSets func(ctx context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error)

// Validator asks Azure about clusters. Make it with New.
type Validator struct {
	azure    *azure.Azure
	env      *environment.Environment
	roleSets RoleSets
	log      *slog.Logger

	mu   sync.Mutex
	skus map[string]skuList
}

// skuList is what a subscription may use in a location, and since when it is known.
type skuList struct {
	sizes map[string]*armcompute.ResourceSKU
	at    time.Time
}

// New makes a validator. A nil log is slog.Default.
func New(a *azure.Azure, e *environment.Environment, roleSets RoleSets, log *slog.Logger) *Validator {
	return &Validator{azure: a, env: e, roleSets: roleSets, log: cmp.Or(log, slog.Default()), skus: map[string]skuList{}}
}

// parallel is how many checks ask Azure at the same time.
const parallel = 8

// check is one question; it reports what it finds.
type check func(ctx context.Context, r *report)

// hope is how long it may take until a fault has cured itself.
type hope int

const (
	// none is for what somebody must cure.
	none hope = iota
	// brief is for an application, which is known everywhere within a minute or so.
	brief
	// long is for roles and secrets.
	long
)

// patience is how long to go on asking.
func (h hope) patience(e *environment.Environment) time.Duration {
	if h == brief {
		return e.Patience() / 4
	}
	return e.Patience()
}

// report is what one check found. Its zero value says that all is well.
type report struct {
	// faults are the customer's to cure; passing are those that may cure themselves.
	faults  []*arm.Error
	passing map[*arm.Error]hope
	// err is why the check could not be made.
	err error
}

func (r *report) add(code arm.Code, target, format string, args ...any) {
	r.faults = append(r.faults, code.At(target, format, args...))
}

// addPassing adds a fault that may cure itself.
func (r *report) addPassing(e *arm.Error, h hope) {
	r.faults = append(r.faults, e)
	if r.passing == nil {
		r.passing = map[*arm.Error]hope{}
	}
	r.passing[e] = h
}

// explain takes an error of Azure: as the customer's fault, or as a check that
// could not be made.
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
	// customer are clients of the cluster's subscription, as the service.
	customer *azure.Clients
	networks map[string]*network
	subjects []subject
	// balancer is the cluster's public load balancer, read once; nil if there is none.
	balancer func(context.Context) (*armnetwork.LoadBalancer, error)
}

// Validate tells everything that stands in the way of c, as one error whose
// details are all problems; and another error where Azure could not be asked.
// Problems that may all cure themselves come by wait.AgainFor, with the time that
// this may take: whoever asks shows them meanwhile, and takes them for real then.
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

// validate asks everything once, and tells what hope there is for all problems.
func (v *Validator) validate(ctx context.Context, c *model.Cluster, kind model.OperationKind) (problems *arm.Error, left hope, err error) {
	r, err := v.begin(c, kind == model.Create)
	if err != nil {
		return nil, none, err
	}
	// Who they are and where the networks are comes before what may be done to them.
	reports := r.ask(ctx, r.first())
	reports = append(reports, r.ask(ctx, r.second())...)
	return verdict(reports)
}

// clientPatience bounds how long a client waits for Azure's limits.
const clientPatience = 10 * time.Second

// CheckCreate tells what of Azure's limits stands in the way of creating c, while
// its client waits. It asks for no more than that, and what Azure cannot say now,
// or what may cure itself, is left to Validate.
func (v *Validator) CheckCreate(ctx context.Context, c *model.Cluster) error {
	r, err := v.begin(c, true)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clientPatience)
	defer cancel()
	problems, left, err := verdict(r.ask(ctx, r.limits()))
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

// once makes of read a function that reads once, for whoever asks first.
func once[T any](read func(context.Context) (T, error)) func(context.Context) (T, error) {
	var first sync.Once
	var got T
	var err error
	return func(ctx context.Context) (T, error) {
		first.Do(func() { got, err = read(ctx) })
		return got, err
	}
}

// first are the checks that others stand on. They run one after another, for they
// fill in r.
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

// limits are what the subscription may have at all.
func (r *run) limits() []check {
	return []check{r.sizes, r.zones, r.encryptionFeature, r.quotas, r.providers}
}

// ask makes checks, some at a time. The order of reports is that of the checks.
func (r *run) ask(ctx context.Context, checks []check) []report {
	reports := make([]report, len(checks))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, c := range checks {
		group.Go(func() error { c(ctx, &reports[i]); return nil })
	}
	_ = group.Wait()
	return reports
}

// verdict makes one error of all reports. What is certain comes before what could
// not be asked.
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

// named is an Azure id taken apart.
func named(id string) (group, name string, ok bool) {
	parsed, err := azarm.ParseResourceID(id)
	if err != nil {
		return "", "", false
	}
	return parsed.ResourceGroupName, parsed.Name, true
}

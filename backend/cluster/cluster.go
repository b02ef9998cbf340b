// Package cluster defines the operations on clusters: one plan for each kind of operation, and the
// steps of the plans.
//
// Plans are lists to be read from top to bottom. Everything outside is passed in (Dependencies).
// Leases, retries and terminal states belong to package worker, the meaning of Azure's errors to
// package azure, and the content of templates to package template.
package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// Work is the state and the tools that a step works with.
type Work = pipeline.Work[store.ClusterDocument, model.Cluster]

// Step is one entry of a plan.
type Step = pipeline.Step[store.ClusterDocument, model.Cluster]

// Installer makes the install assets of a cluster for a release, from scratch each time.
type Installer interface {
	Run(ctx context.Context, release install.Release, r install.Request) (*install.Result, error)
}

// Validator validates the Azure resources that a cluster is to be created from, against Azure.
type Validator interface {
	// Validate returns all reasons at once why the cluster cannot be created.
	Validate(ctx context.Context, c *model.Cluster, kind model.OperationKind) error
	// Zones chooses the machines' zones; it returns none in a region without zones.
	Zones(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]string, error)
	// Capabilities returns those of a VM size in a location, as Azure's resource SKU API names
	// them.
	Capabilities(ctx context.Context, clients *azure.Clients, location, size string) (map[string]string, error)
}

// Keys returns keys of 32 bytes for a purpose, the newest first, and picks up newer ones.
type Keys interface {
	Derive(purpose string) ([][]byte, error)
	Renew(ctx context.Context) error
}

// Dependencies are what the steps work with. All are needed but those with a
// default.
type Dependencies struct {
	Azure     *azure.Azure
	Env       *environment.Environment
	Installer Installer
	Validator Validator
	Versions  *store.Collection[store.VersionDocument]
	RoleSets  *store.Collection[store.RoleSetDocument]
	Billing   *store.Collection[store.BillingDocument]
	// Seal has the keys that encrypt blobs in clusters' storage accounts.
	Seal Keys
	// PullSecret reads the service's own pull secret, which is merged with the customer's, whose
	// entries win; it may be empty, and nil.
	PullSecret func(context.Context) (model.Secret, error)
	// Operator is deployed into every cluster.
	Operator Operator
	// Build names this build of the service, for ProvisionedBy.
	Build string
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// Log receives what no error reports; slog.Default by default.
	Log *slog.Logger
}

// steps are the steps of all plans, by subject. Each subject holds what it works with.
type steps struct {
	env *environment.Environment

	access       *access
	azure        *azureAccess
	balancer     *internalBalancer
	billing      *billing
	certificates *certificates
	choices      *choices
	credentials  *credentials
	diagnosis    *diagnosis
	dns          *dns
	federation   *federation
	graph        *graphStore
	identity     *identity
	installation *installation
	issuer       *tokenIssuer
	link         *privateLink
	machines     *machines
	maintenance  *maintenance
	network      *network
	observation  *observation
	openshift    *openShift
	operator     *operator
	outbound     *outbound
	removal      *removal
	resources    *resources
}

func newSteps(d Dependencies) *steps {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	s := &steps{env: d.Env, azure: &azureAccess{d.Azure, d.Env}}
	roles, api := &roleSets{d.RoleSets}, &clusterAPI{d.Env}

	s.graph = &graphStore{s.azure, d.Seal, d.Now}
	s.dns = &dns{s.azure, d.Env}
	s.network = &network{s.azure, s.dns}
	s.link = &privateLink{s.azure, d.Env}
	s.outbound = &outbound{s.azure}
	s.balancer = &internalBalancer{s.azure, d.Now}

	s.identity = &identity{s.azure, d.Env}
	s.issuer = &tokenIssuer{s.azure, d.Env}
	s.federation = &federation{s.azure, s.identity, roles, d.Log}
	s.access = &access{s.azure, roles, api}
	s.certificates = &certificates{s.azure, d.Env, api, d.Now}

	s.choices = &choices{s.azure, d.Validator}
	s.resources = &resources{s.azure, d.Env, s.access}
	s.installation = &installation{s.azure, d.Env, d.Installer, d.Validator, d.Versions, roles, d.PullSecret, s.graph}
	s.machines = &machines{s.azure, d.Validator, s.graph, d.Log}

	s.openshift = &openShift{api, d.Env, s.graph, d.Now}
	s.operator = &operator{api, s.azure, d.Env, s.installation, d.Operator}
	s.credentials = &credentials{api, d.Env, roles, s.graph, d.Now}
	s.observation = &observation{d.Validator, d.Now, d.Log}
	s.maintenance = &maintenance{api, d.Env, s.graph, s.dns, d.Build, d.Now}
	s.billing = &billing{d.Billing, d.Now}
	s.removal = &removal{s.azure, s.resources, d.Log}
	s.diagnosis = &diagnosis{s.azure, d.Now}
	return s
}

// explained makes every step explain Azure's errors, and gives it the environment's timeout.
func (s *steps) explained(plan []Step) []Step {
	for i := range plan {
		plan[i].Timeout = s.env.StepTimeout(plan[i].Timeout)
		plan[i].Explain = func(err error, c *model.Cluster) error { return azure.Explain(err, s.azure.SubjectOf(c)) }
	}
	return plan
}

// azureAccess returns clients of Azure's services for each identity that a step acts as.
type azureAccess struct {
	*azure.Azure
	env *environment.Environment
}

// customer returns the clients of the cluster's subscription, with the identity of the service's
// first party application.
func (s *azureAccess) customer(c *model.Cluster) (*azure.Clients, error) {
	id, err := clusterID(c)
	if err != nil {
		return nil, err
	}
	return s.Clients(id.SubscriptionID, s.FirstParty(c.Internal.TenantID))
}

// own returns the clients of the service's own subscription, with the service's own identity.
func (s *azureAccess) own() (*azure.Clients, error) {
	return s.Clients(s.env.SubscriptionID, s.Service())
}

// managed reports whether the cluster's domain is in the service's own zone: the service then
// manages its DNS records and certificates.
func managed(env *environment.Environment, c *model.Cluster) bool {
	_, managed := env.ManagedName(c.Properties.ClusterProfile.Domain)
	return managed
}

// groupIsOurs reports whether the managed group exists and belongs to this cluster: the service
// never changes any other group.
func (s *azureAccess) groupIsOurs(ctx context.Context, c *model.Cluster) (bool, error) {
	clients, err := s.customer(c)
	if err != nil || managedGroup(c) == "" {
		return false, err
	}
	group, err := clients.Groups.Get(ctx, managedGroup(c), nil)
	if azure.NotFound(err) {
		return false, nil
	}
	return err == nil && arm.EqualFold(deref(group.ManagedBy), c.ID), err
}

// deploy deploys a template into the managed group.
func (s *azureAccess) deploy(ctx context.Context, w *Work, name string, t map[string]any) error {
	clients, err := s.customer(w.Resource())
	if err != nil {
		return err
	}
	_, err = clients.Deploy(ctx, w, managedGroup(w.Resource()), name, func() (azure.Template, error) { return azure.Template{Body: t}, nil })
	return err
}

// How often a condition is checked: often at first, later at intervals of a tenth of its age.
const (
	fastestPoll = 250 * time.Millisecond
	slowestPoll = 10 * time.Second
)

// later retries the step after a short delay.
func later(w *Work, waitingFor string) error { return laterFor("", w, waitingFor) }

// laterFor is later for a part of the cluster.
func laterFor(part string, w *Work, waitingFor string) error {
	return wait.LaterFor(part, min(max(w.Age()/10, fastestPoll), slowestPoll), waitingFor)
}

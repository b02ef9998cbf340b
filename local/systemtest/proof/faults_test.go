package proof

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the provider's database
)

var (
	update = flag.Bool("update", false, "write docs/faults.md")
	full   = flag.Bool("full", false, "inject also the faults that are waited for longest")
)

// fault is one thing that goes wrong in one step.
type fault struct {
	plan, step string
	what       string // for people
	// The calls that are met: method and path, in which NAME is the cluster's
	// name, UID its id in the service and SUFFIX the end of its storage accounts'
	// names; the nth of them and all that follow.
	method, path string
	nth          int
	action       m
	// stop names the step after whose end the cluster's control plane stops; it is
	// in place of calls.
	stop string
	// secret is the client secret of the request; in place of calls too.
	secret string
	alone  bool   // no other cluster may be there: the calls name none
	slow   bool   // only in the full run
	want   string // error code
}

// atOnce is in place of a step's name.
const atOnce = "at once"

// What Azure answers.
var (
	denied    = m{"kind": "policyDenied"}
	quota     = m{"kind": "quota"}
	throttled = m{"kind": "throttle", "retryAfter": 1}
	disabled  = answer(http.StatusConflict, "ReadOnlyDisabledSubscription", "The subscription is disabled and therefore marked as read only.")
	absent    = answer(http.StatusNotFound, "ResourceNotFound", "The resource was not found.")
	away      = answer(http.StatusServiceUnavailable, "ServerBusy", "The server is currently unable to receive requests.")
	locked    = answer(http.StatusConflict, "ScopeLocked", "The scope cannot perform the operation because a lock is in force.")
)

func answer(status int, code, message string) m {
	return m{"kind": "fail", "status": status, "code": code, "message": message}
}

// Faults of a create and a delete of a cluster with a service principal.
var classicCreate = []fault{
	{step: "validate", what: "the client secret is wrong", secret: "wrong", want: "InvalidServicePrincipalCredentials"},
	{step: "validate", what: "the network is gone", method: "GET", path: "/resourceGroups/NAME/.*/virtualNetworks/vnet$", action: absent, want: "InvalidLinkedVNet"},
	{step: "choose packet size", what: "the subscription is disabled", method: "GET", path: "/features/MTU3900$", alone: true, action: disabled, want: "InvalidSubscriptionState"},
	{step: "reserve domain", what: "another cluster was faster", method: "PUT", path: "/dnsZones/.*/A/api.NAME$", action: answer(412, "PreconditionFailed", "The record set exists."), want: "DuplicateDomain"},
	{step: "managed resource group", what: "a policy denies the group", method: "PUT", path: "/resourceGroups/NAME-managed$", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "prepare subnets", what: "a policy denies the subnet", method: "PUT", path: "/resourceGroups/NAME/.*/subnets/master$", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "deploy network and storage", what: "a policy denies load balancers", method: "PUT", path: "/NAME-managed/.*/loadBalancers/", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "attach security group", what: "a policy denies the subnet", method: "PUT", path: "/resourceGroups/NAME/.*/subnets/master$", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "address of the API", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/.*/loadBalancers/[^/]+-internal$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "address of routes", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/.*/publicIPAddresses/[^/]+-default-v4$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "link to the API", what: "a policy denies private endpoints", method: "PUT", path: "/privateEndpoints/rp-pe-UID$", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "order certificates", what: "the vault throttles", method: "POST", path: "^/vaults/aro-cls/certificates/UID-apiserver/create$", action: throttled, want: "ThrottlingLimitExceeded"},
	{step: "run installer", what: "a lock hides the storage account's signatures", method: "POST", path: "/NAME-managed/.*/listAccountSas$", action: locked, want: "ScopeLocked"},
	{step: "deploy machines", what: "the quota does not suffice", method: "PUT", path: "/NAME-managed/.*/virtualMachines/[^/]+-master-0$", action: quota, want: "ResourceQuotaExceeded"},
	{step: "make kubeconfigs", what: "the storage account is away", method: "GET", path: "^/blob/clusterSUFFIX/aro/graph$", nth: 2, action: away, want: "ServiceUnavailable", slow: true},
	{step: "bootstrap complete", what: "the control plane hangs", stop: "deploy machines", want: "StepTimedOut", slow: true},
	{step: "API server ready", what: "the control plane hangs", stop: "bootstrap complete", want: "StepTimedOut", slow: true},
	{step: "remove bootstrap machine", what: "the machine is locked", method: "DELETE", path: "/NAME-managed/.*/virtualMachines/[^/]+-bootstrap$", action: locked, want: "ScopeLocked"},
	{step: "remove ignition", what: "the storage account is away", method: "DELETE", path: "^/blob/clusterSUFFIX/ignition", action: away, want: "ServiceUnavailable", slow: true},
	{step: "API server certificate", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/secrets/UID-apiserver", action: throttled, want: "ThrottlingLimitExceeded", slow: true},
	{step: "API server restarted", what: "the control plane hangs", stop: "API server certificate", want: "StepTimedOut", slow: true},
	{step: "workers ready", what: "the control plane hangs", stop: "API server restarted", want: "StepTimedOut", slow: true},
	{step: "console exists", what: "the control plane hangs", stop: "workers ready", want: "StepTimedOut", slow: true},
	{step: "brand console", what: "the control plane hangs", stop: "console exists", want: "StepTimedOut", slow: true},
	{step: "console ready", what: "the control plane hangs", stop: "brand console", want: "StepTimedOut", slow: true},
	{step: "disable samples", what: "the control plane hangs", stop: "console ready", want: "StepTimedOut", slow: true},
	{step: "disable operator hub", what: "the control plane hangs", stop: "disable samples", want: "StepTimedOut", slow: true},
	{step: "disable updates", what: "the control plane hangs", stop: "disable operator hub", want: "StepTimedOut", slow: true},
	{step: "cluster version ready", what: "the control plane hangs", stop: "disable updates", want: "StepTimedOut", slow: true},
	{step: "ingress certificate", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/secrets/UID-ingress", action: throttled, want: "ThrottlingLimitExceeded", slow: true},
	{step: "ingress ready", what: "the control plane hangs", stop: "ingress certificate", want: "StepTimedOut", slow: true},
	{step: "operators settled", what: "the control plane hangs", stop: "ingress ready", want: "StepTimedOut", slow: true},
	{step: "record workers", what: "the control plane hangs", stop: "operators settled", want: "StepTimedOut", slow: true},
}

var modernCreate = []fault{
	{step: "fetch cluster identity", what: "the identity's subscription is disabled", path: "^/msi/.*", action: disabled, want: "InvalidSubscriptionState"},
	{step: "read operator identities", what: "an identity is gone", method: "GET", path: "/resourceGroups/NAME/.*/userAssignedIdentities/image-registry$", action: absent, want: "InvalidPlatformWorkloadIdentity"},
	{step: "publish token issuer", what: "the service's storage is away", method: "PUT", path: "^/blob/aroidc/.*UID", action: away, want: "ServiceUnavailable"},
	{step: "federate identities", what: "a policy denies federated credentials", method: "PUT", path: "/resourceGroups/NAME/.*/federatedIdentityCredentials/", action: denied, want: "RequestDisallowedByPolicy"},
}

var classicUpdate = []fault{
	{step: "validate", what: "the client secret is wrong", secret: "wrong", want: "InvalidServicePrincipalCredentials"},
	{step: "validate", what: "the network is gone", method: "GET", path: "/resourceGroups/NAME/.*/virtualNetworks/vnet$", action: absent, want: "InvalidLinkedVNet"},
	{step: "roles of the service principal", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "deny others", what: "a policy denies the deployment", method: "PUT", path: "/NAME-managed/.*/deployments/denyassignment$", action: denied, want: "RequestDisallowedByPolicy"},
	{step: "start machines", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/.*/virtualMachines/[^/]+/instanceView$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "API server ready", what: "the control plane hangs", stop: atOnce, want: "StepTimedOut"},
	{step: "order certificates", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/certificates/UID-apiserver/pending$", action: throttled, want: "ThrottlingLimitExceeded"},
	{step: "issuer of certificates", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/certificates/UID-[^/]+(/policy|/)?$", action: throttled, want: "ThrottlingLimitExceeded", slow: true},
	{step: "API server certificate", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/secrets/UID-apiserver", action: throttled, want: "ThrottlingLimitExceeded", slow: true},
	{step: "ingress certificate", what: "the vault throttles", method: "GET", path: "^/vaults/aro-cls/secrets/UID-ingress", action: throttled, want: "ThrottlingLimitExceeded", slow: true},
	{step: "outbound addresses", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/.*/publicIPAddresses$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "network type", what: "the control plane hangs", stop: "outbound addresses", want: "StepTimedOut", slow: true},
	{step: "secrets of the service principal", what: "the control plane hangs", stop: "network type", want: "StepTimedOut", slow: true},
}

var modernUpdate = []fault{
	{step: "fetch cluster identity", what: "the identity's subscription is disabled", path: "^/msi/.*/NAME", action: disabled, want: "InvalidSubscriptionState"},
	{step: "read operator identities", what: "an identity is gone", method: "GET", path: "/resourceGroups/NAME/.*/userAssignedIdentities/image-registry$", action: absent, want: "InvalidPlatformWorkloadIdentity"},
	{step: "roles of identities", what: "the subscription is disabled", method: "GET", path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments$", action: disabled, want: "InvalidSubscriptionState"},
	{step: "federate identities", what: "a policy denies federated credentials", method: "PUT", path: "/resourceGroups/NAME/.*/federatedIdentityCredentials/", action: denied, want: "RequestDisallowedByPolicy"},
}

var classicDelete = []fault{
	{step: "remove domain", what: "the record is locked", method: "DELETE", path: "/dnsZones/.*/A/.*NAME$", action: locked, want: "ScopeLocked"},
	{step: "remove link to the API", what: "the private endpoint is locked", method: "DELETE", path: "/privateEndpoints/rp-pe-UID$", action: locked, want: "ScopeLocked"},
	{step: "remove roles", what: "role assignments are locked", method: "DELETE", path: "/NAME-managed/providers/Microsoft.Authorization/roleAssignments/", action: locked, want: "ScopeLocked"},
	{step: "remove resources", what: "a machine is locked", method: "DELETE", path: "/NAME-managed/.*/virtualMachines/[^/]+-master-0$", action: locked, want: "ScopeLocked"},
	{step: "remove certificates", what: "the vault throttles", method: "DELETE", path: "^/vaults/aro-cls/certificates/UID", action: throttled, want: "ThrottlingLimitExceeded"},
}

var modernDelete = []fault{
	{step: "remove token issuer", what: "the service's storage is away", method: "DELETE", path: "^/blob/aroidc/.*UID", action: away, want: "ServiceUnavailable"},
	{step: "forget cluster identity", what: "the vault throttles", method: "DELETE", path: "^/vaults/aro-msi/secrets/.*UID", action: throttled, want: "ThrottlingLimitExceeded"},
}

// outcome is how an operation with a fault ended.
type outcome struct {
	fault
	code, target, message string
	seconds               int
}

// outcomes collects those of all clusters.
type outcomes struct {
	mutex sync.Mutex
	all   []outcome
}

// TestEveryFaultIsTold has something go wrong in the steps of creates, updates
// and deletes. Clients, administrators and the log are told the same, specific
// error, and when the fault is over a delete succeeds.
func TestEveryFaultIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ARO_TEST=true")
	before := w.footprint(t.Context(), t)
	var all outcomes
	t.Run("create, alone", func(t *testing.T) {
		c := w.customer(t, order{name: "alone"})
		c.failsToBeCreated(t, faultsOf("create", classicCreate, func(f fault) bool { return f.alone }), &all)
		c.leave(t.Context(), t)
	})
	t.Run("clusters", func(t *testing.T) {
		// What ends early takes as long as the few that need a whole cluster.
		classic := faultsOf("create", classicCreate, func(f fault) bool { return !f.alone })
		early := slices.IndexFunc(classic, func(f fault) bool { return f.step == "run installer" })
		parts := slices.Collect(slices.Chunk(classic[early:], 6))
		for n, part := range append(parts, classic[:early]) {
			t.Run(fmt.Sprintf("create, part %d", n), func(t *testing.T) {
				t.Parallel()
				c := w.customer(t, order{name: fmt.Sprintf("part%d", n)})
				c.failsToBeCreated(t, part, &all)
				c.leave(t.Context(), t)
			})
		}
		t.Run("life with a service principal", func(t *testing.T) {
			t.Parallel()
			w.customer(t, order{name: "classic"}).failsInLife(t, &all, faultsOf("update", classicUpdate), faultsOf("delete", classicDelete))
		})
		t.Run("life with identities", func(t *testing.T) {
			t.Parallel()
			c := w.customer(t, order{name: "modern", workload: true})
			c.failsToBeCreated(t, faultsOf("create", modernCreate), &all)
			c.failsInLife(t, &all, faultsOf("update", modernUpdate), faultsOf("delete", modernDelete))
		})
	})
	w.isAsBefore(t, before)
	all.judge(t)
}

// faultsOf are those of a plan that this run injects, and that are meant.
func faultsOf(plan string, list []fault, meant ...func(fault) bool) []fault {
	var chosen []fault
	for _, f := range list {
		if f.plan = plan; (!f.slow || *full) && (len(meant) == 0 || meant[0](f)) {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// failsToBeCreated creates the cluster with each fault, and deletes it without.
func (c *customer) failsToBeCreated(t *testing.T, faults []fault, all *outcomes) {
	for _, f := range faults {
		c.meets(t, f, all, func(ctx context.Context) string {
			if f.secret != "" {
				profile := maps.Clone(c.body["properties"].(m)["servicePrincipalProfile"].(m))
				profile["clientSecret"] = f.secret
				return c.ask(ctx, t, c.with(m{"servicePrincipalProfile": profile}))
			}
			return c.create(ctx, t)
		})
		ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
		if watch := c.remove(ctx, t); watch != "" {
			c.succeeds(ctx, t, watch)
		}
		cancel()
	}
}

// failsInLife creates the cluster well, and then lets its updates and its deletes
// fail.
func (c *customer) failsInLife(t *testing.T, all *outcomes, updates, deletes []fault) {
	c.created(t)
	for n, f := range updates {
		c.meets(t, f, all, func(ctx context.Context) string {
			change := m{"servicePrincipalProfile": m{"clientSecret": f.secret}}
			switch {
			case c.workload:
				change = c.otherIdentity(ctx, t, n)
			case f.secret == "":
				change = m{"servicePrincipalProfile": m{"clientSecret": c.newSecret(ctx, t)}}
			}
			return c.want(ctx, t, http.MethodPatch, c.id()+"?api-version="+newestAPI, m{"properties": change}, nil).Get("Azure-Asyncoperation")
		})
	}
	for _, f := range deletes {
		c.meets(t, f, all, func(ctx context.Context) string { return c.remove(ctx, t) })
	}
	c.removed(t)
}

// meets runs an operation with a fault. It must fail as everybody is told.
func (c *customer) meets(t *testing.T, f fault, all *outcomes, begin func(context.Context) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	began := time.Now()
	// Who the cluster is, is known only after its create began.
	late := f.plan == "create" && (strings.Contains(f.path, "UID") || strings.Contains(f.path, "SUFFIX"))
	lift := func() {}
	if !late {
		lift = c.inject(ctx, t, f)
	}
	watch := begin(ctx)
	if watch == "" {
		t.Fatalf("%s, %s: no operation began", f.plan, f.step)
	}
	if late {
		lift = c.inject(ctx, t, f)
	}
	o := c.end(ctx, t, watch)
	lift()
	e := c.explain(ctx, t)
	if o.Status != "Failed" || e.LastFailure == nil {
		t.Errorf("%s, %s (%s): the operation ended as %+v", f.plan, f.step, f.what, o)
		return
	}
	if e.LastFailure.Step != f.step {
		t.Errorf("%s: with %q the step %q failed (%s), want %q", f.plan, f.what, e.LastFailure.Step, o.Error.Message, f.step)
	}
	if e.LastFailure.Code != o.Error.Code || e.LastFailure.Target != o.Error.Target || e.LastFailure.Message != o.Error.Message {
		t.Errorf("%s, %s: clients are told %+v, administrators %+v", f.plan, f.step, o.Error, e.LastFailure)
	}
	if !c.isLogged(e.LastFailure.OperationID, o.Error) {
		t.Errorf("%s, %s: the log does not tell %s", f.plan, f.step, o.Error.Code)
	}
	f.step = e.LastFailure.Step
	all.add(outcome{f, o.Error.Code, general(o.Error.Target, e.LastFailure.Step), o.Error.Message, int(time.Since(began).Seconds())})
}

// general is a target without what is different in every run.
func general(target, step string) string {
	switch {
	case target == "" || strings.HasPrefix(target, "properties."):
		return target
	case target == step:
		return "the step"
	}
	return "the resource"
}

// inject makes the fault be, until lift is called.
func (c *customer) inject(ctx context.Context, t *testing.T, f fault) (lift func()) {
	t.Helper()
	if f.stop == atOnce {
		stopped := c.signal(syscall.SIGSTOP)
		return func() { goOn(stopped) }
	}
	if f.stop != "" {
		return c.stopping(ctx, t, f.stop)
	}
	if f.secret != "" {
		return func() {}
	}
	name := c.name + "-" + strings.ReplaceAll(f.step, " ", "-")
	path := strings.ReplaceAll(f.path, "NAME", c.name)
	if strings.Contains(path, "UID") {
		path = strings.ReplaceAll(path, "UID", c.internal(ctx, t, "uid"))
	}
	if strings.Contains(path, "SUFFIX") {
		path = strings.ReplaceAll(path, "SUFFIX", c.internal(ctx, t, "storageSuffix"))
	}
	match := m{"path": path}
	if f.method != "" {
		match["method"] = f.method
	}
	c.want(ctx, t, http.MethodPut, "/local/faults/"+name, m{"match": match, "nth": f.nth, "action": f.action}, nil)
	return func() { c.want(ctx, t, http.MethodDelete, "/local/faults/"+name, nil, nil) }
}

// internal is a member of what the service keeps of the cluster for itself, once
// it is there.
func (c *customer) internal(ctx context.Context, t *testing.T, member string) (value string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.dir, "aro.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	eventually(ctx, t, member, func() (bool, error) {
		err := db.QueryRowContext(ctx, "SELECT coalesce(json_extract(body, '$.cluster.internal.' || ?), '') FROM Clusters WHERE id LIKE ?", member, "%"+c.name).Scan(&value)
		return value != "", err
	})
	return value
}

// stopping stops the cluster's control plane as soon as a step is done, until
// lift is called.
func (c *customer) stopping(ctx context.Context, t *testing.T, step string) (lift func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan []int, 1)
	log, err := c.openLog()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var stopped []int
		_ = follow(ctx, log, func(e entry) {
			if e.Msg == "step done" && e.Step == step && strings.EqualFold(e.ResourceID, c.id()) && len(stopped) == 0 {
				stopped = c.signal(syscall.SIGSTOP)
				for len(stopped) == 0 && ctx.Err() == nil { // the machine may just be booting
					time.Sleep(100 * time.Millisecond)
					stopped = c.signal(syscall.SIGSTOP)
				}
			}
		})
		done <- stopped
	}()
	return func() {
		cancel()
		goOn(<-done)
	}
}

func goOn(stopped []int) {
	for _, pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// signal sends a signal to the cluster's control plane and returns its processes.
func (c *customer) signal(s syscall.Signal) (sent []int) {
	for pid, arguments := range c.running() {
		if strings.Contains(arguments, "/control-planes/"+c.name+"-") && syscall.Kill(pid, s) == nil {
			sent = append(sent, pid)
		}
	}
	return sent
}

// isLogged tells whether the log says how an operation ended.
func (c *customer) isLogged(operation string, f failure) bool {
	text, err := os.ReadFile(filepath.Join(c.dir, "logs", "rp.log"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(text) {
		var e entry
		if json.Unmarshal(line, &e) == nil && e.Msg == "operation failed" && e.OperationID == operation {
			return strings.Contains(e.Error, f.Code+" at "+f.Target) || f.Target == "" && strings.Contains(e.Error, f.Code)
		}
	}
	return false
}

func (o *outcomes) add(one outcome) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.all = append(o.all, one)
}

// vague are the codes that tell nobody what to do.
var vague = []string{"InternalServerError", "ClusterCreationFailed", "OperationFailed", ""}

// judge checks how much is told in all, and writes the table.
func (o *outcomes) judge(t *testing.T) {
	t.Helper()
	specific := 0
	for _, one := range o.all {
		if !slices.Contains(vague, one.code) && one.target != "" {
			specific++
		}
		if one.code != one.want {
			t.Errorf("%s, %s (%s): the code is %q (%s), want %q", one.plan, one.step, one.what, one.code, one.message, one.want)
		}
	}
	if len(o.all) == 0 || specific*100 < 95*len(o.all) {
		t.Errorf("%d of %d faults are told specifically, want 95 %%", specific, len(o.all))
	}
	table := o.table()
	t.Logf("%d of %d faults are told specifically\n%s", specific, len(o.all), table)
	if *update {
		text := fmt.Sprintf(heading, len(o.all), specific) + table
		if err := os.WriteFile(filepath.Join("../../../docs", "faults.md"), []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

const heading = `# What is told when something goes wrong

Each row is a fault that a test injects into a step of an operation on the local Azure, and what clients, administrators
and the log are told then: the same code and target in all three. %d faults were injected, %d are told by a specific code
with a target. When the fault is over, a delete succeeds. Steps that use nothing but the service's database are not here,
nor those that are over before a fault can meet them, as "record cluster data" is: in another test the provider is killed
after each of them. Steps that are only an attempt, as "remove federated credentials" is, do not fail.

Generated: ` + "`cd local && go test ./systemtest/proof -run EveryFault -full -update -timeout 60m`" + `.

`

func (o *outcomes) table() string {
	plans := []string{"create", "update", "delete"}
	slices.SortStableFunc(o.all, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(slices.Index(plans, a.plan), slices.Index(plans, b.plan)), cmp.Compare(a.step, b.step))
	})
	var b strings.Builder
	b.WriteString("| Operation | Step | Fault | Code | Target |\n|---|---|---|---|---|\n")
	for _, one := range o.all {
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s |\n", one.plan, one.step, one.what, one.code, one.target)
	}
	return b.String()
}

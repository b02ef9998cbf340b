package admin

import (
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/httpserver"
)

// role is what a caller may do. A higher one includes the lower ones.
type role int

const (
	// reader may look, and change nothing.
	reader role = iota + 1
	// elevated may do everything.
	elevated
)

// roleOf returns the role of a caller by the allow-list of its certificate.
func roleOf(caller httpserver.Caller) role {
	switch {
	case caller.On(Clients):
		return elevated
	case caller.On(Readers):
		return reader
	}
	return 0
}

// action is what the API needs to know about an operation beside its specification.
type action struct {
	// role is the lowest that may call it.
	role role
	// dryRun means that it has the parameter dryRun.
	dryRun bool
	// maintenance means that it works on the cluster itself, whose alerts it may cause.
	maintenance bool
	// limit is how long it may last; 0 for the limit of all requests.
	limit time.Duration
}

// dryRunParameter makes a request change nothing.
const dryRunParameter = "dryRun"

// actions are the operations of the API. Each has a row, or the API does not start.
var actions = map[string]action{
	"Admin_ListClusters":            {role: reader},
	"Admin_GetCluster":              {role: reader},
	"Admin_ExplainCluster":          {role: reader},
	"Admin_GetMonitorResult":        {role: reader},
	"Admin_ListHistory":             {role: reader},
	"Admin_UpdateCluster":           {role: elevated, dryRun: true},
	"Admin_ListVersions":            {role: reader},
	"Admin_PutVersion":              {role: elevated},
	"Admin_ListRoleSets":            {role: reader},
	"Admin_PutRoleSet":              {role: elevated},
	"Admin_ListUnreadableDocuments": {role: reader},
	"Admin_RepairDocument":          {role: elevated},
	"Admin_RemoveDocument":          {role: elevated},
	"Admin_GetKubernetesObjects":    {role: reader},
	"Admin_GetPodLogs":              {role: reader},
	"Admin_CordonNode":              {role: elevated, maintenance: true, dryRun: true},
	"Admin_ApplyKubernetesObject":   {role: elevated, maintenance: true, dryRun: true},
	"Admin_DeleteKubernetesObject":  {role: elevated, maintenance: true, dryRun: true},
	"Admin_DrainNode":               {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_RunJob":                  {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_Exec":                    {role: elevated, maintenance: true, limit: longest},
	"Admin_CountEtcdKeys":           {role: reader, maintenance: true, limit: 5 * time.Minute},

	"Admin_ApproveCertificateSigningRequests": {role: elevated, maintenance: true, dryRun: true},

	"Admin_ListResources":              {role: reader},
	"Admin_ListVirtualMachines":        {role: reader},
	"Admin_GetSerialConsole":           {role: reader},
	"Admin_StartVirtualMachine":        {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_StopVirtualMachine":         {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_RedeployVirtualMachine":     {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_ResizeVirtualMachine":       {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_ResizeControlPlane":         {role: elevated, maintenance: true, dryRun: true, limit: 150 * time.Minute},
	"Admin_ValidateResize":             {role: reader},
	"Admin_CheckNetwork":               {role: reader},
	"Admin_GetEffectiveRoutes":         {role: reader},
	"Admin_GetEffectiveSecurityGroups": {role: reader},
	"Admin_DeleteManagedResource":      {role: elevated, maintenance: true, dryRun: true, limit: longest},
	"Admin_ListSupportedVMSizes":       {role: reader},
	"Admin_CreateKubeconfig":           {role: elevated},
	"Admin_CreateElevatedKubeconfig":   {role: elevated},
	"Admin_CreateSSH":                  {role: elevated},
	"Admin_ListBillingDocuments":       {role: reader},
	"Admin_GetBillingDocument":         {role: reader},
	"Admin_ListSubscriptions":          {role: reader},
	"Admin_GetSubscription":            {role: reader},
}

// longest is the limit of actions that wait for a cluster or for Azure.
const longest = 30 * time.Minute

// checkActions returns an error unless the table and the specification have the same
// operations.
func checkActions() error {
	operations := api.Operations()
	for _, operation := range operations {
		if actions[operation.ID].role == 0 {
			return fmt.Errorf("the table of actions does not say who may call %s", operation.ID)
		}
	}
	if len(actions) != len(operations) {
		return fmt.Errorf("the table of actions has %d rows for %d operations", len(actions), len(operations))
	}
	return nil
}

// endless returns a function that reports whether a request is for an action with a limit
// of its own, by the last part of its path.
func endless() func(*http.Request) bool {
	long := map[string]bool{}
	for _, operation := range api.Operations() {
		if actions[operation.ID].limit > 0 {
			long[arm.ToLower(path.Base(operation.Path))] = true
		}
	}
	return func(r *http.Request) bool {
		return r.Method == http.MethodPost && long[arm.ToLower(path.Base(r.URL.Path))]
	}
}

// authorize refuses an operation to callers whose role is too low. Paths without an
// operation are refused elsewhere.
func authorize(x *httpserver.Exchange) error {
	if x.Operation == "" || roleOf(x.Caller) >= actions[x.Operation].role {
		return nil
	}
	return arm.Forbidden.Errorf("The caller may only read. %s needs a client certificate of --admin-clients or, in the portal, elevated access.", x.Operation)
}

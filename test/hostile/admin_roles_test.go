package hostile

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/test/harness"
)

// mayBeRead are the operations of the admin API, and whether a certificate that may only
// read may call them.
var mayBeRead = map[string]bool{
	"Admin_ListClusters":            true,
	"Admin_GetCluster":              true,
	"Admin_ExplainCluster":          true,
	"Admin_GetMonitorResult":        true,
	"Admin_ListHistory":             true,
	"Admin_UpdateCluster":           false,
	"Admin_ListVersions":            true,
	"Admin_PutVersion":              false,
	"Admin_ListRoleSets":            true,
	"Admin_PutRoleSet":              false,
	"Admin_ListUnreadableDocuments": true,
	"Admin_RepairDocument":          false,
	"Admin_RemoveDocument":          false,
	"Admin_GetKubernetesObjects":    true,
	"Admin_GetPodLogs":              true,
	"Admin_CordonNode":              false,
	"Admin_ApplyKubernetesObject":   false,
	"Admin_DeleteKubernetesObject":  false,
	"Admin_DrainNode":               false,
	"Admin_RunJob":                  false,
	"Admin_Exec":                    false,
	"Admin_CountEtcdKeys":           true,

	"Admin_ApproveCertificateSigningRequests": false,

	"Admin_ListResources":              true,
	"Admin_ListVirtualMachines":        true,
	"Admin_GetSerialConsole":           true,
	"Admin_StartVirtualMachine":        false,
	"Admin_StopVirtualMachine":         false,
	"Admin_RedeployVirtualMachine":     false,
	"Admin_ResizeVirtualMachine":       false,
	"Admin_ResizeControlPlane":         false,
	"Admin_ValidateResize":             true,
	"Admin_CheckNetwork":               true,
	"Admin_GetEffectiveRoutes":         true,
	"Admin_GetEffectiveSecurityGroups": true,
	"Admin_DeleteManagedResource":      false,
	"Admin_ListSupportedVMSizes":       true,
	"Admin_CreateKubeconfig":           false,
	"Admin_CreateElevatedKubeconfig":   false,
	"Admin_CreateSSH":                  false,
	"Admin_ListBillingDocuments":       true,
	"Admin_GetBillingDocument":         true,
	"Admin_ListSubscriptions":          true,
	"Admin_GetSubscription":            true,
}

func TestEveryOperationOfTheAdminAPIKnowsItsCallers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, audit := t.TempDir(), filepath.Join(t.TempDir(), "audit.log")
	pairs := map[string]*tls.Certificate{"": nil}
	for _, name := range []string{"server", "arm", "admin", "reader", "stranger"} {
		pair := certificate(t, dir, name, time.Now().Add(time.Hour))
		pairs[name] = &pair
	}
	process, err := production(t, dir, "", "--admin-readers", filepath.Join(dir, "reader.crt"), "--audit", audit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	clients := map[string]*harness.Client{}
	for name, pair := range pairs {
		clients[name] = harness.NewClient("https://"+strings.TrimPrefix(process.URL, "http://"), &http.Transport{TLSClientConfig: trusting(t, pairs["server"], pair)})
	}
	path := strings.NewReplacer("{subscriptionId}", subscription, "{resourceGroupName}", "g", "{resourceName}", "none",
		"{container}", "Clusters", "{partition}", subscription, "{documentId}", "none")
	for _, operation := range api.Operations() {
		readable, listed := mayBeRead[operation.ID]
		if !listed {
			t.Errorf("who may call %s? Add it to the table of this test", operation.ID)
		}
		for caller, allowed := range map[string]bool{"": false, "stranger": false, "arm": false, "reader": readable, "admin": true} {
			reply, err := clients[caller].Do(t.Context(), harness.Request{Method: operation.Method, Path: path.Replace(operation.Path)})
			if err != nil {
				t.Fatal(err)
			}
			if allowed != (reply.Status != http.StatusForbidden) || !allowed && reply.Code() != "Forbidden" {
				t.Errorf("%s for %q: %s", operation.ID, caller, reply)
			}
			if reply.Status >= http.StatusInternalServerError {
				t.Errorf("%s for %q: %s", operation.ID, caller, reply)
			}
		}
	}
	records, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	for id := range mayBeRead {
		if n := strings.Count(string(records), `"operation":"`+id+`"`); n != 5 {
			t.Errorf("the audit has %d records of %s, want one for each call", n, id)
		}
	}
}

package azure_test

import (
	"github.com/aro-rp/aro/wait"

	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStepsAreToldWhatTheyWaitedForAzure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setUp(t)
		resource := group + "/providers/Microsoft.Compute/disks/d"
		s.on("GET /subscriptions/"+subscription+"/resourcegroups/g", answer{status: 429, body: `{}`, header: map[string]string{"Retry-After": "7"}}, answer{status: 200, body: `{}`})
		s.on("DELETE "+strings.Replace(resource, "resourcegroups", "resourceGroups", 1), answer{status: 202, header: map[string]string{"Location": origin + "/operation", "Retry-After": "20"}})
		s.on("GET /operation", answer{status: 202, header: map[string]string{"Location": origin + "/operation", "Retry-After": "20"}}, answer{status: 200, body: `{}`})
		waits := wait.NewWaits(time.Now, nil)
		ctx, clients := waits.In(t.Context()), s.clients(t)
		if _, err := clients.Groups.Get(ctx, "g", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // its own work
		began := time.Now()
		kept := tokens{}
		if err := settle(func() error { return deleteDisk(ctx, clients, kept) }); err != nil {
			t.Fatal(err)
		}
		if got := waits.Sum(0)["azure"]; got != 7 {
			t.Errorf("it waited %v s for Azure, want 7 until the call was repeated: no worker is busy during the deletion of the disk", got)
		}
		if took := time.Since(began); took != 40*time.Second || len(kept) > 0 {
			t.Errorf("the disk was gone after %s, and kept is %v; want 40 s as Azure asked, and nothing", took, kept)
		}
	})
}

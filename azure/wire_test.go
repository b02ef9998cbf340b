package azure_test

import (
	"github.com/aro-rp/aro/wait"

	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aro-rp/aro/azure"
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
		poller, err := clients.Disks.BeginDelete(ctx, "g", "d", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := azure.PollUntilDone(ctx, clients, poller); err != nil {
			t.Fatal(err)
		}
		if got := waits.Sum(0)["azure"]; got != 47 {
			t.Errorf("it waited %v s for Azure, want 7 until the call was repeated and 2 times 20 until the disk was gone", got)
		}
	})
}

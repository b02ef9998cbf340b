package conformance

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// abilities are what clusters of a provider given by URL do not do, each with why.
// Empty is what the kit's own provider is: able to do all.
type abilities struct {
	getReady, goAway string
}

// needs leaves a check out that cannot be done here.
func (t *T) needs(obstacle string) {
	t.Helper()
	if obstacle == "" {
		return
	}
	t.result.mu.Lock()
	t.result.skipped = obstacle
	t.result.mu.Unlock()
	t.T.Skip(obstacle)
}

// terminal is where a person looks at the run; nil when there is none. Under -v the
// output of a test is shown while it runs, else kept to its end.
func terminal(t *testing.T) *os.File {
	if testing.Verbose() {
		return os.Stdout
	}
	tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	t.Cleanup(func() { _ = tty.Close() })
	return tty
}

// say prints the progress of the run.
func (k *kit) say(format string, args ...any) {
	if k.terminal != nil {
		fmt.Fprintf(k.terminal, format+"\n", args...)
	}
}

// explore prints what the run creates, and finds out with one cluster what is
// possible here.
func (t *T) explore() {
	t.Helper()
	t.say("The kit is going to create clusters in the resource group %s of the subscription %s, %s at a time, and some in\n"+
		"subscriptions of its own; %s is another customer's. At the end it deletes them, and those subscriptions that it\n"+
		"registered. First it tries one cluster, for at most %s.", t.group, t.subscription, checksByURL, t.other, 2*t.patience)
	id := t.id("probe")
	c := &cluster{id: id, path: id.String(), version: harness.Newest, body: harness.Body(harness.Newest, id, t.location)}
	c.created = t.want(t.put(c.path, c.version, c.body), http.StatusCreated)
	t.can.getReady = t.obstacle(c.created, "clusters do not get ready here")
	t.say("Creating: %s", orWell(t.can.getReady))
	t.can.goAway = t.obstacle(t.want(t.remove(c.path, harness.Newest), http.StatusAccepted), "clusters do not go here")
	t.say("Deleting: %s", orWell(t.can.goAway))
}

// obstacle is why an operation does not succeed, or does not in time; empty when it does.
func (t *T) obstacle(begun *harness.Reply, effect string) string {
	t.Helper()
	var last *harness.Reply
	for deadline := time.Now().Add(t.patience); time.Now().Before(deadline); time.Sleep(t.pause) {
		last = t.want(t.get(begun.Header.Get("Azure-AsyncOperation"), ""), http.StatusOK)
		switch last.Text("status") {
		case "Succeeded":
			return ""
		case "Failed", "Canceled":
			return fmt.Sprintf("%s: %s: %s", effect, last.Code(), last.Message())
		}
	}
	return fmt.Sprintf("%s within %s: the operation is at the step %q", effect, t.patience, last.Text("properties.currentStep"))
}

func orWell(obstacle string) string {
	if obstacle == "" {
		return "succeeds."
	}
	return obstacle + ". Checks that need it are left out."
}

// sweep deletes what a run by URL has left: the clusters of its group, and the
// subscriptions that it registered with all that is in them.
func (k *kit) sweep(t *testing.T) {
	group := "/subscriptions/" + k.subscription + "/resourceGroups/" + k.group + "/providers/Microsoft.RedHatOpenShift/openShiftClusters"
	left := func() int {
		n := 0
		for next, version := group, harness.Newest; next != ""; version = "" {
			page, err := k.ask(http.MethodGet, next, version, nil)
			if err != nil {
				return -1
			}
			items, _ := page.JSON["value"].([]any)
			for _, item := range items {
				o, _ := item.(harness.Object)
				if n++; harness.Text(o, "properties.provisioningState") != "Deleting" {
					_, _ = k.ask(http.MethodDelete, harness.Text(o, "id"), harness.Newest, nil)
				}
			}
			next = (&T{kit: k}).local(page.Text("nextLink"))
		}
		return n
	}
	n := left()
	k.say("Deleting %d clusters that are left.", n)
	for deadline := time.Now().Add(k.patience); n > 0 && k.can.goAway == "" && time.Now().Before(deadline); n = left() {
		time.Sleep(k.pause)
	}
	k.own.Range(func(id, _ any) bool {
		_, err := k.ask(http.MethodPut, "/subscriptions/"+id.(string), "2.0", harness.Object{"state": "Deleted",
			"registrationDate": "Fri, 20 Nov 2026 08:00:00 GMT", "properties": harness.Object{"tenantId": tenant}})
		if err != nil {
			t.Logf("the subscription %s stays: %v", id, err)
		}
		return true
	})
	if n != 0 {
		fmt.Printf("%d clusters are still being deleted: GET %s%s?api-version=%s\n", n, k.rp, group, harness.Newest)
	}
}

// ask is send outside of a check.
func (k *kit) ask(method, path, version string, body any) (*harness.Reply, error) {
	return k.client.Do(context.Background(), harness.Request{Method: method, Path: path, Version: version, Body: body})
}

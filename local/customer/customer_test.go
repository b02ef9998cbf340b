package customer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/azure/login/logintest"
)

// enter is a customer of an Azure that has some routes, and the requests to it.
func enter(t *testing.T, routes map[string]string) (*Customer, *[]string) {
	t.Helper()
	azure := logintest.Start(t, routes)
	session, err := azure.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(session, &bytes.Buffer{}, "watch %s")
	if err != nil {
		t.Fatal(err)
	}
	return c, &azure.Requests
}

const (
	groupPath   = "/subscriptions/s/resourceGroups/demo"
	clusterPath = groupPath + "/providers/Microsoft.RedHatOpenShift/openShiftClusters/demo"
	networkPath = groupPath + "/providers/Microsoft.Network/virtualNetworks/demo-vnet"
)

var demo = Target{Name: "demo", Group: "demo"}

func onlyReads(t *testing.T, asked []string) {
	t.Helper()
	for _, call := range asked {
		if !strings.HasPrefix(call, "GET ") {
			t.Errorf("%s changed something", call)
		}
	}
}

func TestNamesAreCheckedBeforeAnythingIsMade(t *testing.T) {
	for name, test := range map[string]struct{ name, group, want string }{
		"empty":             {"", "", "not a valid cluster name"},
		"a path":            {"a/b", "", "not a valid cluster name"},
		"a query":           {"a?b", "", "not a valid cluster name"},
		"upper case":        {"UPPER", "", "--domain"},
		"digit first":       {"1abc", "", "--domain"},
		"55 characters":     {strings.Repeat("a", 55), "", "--domain"},
		"group with slash":  {"demo", "a/b", "--group"},
		"group ends in dot": {"demo", "a.", "--group"},
		"group too long":    {"demo", strings.Repeat("g", 91), "--group"},
		"id of another":     {"/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c", "x", "--group"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Create{Target: Target{Name: test.name, Group: test.group}}
			if err := o.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNamesAndIDsAreTakenAlike(t *testing.T) {
	for given, want := range map[Target]Target{
		{Name: "demo"}:                  demo,
		{Name: "demo", Group: "группа"}: {Name: "demo", Group: "группа"},
		{Name: "/subscriptions/s/resourcegroups/g/providers/microsoft.redhatopenshift/openshiftclusters/c"}: {Name: "c", Group: "g"},
	} {
		got := given
		if err := got.Check(); err != nil || got != want {
			t.Errorf("%v: got %v, %v, want %v", given, got, err, want)
		}
	}
}

func TestClustersOfOneNameHaveManagedGroupsOfTheirOwn(t *testing.T) {
	if a, b := demo.managedGroup(), (Target{Name: "demo", Group: "other"}).managedGroup(); a == b {
		t.Errorf("both are %s", a)
	}
	long := Target{Name: strings.Repeat("n", 63), Group: strings.Repeat("g", 90)}.managedGroup()
	if !groupName.MatchString(long) {
		t.Errorf("%s is no name of a group", long)
	}
}

func TestCreateLeavesAClusterThatExistsAlone(t *testing.T) {
	for state, want := range map[string]string{"Succeeded": "", "Failed": "delete it", "Deleting": "is being deleted"} {
		c, asked := enter(t, map[string]string{"GET " + clusterPath: `{"id":"x","properties":{"provisioningState":"` + state + `"}}`})
		err := c.Create(t.Context(), Create{Target: demo})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", state, err, want)
		}
		onlyReads(t, *asked)
	}
}

func TestANetworkThatExistsIsNotReplaced(t *testing.T) {
	c, asked := enter(t, map[string]string{
		"GET " + networkPath:                     `{"properties":{"subnets":[{"name":"Master","properties":{"networkSecurityGroup":{"id":"nsg"}}}]}}`,
		"PUT " + networkPath + "/subnets/worker": `{}`, "GET " + networkPath + "/subnets/worker": `{}`,
	})
	if err := c.makeNetwork(t.Context(), Create{Target: demo}, networkPath); err != nil {
		t.Fatal(err)
	}
	for _, call := range *asked {
		if strings.HasPrefix(call, "PUT ") && call != "PUT "+networkPath+"/subnets/worker" {
			t.Errorf("%s replaced what was there", call)
		}
	}
}

func TestAStrangersGroupIsNeitherTakenNorDeleted(t *testing.T) {
	c, asked := enter(t, map[string]string{"GET " + groupPath: `{"tags":{"mine":"yes"}}`})
	if err := c.makeGroup(t.Context(), Create{Target: demo}); err == nil || !strings.Contains(err.Error(), "--group") {
		t.Errorf("create took it: %v", err)
	}
	if removed, err := c.removeGroup(t.Context(), demo); err != nil || removed {
		t.Errorf("removed %v, error %v", removed, err)
	}
	onlyReads(t, *asked)
}

func TestDeleteOfNothingFails(t *testing.T) {
	c, _ := enter(t, map[string]string{"GET /graph/v1.0/applications": `{"value":[]}`})
	if err := c.Delete(t.Context(), demo); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestAFailedOperationTellsAllItsReasons(t *testing.T) {
	c, _ := enter(t, map[string]string{"GET /operation": `{"status":"Failed","error":{"code":"A","message":"first","target":"x","details":[{"code":"B","message":"second"}]}}`})
	err := c.follow(t.Context(), demo, "/operation")
	if err == nil || err.Error() != "the operation ended as Failed\n  A: first (x)\n    B: second" {
		t.Errorf("got %v", err)
	}
}

func TestAStepsErrorIsShownWhenItAppearsOrChanges(t *testing.T) {
	const (
		refused = `{"status":"Creating","percentComplete":25,"currentStep":"validate","stepError":{"code":"AuthorizationFailed","message":"No role\non the network.","target":"properties.masterProfile.subnetId","details":[{"code":"Forbidden","message":"join/action"}]}}`
		other   = `{"status":"Creating","percentComplete":25,"currentStep":"validate","stepError":{"code":"QuotaExceeded","message":"Too few cores."}}`
		fine    = `{"status":"Creating","percentComplete":25,"currentStep":"validate"}`
		next    = `{"status":"Creating","percentComplete":50,"currentStep":"deploy","stepError":{"code":"QuotaExceeded","message":"Too few cores."}}`
	)
	var out bytes.Buffer
	c, shown := &Customer{out: &out}, &Progress{}
	for _, body := range []string{fine, refused, refused, fine, refused, other, other, next, next} {
		var o operation
		if err := json.Unmarshal([]byte(body), &o); err != nil {
			t.Fatal(err)
		}
		c.show(o.progress(), shown)
	}
	want := " 25 %  validate\n" +
		"       tried again after AuthorizationFailed: No role on the network. (properties.masterProfile.subnetId) Forbidden: join/action\n" +
		"       tried again after QuotaExceeded: Too few cores.\n" +
		" 50 %  deploy\n" +
		"       tried again after QuotaExceeded: Too few cores.\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestAWatchShowsStepsAndWhatTheyWaitFor(t *testing.T) {
	c, _ := enter(t, map[string]string{"GET " + clusterPath: `{"id":"x","properties":{"provisioningState":"Creating"}}`})
	ctx, cancel := context.WithCancel(t.Context())
	told := []Progress{{}, {Step: "boot", PercentComplete: 40}, {Step: "boot", PercentComplete: 40, WaitingFor: "6 nodes"}, {Step: "boot", PercentComplete: 40, WaitingFor: "6 nodes"},
		{Step: "boot", PercentComplete: 40, WaitingFor: "2 nodes"}, {Step: "boot", PercentComplete: 40, StepError: "No\nrole."}, {Step: "brand", PercentComplete: 60}}
	c.pollInterval = time.Millisecond
	c.Steps = func(_ context.Context, cluster string) (Progress, error) {
		p := told[0]
		if told = told[1:]; len(told) == 0 {
			cancel()
		}
		if cluster != "x" || p.Step == "" {
			return p, errors.New("not yet")
		}
		return p, nil
	}
	_ = c.Watch(ctx, demo)
	want := "      demo: Creating\n 40 %  boot\n       waiting for 6 nodes\n       waiting for 2 nodes\n       tried again after No role.\n 60 %  brand\n"
	if got := c.out.(*bytes.Buffer).String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestAnInterruptedWatchSaysHowToWatchAgain(t *testing.T) {
	c, _ := enter(t, map[string]string{"GET " + clusterPath: `{"id":"x","properties":{"provisioningState":"Creating"}}`})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Watch(ctx, Target{Name: "demo", Group: "demo"})
	if err == nil || !strings.Contains(err.Error(), "watch demo") {
		t.Errorf("got %v", err)
	}
}

func TestOperatorsGetTheirRoleWhereItIsAbout(t *testing.T) {
	const role1 = "/providers/Microsoft.Authorization/roleDefinitions/r"
	for name, test := range map[string]struct{ why, actions, want string }{
		"network": {"it contains the subnets", `"Microsoft.Network/virtualNetworks/subnets/read","Microsoft.Network/virtualNetworks/join/action"`, "v"},
		"subnets": {"no more than needed", `"Microsoft.Network/virtualNetworks/subnets/join/action"`, "v/subnets/master v/subnets/worker"},
		"neither": {"the service assigns it in the managed group", `"Microsoft.Compute/disks/read"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := enter(t, map[string]string{"GET " + role1: `{"properties":{"permissions":[{"actions":[` + test.actions + `]}]}}`})
			scopes, err := c.scopesOf(t.Context(), role{"x", role1}, "v")
			if err != nil || strings.Join(scopes, " ") != test.want {
				t.Errorf("%s: %v, error %v", test.why, scopes, err)
			}
		})
	}
}

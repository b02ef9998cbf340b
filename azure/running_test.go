package azure_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/wait"
)

// tokens is what a step keeps.
type tokens map[string]string

func (k tokens) Token(name string) string { return k[name] }

func (k tokens) Keep(name, token string) {
	if k[name] = token; token == "" {
		delete(k, name)
	}
}

// settle repeats a step until it does not ask for another attempt.
func settle(attempt func() error) error {
	for {
		var pending *wait.Pending
		err := attempt()
		if !errors.As(err, &pending) {
			return err
		}
		time.Sleep(pending.After)
	}
}

func deleteDisk(ctx context.Context, clients *azure.Clients, kept tokens) error {
	ctx, op := clients.Operation(ctx, kept, "the deletion of disk d")
	poller, err := clients.Disks.BeginDelete(ctx, "g", "d", &armcompute.DisksClientBeginDeleteOptions{ResumeToken: op.Token})
	_, err = azure.Await(ctx, op, poller, err)
	return err
}

const diskPath = "/subscriptions/" + subscription + "/resourceGroups/g/providers/Microsoft.Compute/disks/d"

func TestALongRunningOperationIsResumedByItsToken(t *testing.T) {
	accepted := answer{status: 202, header: map[string]string{"Azure-AsyncOperation": origin + "/operation"}}
	running, ended := answer{status: 200, body: `{"status":"InProgress"}`}, answer{status: 200, body: `{"status":"Succeeded"}`}
	throttled := answer{status: 429, body: `{"error":{"code":"TooManyRequests","message":"m"}}`}
	refused := answer{status: 200, body: `{"status":"Failed","error":{"code":"Locked","message":"m"}}`}
	unknown := answer{status: 404, body: `{"error":{"code":"NotFound","message":"m"}}`}
	tests := map[string]struct {
		why     string
		polls   []answer
		begun   int // how often the operation was begun
		looks   int // attempts until it ended
		fault   string
		kept    bool // after the last attempt
		garbage bool // replaces the token
	}{
		"ends at once":          {why: "no other attempt is needed", polls: []answer{ended}, begun: 1, looks: 1},
		"takes time":            {why: "each attempt asks once", polls: []answer{running, running, running, ended}, begun: 1, looks: 4},
		"fails":                 {why: "its reason is reported, and another attempt begins it again", polls: []answer{running, refused}, begun: 1, looks: 2, fault: "Locked"},
		"is forgotten":          {why: "Azure keeps operations for some time only", polls: []answer{running, unknown, running, ended}, begun: 2, looks: 4},
		"cannot be asked":       {why: "it continues all the same", polls: []answer{running, throttled, throttled, throttled, throttled, throttled, throttled, throttled, throttled}, begun: 1, looks: 2, fault: "TooManyRequests", kept: true},
		"is not understood":     {why: "another release wrote the token", polls: []answer{running, ended}, begun: 2, looks: 3, garbage: true},
		"cannot be asked first": {why: "that it began is kept", polls: []answer{throttled, throttled, throttled, throttled, ended}, begun: 1, looks: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.on("DELETE "+diskPath, accepted)
			s.on("GET /operation", test.polls...)
			kept := tokens{}
			var err error
			looks := 0
			for pending := (*wait.Pending)(nil); looks < 20; {
				looks++
				err = deleteDisk(t.Context(), s.clients(t), kept) // each time another process
				if !errors.As(err, &pending) {
					break
				}
				if pending.WaitingFor == "the deletion of disk d to begin again" && len(kept) == 0 {
					continue
				}
				if len(kept) != 1 || !strings.Contains(kept["the deletion of disk d"], "/operation") {
					t.Fatalf("%s: %v, and kept %v", test.why, err, kept)
				}
				if test.garbage {
					kept.Keep("the deletion of disk d", "of another release")
				}
			}
			if test.fault == "" && err != nil || test.fault != "" && azure.Code(err) != test.fault {
				t.Errorf("%s: got %v, want %q", test.why, err, test.fault)
			}
			if begins, _ := s.requests("DELETE " + diskPath); len(begins) != test.begun || looks != test.looks || (len(kept) > 0) != test.kept {
				t.Errorf("%s: begun %d times, %d attempts, kept %v; want %d, %d, %v", test.why, len(begins), looks, kept, test.begun, test.looks, test.kept)
			}
		})
	}
}

func TestNothingToDoIsNoOperation(t *testing.T) {
	s, kept := setUp(t), tokens{}
	ctx, op := s.clients(t).Operation(t.Context(), kept, "nothing")
	_, err := azure.Await[armcompute.DisksClientDeleteResponse](ctx, op, nil, nil)
	if err != nil || len(kept) > 0 {
		t.Errorf("got %v, kept %v", err, kept)
	}
}

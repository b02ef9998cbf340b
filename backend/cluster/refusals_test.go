package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// attempts are the steps that go on whatever Azure says, for they only try.
var attempts = []string{"restore rights", "remove federated credentials"}

// deepest is how many calls of a step are refused, each in a run of its own.
const deepest = 5

// TestEveryStepTellsTheCodeThatNobodyKnows answers each of a step's first calls to
// Azure with a code that Azure has never had, and wants the customer to read it.
func TestEveryStepTellsTheCodeThatNobodyKnows(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs every step for each code, and nothing of it side by side")
	}
	var refused, told, steps, tried atomic.Int32
	t.Run("steps", func(t *testing.T) {
		for kind, plan := range Plans(setUp(t).Dependencies) {
			for i, step := range plan {
				if slices.Contains(attempts, step.Name) {
					continue
				}
				steps.Add(1)
				t.Run(string(kind)+" "+step.Name, func(t *testing.T) {
					t.Parallel()
					tried.Add(1)
					for nth := 1; nth <= deepest; nth++ {
						was, is := refuseCall(t, kind, i, nth)
						refused.Add(was)
						told.Add(is)
						if was == 0 {
							return
						}
					}
				})
			}
		}
	})
	t.Logf("%d refusals with unknown codes were made in %d of %d steps, %d were told", refused.Load(), tried.Load(), steps.Load(), told.Load())
	if told.Load() != refused.Load() {
		t.Errorf("%d of %d refusals were told, want all", told.Load(), refused.Load())
	}
	if all := tried.Load() == steps.Load(); all && refused.Load() < 100 { // -run may have chosen some
		t.Errorf("%d refusals were made, want at least 100", refused.Load())
	}
}

// refuseCall refuses the nth call of a step, the first with every status.
func refuseCall(t *testing.T, kind model.OperationKind, i, nth int) (refused, told int32) {
	statuses := []int{400, 403, 409}
	if nth > 1 {
		statuses = statuses[nth%3 : nth%3+1]
	}
	for _, status := range statuses {
		was, is := refuseNth(t, kind, i, nth, status)
		if was {
			refused++
		}
		if is {
			told++
		}
	}
	return refused, told
}

// sshKey is made once: it takes longer than a step.
var sshKey = sync.OnceValue(func() model.Secret {
	key, _ := newSSHKey()
	return key
})

func planOf(s *fixture, kind model.OperationKind) []Step {
	return Plans(s.Dependencies)[kind]
}

// refuseNth runs a step whose nth call is refused, as are all after it.
func refuseNth(t *testing.T, kind model.OperationKind, i, nth, status int) (refused, told bool) {
	t.Helper()
	s := setUp(t)
	s.storage()
	s.put(groupID+"/providers/Microsoft.Network/loadBalancers/"+infraID, map[string]any{"properties": map[string]any{}})
	step := planOf(s, kind)[i]
	code := fmt.Sprintf("Odd%dReason", rand.Uint32())
	w := s.work(kind, func(c *model.Cluster) {
		c.Internal.SSHKey = sshKey()
		c.Properties.APIServerProfile.InternalIP, c.Properties.IngressProfiles[0].IP = "10.0.0.4", "127.96.0.7"
		if step.Only != nil && !step.Only(c) {
			c.Properties.ServicePrincipalProfile = nil
			c.Properties.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{
				"ingress": {ResourceID: groupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ingress", ClientID: "i", ObjectID: "i"}}}
			c.Identity = &model.Identity{IdentityURL: origin + "/msi", UserAssignedIdentities: map[string]*model.UserAssignedIdentity{
				groupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cluster": {}}}
			c.Properties.ClusterProfile.OIDCIssuer = "https://oidc.test/t/u"
		}
	})
	if step.Only != nil && !step.Only(w.Resource()) {
		return false, false
	}
	var mu sync.Mutex
	calls, first := 0, ""
	s.fakeAzure.mu.Lock()
	s.fakeAzure.refuse = func(call string) (int, any, bool) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls < nth {
			return 0, nil, false
		}
		if first == "" {
			first = call
		}
		return status, refusal(code, "It is not the day for it."), true
	}
	s.fakeAzure.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := attempt(ctx, step, w)
	mu.Lock()
	defer mu.Unlock()
	if first == "" {
		return false, false
	}
	var typed *arm.Error
	if errors.As(err, &typed) {
		body, _ := json.Marshal(typed.Body())
		told = strings.Contains(string(body), code)
	}
	if !told {
		t.Errorf("%s, %q: call %d, %s, answered %d %s: %v", kind, step.Name, nth, first, status, code, err)
	}
	return true, told
}

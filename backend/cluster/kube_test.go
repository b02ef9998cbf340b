package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/message"
)

func TestABrokenWebhookIsToldByItsName(t *testing.T) {
	const root = "/api/v1/namespaces/kube-system/secrets/azure-credentials"
	for name, test := range map[string]struct {
		status  int
		message string
		says    string
	}{
		"cannot be called": {500, `Internal error occurred: failed calling webhook "validate.corp.example": failed to call webhook: Post "https://hook.corp.svc:443/v?timeout=10s": dial tcp 172.30.0.9:443: connect: connection refused`, "connection refused"},
		"refuses":          {403, `admission webhook "validate.corp.example" denied the request: no such secret as hunter2`, "refuses what the service has to change"},
	} {
		t.Run(name, func(t *testing.T) {
			s, k := setUp(t), newKube(t)
			k.put(root, map[string]any{"data": map[string]any{}})
			reason := map[int]string{500: "InternalError", 403: "Forbidden"}[test.status]
			k.on("PATCH "+root, func() (int, any) { return test.status, kubeStatus(test.status, reason, test.message) })
			w := s.work(model.Update, k.of)
			err := s.do(s.updateClusterSecrets, w)
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code != arm.AdmissionDenied || len(message.Wrong(typed, "hunter2")) > 0 || !strings.Contains(typed.Message, "validate.corp.example") {
				t.Fatalf("got %v, want the webhook's name", err)
			}
			if !strings.Contains(typed.Message, test.says) || strings.Contains(typed.Message, "to answer") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("customers are told %q, the record is %q", typed.Message, err)
			}
		})
	}
}

// judge is a validator that remembers which pools it was asked about.
type judge struct {
	fakeValidator
	pools []string
}

func (j *judge) Validate(_ context.Context, c *model.Cluster, _ model.OperationKind) error {
	_, pools := c.Properties.WorkerPools()
	for _, p := range pools {
		j.pools = append(j.pools, lastSegment(p.SubnetID))
	}
	return nil
}

func TestAnUpdateJudgesTheWorkersThatTheClusterHasNow(t *testing.T) {
	long := func(c *model.Cluster) {
		c.Properties.WorkerProfilesStatus = []model.WorkerProfile{{Name: "gone", SubnetID: vnetID + "/subnets/gone"}}
	}
	tests := map[string]struct {
		why  string
		kube func(*kube)
		want []string
	}{
		"answers":        {why: "the pool with the bad subnet is long gone", kube: func(k *kube) { k.pool("one", "worker") }, want: []string{"worker"}},
		"has no workers": {why: "those of the create are gone too", kube: func(*kube) {}},
		"does not answer": {why: "nobody knows what it has, and the update may mend it", kube: func(k *kube) {
			k.on("GET "+kubeVersion, func() (int, any) { return 503, kubeStatus(503, "ServiceUnavailable", "m") })
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, k, j := setUp(t), newKube(t), &judge{}
			test.kube(k)
			s.Validator = j
			w := s.work(model.Update, func(c *model.Cluster) { k.of(c); long(c) })
			s.must(s.do(s.validateUpdate, w))
			if !slices.Equal(j.pools, test.want) {
				t.Errorf("%s: judged %v, want %v", test.why, j.pools, test.want)
			}
			if c := w.Cluster(); len(c.Properties.WorkerProfiles) != 1 || c.Properties.WorkerProfiles[0].SubnetID == "" {
				t.Error("what was asked for at the create was lost")
			}
		})
	}
}

func TestALookRecordsAndDatesWhatAClusterSaysOfItself(t *testing.T) {
	s, k := setUp(t), newKube(t)
	k.put(kubeVersion, map[string]any{"status": map[string]any{"desired": map[string]any{"version": "4.20.1"}}})
	k.pool("more", "worker")
	c := s.work(model.Update, k.of).Cluster()
	record, err := s.look(t.Context(), c)
	s.must(err)
	if !record(c) || c.Properties.ClusterProfile.Version != "4.20.1" || len(c.Properties.WorkerProfilesStatus) != 1 || c.Internal.Observation.At.IsZero() {
		t.Errorf("recorded %q, %v, %+v", c.Properties.ClusterProfile.Version, c.Properties.WorkerProfilesStatus, c.Internal.Observation)
	}
	if record(c) {
		t.Error("customers are told of a change that is none")
	}
	if got := len(k.seen); got != 0 {
		t.Errorf("a look changed the cluster: %v", k.seen)
	}
}

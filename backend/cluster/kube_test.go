package cluster

import (
	"errors"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
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
			if !errors.As(err, &typed) || typed.Code != arm.AdmissionDenied || typed.Target != "validate.corp.example" {
				t.Fatalf("got %v, want the webhook's name", err)
			}
			if !strings.Contains(typed.Message, test.says) || strings.Contains(typed.Message, "to answer") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("customers are told %q, the record is %q", typed.Message, err)
			}
		})
	}
}

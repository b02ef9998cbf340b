package openshift_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aro-rp/aro/openshift"
)

func TestWhatStopsARequestIsToldFromAnAPIServerThatDoesNotAnswer(t *testing.T) {
	answer := func(code int32, reason metav1.StatusReason, message string) error {
		return fmt.Errorf("update: %w", &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}})
	}
	internal := func(message string) error {
		return answer(http.StatusInternalServerError, metav1.StatusReasonInternalError, "Internal error occurred: "+message)
	}
	tests := map[string]struct {
		err  error
		want *openshift.Stop
	}{
		"closed port": {internal(`failed calling webhook "validate.corp.example": failed to call webhook: Post "https://hook.corp.svc:443/v?timeout=10s": dial tcp 172.30.0.9:443: connect: connection refused`),
			&openshift.Stop{What: "admission webhook", Name: "validate.corp.example", Why: `Post "https://hook.corp.svc:443/v?timeout=10s": dial tcp 172.30.0.9:443: connect: connection refused`}},
		"silent":           {internal(`failed calling webhook "v.example": failed to call webhook: Post "https://h.x.svc:443/v": context deadline exceeded`), &openshift.Stop{What: "admission webhook", Name: "v.example", Why: `Post "https://h.x.svc:443/v": context deadline exceeded`}},
		"no service":       {internal(`failed calling webhook "v.example": failed to call webhook: Post "https://h.x.svc:443/v": service "h" not found`), &openshift.Stop{What: "admission webhook", Name: "v.example", Why: `Post "https://h.x.svc:443/v": service "h" not found`}},
		"of older words":   {internal(`failed calling admission webhook "v.example": Post https://h.x.svc:443/v: EOF`), &openshift.Stop{What: "admission webhook", Name: "v.example", Why: "Post https://h.x.svc:443/v: EOF"}},
		"refuses":          {answer(http.StatusForbidden, metav1.StatusReasonForbidden, `admission webhook "v.example" denied the request: canary`), &openshift.Stop{What: "admission webhook", Name: "v.example"}},
		"refuses as it is": {answer(http.StatusBadRequest, "", `admission webhook "v.example" denied the request: canary`), &openshift.Stop{What: "admission webhook", Name: "v.example"}},
		"policy":           {answer(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `secrets "x" is forbidden: ValidatingAdmissionPolicy 'p.example' with binding 'b' denied request: canary`), &openshift.Stop{What: "admission policy", Name: "p.example"}},
		"conversion":       {internal(`conversion webhook for corp.example/v1, Kind=Thing failed: Post "https://c.x.svc:443/convert": EOF`), &openshift.Stop{What: "conversion webhook", Name: "corp.example/v1, Kind=Thing", Why: `Post "https://c.x.svc:443/convert": EOF`}},
		"internal error":   {internal("etcdserver: leader changed"), nil},
		"forbidden":        {answer(http.StatusForbidden, metav1.StatusReasonForbidden, `secrets is forbidden: User "system:aro-service" cannot list resource "secrets"`), nil},
		"no answer":        {fmt.Errorf("dial tcp: connection refused"), nil},
	}
	for name, test := range tests {
		got := openshift.StoppedBy(test.err)
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
		if got != nil && strings.Contains(got.Why, "canary") {
			t.Errorf("%s: what a webhook says may hold what it was shown", name)
		}
	}
}

package openshift

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Stop is a webhook or a policy of the cluster's administrators that stopped a
// request.
type Stop struct {
	// What is "admission webhook", "admission policy" or "conversion webhook".
	What string
	// Name of the webhook or policy; of a conversion webhook, the kind that it
	// converts.
	Name string
	// Why is the API server's reason why it could not be called; empty if it
	// refused the request. The webhook's own message is omitted, because it may
	// contain the object.
	Why string
}

// Patterns of the API server's messages, of all supported releases.
var (
	webhookFails    = regexp.MustCompile(`failed calling (?:admission )?webhook "([^"]{1,300})": (.*)`)
	webhookDenies   = regexp.MustCompile(`admission webhook "([^"]{1,300})" (?:denied the request|attempted to modify the object)`)
	policyDenies    = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']{1,300})' with binding '[^']*' denied request`)
	conversionFails = regexp.MustCompile(`conversion webhook for ([^:]{1,300}?),? failed: (.*)`)
)

// StoppedBy returns the webhook or policy of the cluster that stopped a request,
// from the API server's message in err; nil if there is none.
func StoppedBy(err error) *Stop {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return nil
	}
	message := strings.Join(strings.Fields(answer.Status().Message), " ")
	if found := webhookFails.FindStringSubmatch(message); found != nil {
		return &Stop{What: "admission webhook", Name: found[1], Why: Short(strings.TrimPrefix(found[2], "failed to call webhook: "))}
	}
	if found := webhookDenies.FindStringSubmatch(message); found != nil {
		return &Stop{What: "admission webhook", Name: found[1]}
	}
	if found := policyDenies.FindStringSubmatch(message); found != nil {
		return &Stop{What: "admission policy", Name: found[1]}
	}
	if found := conversionFails.FindStringSubmatch(message); found != nil {
		return &Stop{What: "conversion webhook", Name: found[1], Why: Short(found[2])}
	}
	return nil
}

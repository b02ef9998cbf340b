package openshift

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Stop is something of the cluster's own administrators that stops a request: a
// webhook or a policy, which the API server asks before it answers.
type Stop struct {
	// What it is: "admission webhook", "admission policy" or "conversion webhook".
	What string
	// Name of the webhook or policy; of a conversion webhook, what it converts.
	Name string
	// Why it could not be asked, in the API server's words; empty if it was asked
	// and refused. Its own words are left out: it may repeat what it was shown.
	Why string
}

// The API server's words, of all releases that clusters run.
var (
	webhookFails    = regexp.MustCompile(`failed calling (?:admission )?webhook "([^"]{1,300})": (.*)`)
	webhookDenies   = regexp.MustCompile(`admission webhook "([^"]{1,300})" (?:denied the request|attempted to modify the object)`)
	policyDenies    = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']{1,300})' with binding '[^']*' denied request`)
	conversionFails = regexp.MustCompile(`conversion webhook for ([^:]{1,300}?),? failed: (.*)`)
)

// StoppedBy finds out whether err is the API server's word that a webhook or a
// policy of the cluster stopped the request; nil if not.
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

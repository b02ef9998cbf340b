// Package message checks errors as customers read them: clients such as Terraform
// print code and message alone, so a message has to be clear without its target,
// and others mark the member that the target names.
package message

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
)

// Check fails t unless e and its details are clear on their own and contain no
// secret.
func Check(t testing.TB, e *arm.Error, secrets ...string) {
	t.Helper()
	for _, wrong := range Wrong(e, secrets...) {
		t.Errorf("%s: %s", wrong, e)
	}
}

// Wrong is what is wrong with e as customers read it, nothing if it is well.
func Wrong(e *arm.Error, secrets ...string) (all []string) {
	note := func(wrong bool, what string) {
		if wrong {
			all = append(all, what)
		}
	}
	said := strings.TrimPrefix(e.Message, e.Target+": ")
	note(!arm.InBody(e.Target), "the target is no member of a cluster")
	note(e.Target != "" && said == e.Message, "the message does not begin with the member that it is about")
	note(e.Target != "" && strings.HasPrefix(said, e.Target+": "), "the message names the member twice")
	note(len(strings.Fields(said)) < 2, "the message says nothing")
	note(strings.ContainsAny(e.Message, "\n\r") || strings.Contains(e.Message, "%!"), "the message is badly formatted")
	for _, secret := range secrets {
		note(strings.Contains(e.Message+e.Target, secret), "a secret is repeated")
	}
	for _, detail := range e.Details {
		all = append(all, Wrong(detail, secrets...)...)
	}
	return all
}

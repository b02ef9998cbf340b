package collectors

import (
	"context"

	"github.com/aro-rp/aro/operator/flags"
)

// contactSupport is the message of the console that asks people to call.
const contactSupport = "ContactSupport"

// flagAbsent stands for the value of a flag that is not there.
const flagAbsent = "DNE"

// operatorFlags tells which flags of the operator are not as in a new cluster, and
// whether the console asks people to call.
func operatorFlags(_ context.Context, l *Look) error {
	c, err := l.aro()
	if err != nil || c == nil {
		return err
	}
	if c.Spec.Banner.Content == contactSupport {
		l.gauge("cluster.nonstandard.banner", map[string]string{"msg": "contact support"})
	}
	if len(c.Spec.OperatorFlags) == 0 {
		return nil
	}
	other := map[string]string{}
	for name, usual := range flags.Defaults() {
		value, found := c.Spec.OperatorFlags[name]
		switch {
		case !found:
			other[name] = flagAbsent
		case value != usual:
			other[name] = value
		}
	}
	if len(other) > 0 {
		l.gauge("cluster.nonstandard.operator.featureflags", other)
	}
	return nil
}

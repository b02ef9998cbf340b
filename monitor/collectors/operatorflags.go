package collectors

import (
	"context"

	"github.com/aro-rp/aro/operator/flags"
)

// contactSupport is the console message that asks users to contact support.
const contactSupport = "ContactSupport"

// flagAbsent is reported as the value of an absent flag.
const flagAbsent = "DNE"

// operatorFlags reports the operator's flags that differ from those of a new cluster, and whether
// the console asks users to contact support.
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

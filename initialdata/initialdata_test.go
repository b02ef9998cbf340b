package initialdata

import (
	"errors"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

func TestOnlyWhatIsInstallableIsEnabled(t *testing.T) {
	c, err := read()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		installable model.Installable
		enabled     int
		isDefault   string
	}{
		"no versions known": {nil, len(c.Versions), c.Default},
		"4.19 alone":        {only("4.19.24"), 1, "4.19.24"},
		"older alone":       {only("4.17.40"), 1, "4.17.40"},
		"none":              {only(""), 0, ""},
	} {
		enabled, isDefault := 0, ""
		all := c.versions(test.installable)
		var f arm.Faults
		if all.Validate(test.installable, &f, all.Names()...); f.Len() > 0 {
			t.Errorf("%s: the catalogue refuses them: %v", name, f.Err())
		}
		for _, p := range all {
			if p.Enabled {
				enabled++
			}
			if p.Default {
				isDefault += p.Version
			}
		}
		if enabled != test.enabled || isDefault != test.isDefault {
			t.Errorf("%s: %d are enabled and %q is the default, want %d and %q", name, enabled, isDefault, test.enabled, test.isDefault)
		}
	}
}

func only(version string) model.Installable {
	return func(p *model.OpenShiftVersionProperties) error {
		if p.Version == version {
			return nil
		}
		return errors.New("no installer")
	}
}

package arm

import (
	"strings"
	"testing"
)

func TestNamesFoldWithinTheirScript(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"openShiftClusters", "OPENSHIFTCLUSTERS", true},
		{"openſhiftClusters", "openshiftclusters", false}, // the long s
		{"kube", "\u212aube", false},                      // the Kelvin sign
		{"i", "İ", false},
		{"i", "ı", false},
		{"Größe", "GRÖSSE", false},
		{"grÖße", "GRöße", true},
		{"ресурсы", "РЕСУРСЫ", true},
		{"οδος", "ΟΔΟΣ", true},
		{"οδος", "οδοσ", true},
		{"e\u0301", "\u00e9", false}, // names are not normalised
		{"a", "ab", false},
		{"", "", true},
	} {
		if EqualFold(test.a, test.b) != test.same || EqualFold(test.b, test.a) != test.same {
			t.Errorf("EqualFold(%q, %q) is %v", test.a, test.b, !test.same)
		}
		if (ToLower(test.a) == ToLower(test.b)) != test.same {
			t.Errorf("ToLower(%q) and ToLower(%q) disagree with EqualFold", test.a, test.b)
		}
	}
}

func FuzzEqualFold(f *testing.F) {
	f.Add("openShiftClusters", "OPENSHIFTCLUSTERS")
	f.Add("\xff", "\xfe")
	f.Fuzz(func(t *testing.T, a, b string) {
		if EqualFold(a, b) != EqualFold(b, a) {
			t.Errorf("not symmetric for %q and %q", a, b)
		}
		if EqualFold(a, b) && !strings.EqualFold(a, b) {
			t.Errorf("%q and %q are the same, which strings.EqualFold denies", a, b)
		}
	})
}

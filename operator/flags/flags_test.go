package flags_test

import (
	"maps"
	"testing"

	"github.com/aro-rp/aro/operator/flags"
)

func TestOnlyTheWordTrueIsTrue(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "TRUE": true, "True": true, "1": false, "yes": false, "": false, " true": false} {
		if got := (flags.Flags{"x": value}).True("x"); got != want {
			t.Errorf("%q: got %t, want %t", value, got, want)
		}
	}
	if (flags.Flags{}).True("x") || (flags.Flags{}).False("x") || flags.Flags(nil).True("x") {
		t.Error("a missing flag is neither true nor false")
	}
}

func TestMissingAndEmptyDiffer(t *testing.T) {
	f := flags.Flags{"empty": "", "number": "7", "word": "seven"}
	if f.Value("empty", "otherwise") != "" || f.Value("missing", "otherwise") != "otherwise" || f.NonEmpty("empty", "otherwise") != "otherwise" {
		t.Error("Value keeps empty text, NonEmpty does not")
	}
	if f.Number("number", 60) != 7 || f.Number("word", 60) != 60 || f.Number("missing", 60) != 60 {
		t.Error("what is no number counts as missing")
	}
}

func TestFlagsAreUniqueAndUnknownOnesSurvive(t *testing.T) {
	seen := map[flags.Name]bool{}
	for _, f := range flags.All() {
		if seen[f.Name] || f.Meaning == "" {
			t.Errorf("%s is there twice or has no meaning", f.Name)
		}
		seen[f.Name] = true
	}
	merged := flags.Defaults().With(flags.Flags{"of.a.newer.release": "x", string(flags.Banner): "true"})
	want := flags.Defaults()
	want["of.a.newer.release"], want[string(flags.Banner)] = "x", "true"
	if !maps.Equal(merged, want) {
		t.Errorf("got %v", merged)
	}
	if len(flags.Defaults()) < 40 || flags.Defaults()[string(flags.CPMS)] != "false" {
		t.Errorf("the defaults are %v", flags.Defaults())
	}
}

package conversion_test

import (
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
)

func TestTruthValues(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		why     string
		write   func(w *conversion.Write, m *bool)
		create  bool
		have    bool
		want    bool
		refused bool
	}{
		{why: "a default", write: func(w *conversion.Write, m *bool) { conversion.FixedBool(w, "x", nil, m, true) }, create: true, want: true},
		{why: "chosen at creation", write: func(w *conversion.Write, m *bool) { conversion.FixedBool(w, "x", &no, m, true) }, create: true, want: false},
		{why: "repeated", write: func(w *conversion.Write, m *bool) { conversion.FixedBool(w, "x", &yes, m, false) }, have: true, want: true},
		{why: "changed", write: func(w *conversion.Write, m *bool) { conversion.FixedBool(w, "x", &no, m, false) }, have: true, want: true, refused: true},
		{why: "replaced", write: func(w *conversion.Write, m *bool) { conversion.MutableBool(&no, m, true) }, have: true, want: false},
		{why: "left out", write: func(w *conversion.Write, m *bool) { conversion.MutableBool(nil, m, true) }, want: true},
		{why: "echoed", write: func(w *conversion.Write, m *bool) { conversion.EchoBool(w, "x", &yes, *m) }, have: true, want: true},
		{why: "echoed wrongly", write: func(w *conversion.Write, m *bool) { conversion.EchoBool(w, "x", &no, *m) }, have: true, want: true, refused: true},
	} {
		var f arm.Faults
		m := test.have
		test.write(conversion.NewWrite(test.create, &f), &m)
		if m != test.want || (f.Len() > 0) != test.refused {
			t.Errorf("%s: %v, refused %v", test.why, m, f.List())
		}
	}
	if b := conversion.Bool(false); b == nil || *b {
		t.Error("false is not said")
	}
}

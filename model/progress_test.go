package model

import "testing"

func TestPercentComplete(t *testing.T) {
	tests := map[string]struct {
		why  string
		op   *Operation
		want int
	}{
		"none":       {why: "nothing runs", want: 0},
		"not begun":  {why: "the plan is not known yet", op: &Operation{}, want: 0},
		"a third":    {why: "whole steps, rounded down", op: &Operation{Steps: 3, Finished: make([]Step, 1)}, want: 33},
		"all":        {why: "only what has ended is complete", op: &Operation{Steps: 3, Finished: make([]Step, 3)}, want: 99},
		"more steps": {why: "an older release had a longer plan", op: &Operation{Steps: 2, Finished: make([]Step, 3)}, want: 99},
	}
	for name, test := range tests {
		if got := test.op.PercentComplete(); got != test.want {
			t.Errorf("%s: %d, want %d: %s", name, got, test.want, test.why)
		}
	}
}

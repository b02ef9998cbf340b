package message_test

import (
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/message"
)

func TestWrong(t *testing.T) {
	const member = "properties.masterProfile.vmSize"
	within := arm.InvalidParameter.Errorf("Two are wrong.")
	within.Details = []*arm.Error{arm.ScopeLocked.At("validate", "It is locked.")}
	for what, test := range map[string]struct {
		e     *arm.Error
		wrong int
	}{
		"about a member":      {arm.InvalidParameter.At(member, "%q is not supported.", "A1"), 0},
		"about the request":   {arm.InternalServerError.Errorf("It failed."), 0},
		"about a step":        {arm.InvalidParameter.At("validate", "It failed."), 1},
		"member not told":     {&arm.Error{Code: arm.InvalidParameter, Target: member, Message: "It is wrong."}, 1},
		"member told twice":   {arm.InvalidParameter.At(member, "%s: It is wrong.", member), 1},
		"wordless":            {arm.InvalidParameter.At(member, ""), 1},
		"badly formatted":     {&arm.Error{Message: "It is %!s(int=1)."}, 1},
		"with a secret":       {arm.InvalidParameter.At(member, "%q is wrong.", "canary"), 1},
		"detail about a step": {within, 1},
	} {
		if wrong := message.Wrong(test.e, "canary"); len(wrong) != test.wrong {
			t.Errorf("%s: got %q, want %d", what, wrong, test.wrong)
		}
	}
}

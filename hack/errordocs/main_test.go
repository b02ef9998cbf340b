package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
)

func TestErrorDocumentationIsFresh(t *testing.T) {
	for path, want := range outputs(arm.Catalogue()) {
		got, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go run ./hack/errordocs", path)
		}
	}
}

func TestRemediesAreQuotedForPython(t *testing.T) {
	text := string(remedies([]arm.Code{{Name: "Odd", Remedy: "Say \"a\"."}, {Name: "Odd", Remedy: "Stop."}}))
	if want := "REMEDIES = {\n    \"Odd\": \"Say \\\"a\\\". Or: Stop.\",\n}\n"; !strings.HasSuffix(text, want) {
		t.Errorf("got %s\nwant it to end %s", text, want)
	}
}

func TestEachCodeHasARowOfItsOwn(t *testing.T) {
	code := arm.Code{Name: "Odd", Status: 400, When: "a|b\nc.", Remedy: "None."}
	text := string(page([]arm.Code{code, arm.NotFound}))
	if want := "| `Odd` | 400 Bad Request | a\\|b c. | None. |\n| `NotFound` | 404 Not Found |"; !strings.Contains(text, want) {
		t.Errorf("got %s\nwant a row %s", text, want)
	}
}

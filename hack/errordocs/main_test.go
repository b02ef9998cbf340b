package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
)

func TestErrorDocumentationIsFresh(t *testing.T) {
	got, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, page(arm.Catalogue())) {
		t.Error("docs/errors.md is stale: run go run ./hack/errordocs")
	}
}

func TestEachCodeHasARowOfItsOwn(t *testing.T) {
	code := arm.Code{Name: "Odd", Status: 400, When: "a|b\nc.", Remedy: "None."}
	text := string(page([]arm.Code{code, arm.NotFound}))
	if want := "| `Odd` | 400 Bad Request | a\\|b c. | None. |\n| `NotFound` | 404 Not Found |"; !strings.Contains(text, want) {
		t.Errorf("got %s\nwant a row %s", text, want)
	}
}

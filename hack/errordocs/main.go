// Command errordocs writes docs/errors.md, and the remedies that az aro prints, from
// the error catalogue. It contains no text about any code.
package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aro-rp/aro/arm"
)

const intro = `<!-- Written by hack/errordocs from arm/codes.go. Do not edit: run make generate. -->
# Errors

Every failure is answered as ` + "`{\"error\": {\"code\", \"message\", \"target\", \"details\"}}`" + `. The code never changes
its meaning: match on it, not on the message. The target is the JSON path of what has to change. When more than
one thing is wrong, ` + "`details`" + ` lists them all, each with its own code and target. An operation that failed after
the request was accepted carries the same object in its status; the HTTP status below then does not apply.

| Code | HTTP status | When | What to do |
|---|---|---|---|
`

const remediesIntro = `"""What to do about each error code of the service.

Written by hack/errordocs from arm/codes.go. Do not edit: run make generate.
"""

# pylint: disable=line-too-long

REMEDIES = {
`

func main() {
	for path, content := range outputs(arm.Catalogue()) {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "error documentation:", err)
			os.Exit(1)
		}
	}
}

// outputs returns the files by path below the root.
func outputs(codes []arm.Code) map[string][]byte {
	return map[string][]byte{
		"docs/errors.md":                        page(codes),
		"clients/az-aro/azext_aro/_remedies.py": remedies(codes),
	}
}

// remedies renders the remedy of each code as a table in Python.
func remedies(codes []arm.Code) []byte {
	var b bytes.Buffer
	b.WriteString(remediesIntro)
	var names []string
	texts := map[string]string{}
	for _, c := range codes {
		if texts[c.Name] == "" {
			names, texts[c.Name] = append(names, c.Name), c.Remedy
		} else { // One code for several causes.
			texts[c.Name] += " Or: " + c.Remedy
		}
	}
	for _, name := range names {
		fmt.Fprintf(&b, "    %q: %q,\n", name, texts[name])
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// page renders the catalogue, a row for each code.
func page(codes []arm.Code) []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, c := range codes {
		fmt.Fprintf(&b, "| `%s` | %d %s | %s | %s |\n", c.Name, c.Status, http.StatusText(c.Status), cell(c.When), cell(c.Remedy))
	}
	return b.Bytes()
}

// cell escapes a text for a cell of the table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

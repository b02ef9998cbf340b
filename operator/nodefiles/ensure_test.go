package nodefiles_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/operator/nodefiles"
)

// TestOtherWordsOfTheSameIgnition compares what a node makes of an ignition, not how it is written.
func TestOtherWordsOfTheSameIgnition(t *testing.T) {
	config, err := nodefiles.MachineConfig("x", "worker", []nodefiles.File{{Path: "/b", Mode: 0o644, Content: []byte("a b\n")}, {Path: "/c", Mode: 0o744, Content: []byte("x")}},
		[]nodefiles.Unit{{Name: "u.service", Content: []byte("[Unit]\n")}})
	if err != nil {
		t.Fatal(err)
	}
	ours := string(config.Spec.Config.Raw)
	file := func(path, mode, contents string) string {
		return `{"overwrite":true,"path":"` + path + `","user":{"name":"root"},"contents":` + contents + `,"mode":` + mode + `}`
	}
	whole := func(files ...string) string {
		return `{"systemd":{"units":[{"contents":"[Unit]\n","name":"u.service","enabled":true}]},"storage":{"files":[` + strings.Join(files, ",") + `]},"ignition":{"version":"3.5.0","config":{},"timeouts":{}},"passwd":{}}`
	}
	b, c := file("/b", "420", `{"source":"data:,a%20b%0A","verification":{}}`), file("/c", "484", `{"compression":"","source":"data:text/plain;charset=utf-8;base64,eA=="}`)
	zipped := file("/b", "420", `{"compression":"gzip","source":"data:;base64,H4sIAAAAAAAAA0tUSOICAJ2j9JkEAAAA"}`)
	for name, test := range map[string]struct {
		theirs string
		same   bool
	}{
		"itself":               {ours, true},
		"other words":          {whole(b, c), true},
		"another order":        {whole(c, b), true},
		"another mode":         {whole(file("/b", "493", `{"source":"data:,a%20b%0A"}`), c), false},
		"other contents":       {whole(file("/b", "420", `{"source":"data:,a%20b"}`), c), false},
		"a file less":          {whole(b), false},
		"a file more":          {whole(b, c, file("/d", "420", `{"source":"data:,"}`)), false},
		"a unit that is off":   {strings.Replace(whole(b, c), `"enabled":true`, `"enabled":false`, 1), false},
		"not what it says":     {whole(strings.Replace(zipped, "H4s", "H5s", 1), c), false},
		"what cannot be read":  {"{", false},
		"nothing":              {"", false},
		"an ignition before 3": {strings.Replace(whole(b, c), "3.5.0", "2.2.0", 1), false},
	} {
		if got := nodefiles.Same([]byte(ours), []byte(test.theirs)); got != test.same {
			t.Errorf("%s: the same is %t", name, got)
		}
	}
	if nodefiles.Same(nil, nil) {
		t.Error("two that say nothing are the same")
	}
}

package operator

import (
	"encoding/base64"
	"strings"
	"testing"

	ignition "github.com/coreos/ignition/v2/config/v3_2"
)

// ignitionFiles are the files and units of an ignition, which the official library
// must read without a complaint.
func ignitionFiles(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	config, report, err := ignition.ParseCompatibleVersion(raw)
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("the library of Ignition does not take it: %v %s", err, report.String())
	}
	found := map[string]string{}
	for _, f := range config.Storage.Files {
		_, encoded, is := strings.Cut(*f.Contents.Source, ";base64,")
		content, err := base64.StdEncoding.DecodeString(encoded)
		if !is || err != nil || f.Mode == nil || f.Overwrite == nil || !*f.Overwrite {
			t.Fatalf("%s is not as it should be: %v", f.Path, err)
		}
		found[f.Path] = string(content)
	}
	for _, u := range config.Systemd.Units {
		if u.Enabled == nil || !*u.Enabled || u.Contents == nil {
			t.Fatalf("%s is not enabled or empty", u.Name)
		}
		found[u.Name] = *u.Contents
	}
	return found
}

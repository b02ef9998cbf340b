package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSiftKeepsWhatNobodyAccepted(t *testing.T) {
	found := []finding{
		{Rule: "Secret", Version: "v1", Where: "definitions.A.properties.key"},
		{Rule: "Secret", Version: "v2", Where: "definitions.A.properties.key"},
		{Rule: "Codes", Version: "v1", Where: "A_Update.responses"},
	}
	tests := map[string]struct {
		reason   string
		list     acceptances
		open     int
		wantIdle []string
	}{
		"nothing accepted":   {reason: "every finding is open", open: 3},
		"everything by star": {reason: "a star stands for any text", list: acceptances{{Rule: "Secret", Where: []string{"*"}}, {Rule: "Codes", Versions: []string{"v1"}, Where: []string{"A_*"}}}},
		"one version only":   {reason: "an entry for v1 does not excuse v2", list: acceptances{{Rule: "Secret", Versions: []string{"v1"}, Where: []string{"definitions.A.*"}}}, open: 2},
		"other rule":         {reason: "the name of the rule counts", list: acceptances{{Rule: "Secre", Versions: []string{"v1"}, Where: []string{"*"}}}, open: 3, wantIdle: []string{"v1: Secre at *"}},
		"points are points":  {reason: "only a star is special", list: acceptances{{Rule: "Codes", Versions: []string{"v1"}, Where: []string{"A.Update.responses"}}}, open: 3, wantIdle: []string{"v1: Codes at A.Update.responses"}},
		"gone in a version":  {reason: "an entry for all versions must occur in all", list: acceptances{{Rule: "Codes", Where: []string{"*"}}}, open: 2, wantIdle: []string{"v2: Codes at *"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			open, idle := test.list.sift(found, []string{"v1", "v2"})
			if len(open) != test.open || !slices.Equal(idle, test.wantIdle) {
				t.Errorf("%s: open %v, idle %q", test.reason, open, idle)
			}
		})
	}
}

func TestAnEntryNeedsAReason(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accepted.yaml")
	for text, sound := range map[string]bool{
		"- {rule: R, where: ['*'], reason: because}":             true,
		"- {rule: R, where: ['*']}":                              false,
		"- {rule: R, reason: because}":                           false,
		"- {rule: R, where: ['*'], reason: because, becuse: oh}": false,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAccepted(file); (err == nil) != sound {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRemovedPropertyIsABreakingChange(t *testing.T) {
	found, err := breakingChanges([]string{
		"../../openapi/arm/2021-09-01-preview/redhatopenshift.json",
		"../../openapi/arm/2022-04-01/redhatopenshift.json",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f finding) bool {
		return f.Version == "2022-04-01" && f.Rule == "request-property-removed" &&
			pattern("OpenShiftClusters_CreateOrUpdate: *softwareDefinedNetwork*").MatchString(f.Where)
	}) {
		t.Errorf("softwareDefinedNetwork went away, but the findings are %v", found)
	}
}

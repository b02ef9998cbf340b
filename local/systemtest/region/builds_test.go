package region

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// newer makes a build of the simulated provider whose clusters have a member that other
// builds do not know.
func (w *fixture) newer(version string) {
	w.t.Helper()
	w.changed(version, map[string][2]string{
		"model/internal.go":         {"\tUnknown\n", "\tUnknown\n\n\tNewer string `json:\"newer,omitempty\"`\n"},
		"test/simulated/records.go": {"c.Internal.InfraID = id\n", "c.Internal.InfraID, c.Internal.Newer = id, r.build\n"},
	})
}

// changed makes a build of the simulated provider with another text in files.
func (w *fixture) changed(version string, changes map[string][2]string) {
	w.t.Helper()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir := w.t.TempDir()
	for file, change := range changes {
		path := filepath.Join(repository(w.t), file)
		content, err := os.ReadFile(path)
		must(w.t, err)
		changed := strings.Replace(string(content), change[0], change[1], 1)
		if changed == string(content) {
			w.t.Fatalf("%s has no %q", file, change[0])
		}
		overlay.Replace[path] = filepath.Join(dir, filepath.Base(file))
		must(w.t, os.WriteFile(overlay.Replace[path], []byte(changed), 0o600))
	}
	content, err := json.Marshal(overlay)
	must(w.t, err)
	file := filepath.Join(dir, "overlay.json")
	must(w.t, os.WriteFile(file, content, 0o600))
	w.build(version, simulated, "-overlay", file)
}

// marked is the number of clusters with the member of the newer build.
func (w *fixture) marked() int {
	w.t.Helper()
	all, err := w.azure.State.List(w.t.Context(), "cosmosDocument", "")
	must(w.t, err)
	n := 0
	for _, entry := range all {
		if strings.Contains(entry.Key, "/colls/Clusters|") && strings.Contains(string(entry.Value), `"newer":"v2"`) {
			n++
		}
	}
	return n
}

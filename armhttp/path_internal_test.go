package armhttp

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/aro-rp/aro/arm"
)

func TestQueryParametersHaveTheSpellingOfTheSpecs(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`"name": "([^"]+)",\s+"in": "query"|"in": "query",\s+"name": "([^"]+)"`)
	names := []string{"api-version", "$top", "$skipToken"}
	for _, pattern := range []string{"admin/*.json", "arm/*/*/*/*.json", "arm/*/*.json", "arm/*.json"} {
		files, err := filepath.Glob(filepath.Join("../openapi", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range parameter.FindAllStringSubmatch(string(text), -1) {
				names = append(names, found[1]+found[2])
			}
		}
	}
	if len(names) < 9 {
		t.Fatalf("found only %q", names)
	}
	for _, name := range names {
		if spelling(arm.ToLower(name)) != name {
			t.Errorf("%s is spelled %s", name, spelling(arm.ToLower(name)))
		}
	}
}

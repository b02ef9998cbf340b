package cosmos_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
)

// Deployments are written after the document, and nothing else would notice a
// container without its unique keys.
func TestTheDocumentSaysWhatContainersNeed(t *testing.T) {
	text, err := os.ReadFile("../../docs/production.md")
	must(t, err)
	for _, c := range store.Containers() {
		p := cosmos.Properties(c)
		if row := fmt.Sprintf("| `%s` | %d | %s |", p.ID, *p.DefaultTimeToLive, uniqueKeys(p)); !strings.Contains(string(text), row) {
			t.Errorf("docs/production.md lacks the row %s", row)
		}
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("docs/production.md shows no container")
	}
	want, err := json.Marshal(cosmos.Properties(store.Containers()[0]))
	must(t, err)
	if got := compact(t, example[1]); got != compact(t, want) {
		t.Errorf("docs/production.md shows\n%s\nthe service needs\n%s", got, want)
	}
}

func uniqueKeys(p azcosmos.ContainerProperties) string {
	if p.UniqueKeyPolicy == nil {
		return "none"
	}
	var keys []string
	for _, key := range p.UniqueKeyPolicy.UniqueKeys {
		keys = append(keys, "`"+strings.Join(key.Paths, "+")+"`")
	}
	return strings.Join(keys, ", ")
}

// compact writes JSON with its members in order.
func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	must(t, json.Unmarshal(raw, &v))
	sorted, err := json.Marshal(v)
	must(t, err)
	return string(sorted)
}

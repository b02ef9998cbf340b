package alerts

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// misfits are what Grafana's own model, which knows no other members, does not take of a dashboard.
func misfits(text string) (all []error) {
	var d grafana.Dashboard
	for _, err := range []error{d.UnmarshalJSONStrict([]byte(text)), d.Validate()} {
		var wrong cog.BuildErrors // empty, not nil, if nothing is wrong
		switch {
		case errors.As(err, &wrong):
			for _, one := range wrong {
				all = append(all, one)
			}
		case err != nil:
			all = append(all, err)
		}
	}
	return all
}

func TestDashboardFitsGrafanasModel(t *testing.T) {
	plugins.RegisterDefaultPlugins() // of panels and of queries
	read, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(read)
	for _, err := range misfits(text) {
		t.Error(err)
	}
	for i, wrong := range []string{strings.Replace(text, `"expr"`, `"query"`, 1), strings.Replace(text, `"gridPos"`, `"position"`, 1), strings.Replace(text, `"schemaVersion": 39`, `"schemaVersion": "new"`, 1)} {
		if wrong == text || len(misfits(wrong)) == 0 {
			t.Errorf("case %d: a dashboard that is wrong fits, too", i)
		}
	}
}

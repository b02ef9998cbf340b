package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openshift/installer/pkg/asset"

	"github.com/aro-rp/aro/installer/graph"
)

// base, middle and top depend on each other like the installer's assets do.
type base struct {
	Text  string
	Made  int
	Fails error
}

func (*base) Name() string                { return "base" }
func (*base) Dependencies() []asset.Asset { return nil }
func (b *base) Generate(context.Context, asset.Parents) error {
	b.Made++
	b.Text = "made"
	return nil
}

type middle struct{ Text string }

func (*middle) Name() string                { return "middle" }
func (*middle) Dependencies() []asset.Asset { return []asset.Asset{&base{}} }
func (m *middle) Generate(_ context.Context, parents asset.Parents) error {
	b := &base{}
	parents.Get(b)
	if b.Fails != nil {
		return b.Fails
	}
	m.Text = "from " + b.Text
	return nil
}

type top struct{ Text string }

func (*top) Name() string                { return "top" }
func (*top) Dependencies() []asset.Asset { return []asset.Asset{&base{}, &middle{}} }
func (t *top) Generate(_ context.Context, parents asset.Parents) error {
	m := &middle{}
	parents.Get(m)
	if m.Text == "from nothing" {
		var none *middle
		t.Text = none.Text
	}
	t.Text = "top " + m.Text
	return nil
}

func unchanged(context.Context, asset.Asset) error { return nil }

func TestAnAssetIsGeneratedOnceAfterWhatItDependsOn(t *testing.T) {
	var order []string
	g := graph.New(func(_ context.Context, a asset.Asset) error {
		order = append(order, a.Name())
		return nil
	})
	for range 2 {
		if err := g.Generate(t.Context(), &top{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(order, " "); got != "base middle top" {
		t.Errorf("generated %s", got)
	}
	if made, err := graph.Get[*top](g); err != nil || made.Text != "top from made" {
		t.Errorf("got %v, %v", made, err)
	}
}

func TestAChangeIsSeenByWhatIsBuiltOnIt(t *testing.T) {
	g := graph.New(func(_ context.Context, a asset.Asset) error {
		if b, ok := a.(*base); ok {
			b.Text = "changed"
		}
		return nil
	})
	if err := g.Generate(t.Context(), &top{}); err != nil {
		t.Fatal(err)
	}
	if made, _ := graph.Get[*top](g); made.Text != "top from changed" {
		t.Errorf("got %q", made.Text)
	}
}

func TestAGivenAssetIsNeitherGeneratedNorChanged(t *testing.T) {
	g := graph.New(func(_ context.Context, a asset.Asset) error {
		if a.Name() == "base" {
			return errors.New("changed")
		}
		return nil
	}, &base{Text: "given"})
	if err := g.Generate(t.Context(), &top{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := graph.Get[*base](g); b.Made != 0 || b.Text != "given" {
		t.Errorf("got %+v", b)
	}
}

func TestAFailureNamesTheAsset(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	broken := errors.New("broken")
	tests := map[string]struct {
		ctx    context.Context
		change func(context.Context, asset.Asset) error
		given  *base
		asset  string
		says   string
	}{
		"in generating": {t.Context(), unchanged, &base{Fails: broken}, "*graph_test.middle", "broken"},
		"in changing": {t.Context(), func(_ context.Context, a asset.Asset) error {
			if a.Name() == "top" {
				return broken
			}
			return nil
		}, &base{}, "*graph_test.top", "broken"},
		"by a panic": {t.Context(), unchanged, &base{Text: "nothing"}, "*graph_test.top", "(*top).Generate"},
		"by the end": {ended, unchanged, &base{}, "*graph_test.middle", "canceled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := graph.New(test.change, test.given).Generate(test.ctx, &top{})
			var failed *graph.Failure
			if !errors.As(err, &failed) || failed.Asset != test.asset || !strings.Contains(failed.Err.Error(), test.says) {
				t.Errorf("got %v, want %s failing with %q", err, test.asset, test.says)
			}
		})
	}
}

func TestIndependentAssetsAreGeneratedTogether(t *testing.T) {
	tests := map[string]struct {
		independent []string
		made        string
	}{
		"all":                               {[]string{"base", "middle", "top"}, "base middle top"},
		"one that others depend on":         {[]string{"base"}, "base"},
		"one whose dependency is dependent": {[]string{"base", "top"}, "base"},
		"none":                              {nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var order []string
			g := graph.New(func(_ context.Context, a asset.Asset) error {
				order = append(order, a.Name())
				return nil
			})
			accept := func(a asset.Asset) bool { return slices.Contains(test.independent, a.Name()) }
			if err := g.Together(t.Context(), accept, &top{}, &base{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(order, " "); got != test.made {
				t.Errorf("generated %q, want %q", got, test.made)
			}
			if err := g.Generate(t.Context(), &top{}); err != nil {
				t.Fatal(err)
			}
			if made, err := graph.Get[*top](g); err != nil || made.Text != "top from made" || len(order) != 3 {
				t.Errorf("got %v, %v from %v", made, err, order)
			}
		})
	}
}

func TestAFailureOfOneOfSeveralNamesTheAsset(t *testing.T) {
	err := graph.New(unchanged, &base{Text: "nothing"}).Together(t.Context(), func(asset.Asset) bool { return true }, &top{})
	var failed *graph.Failure
	if !errors.As(err, &failed) || failed.Asset != "*graph_test.top" {
		t.Errorf("got %v", err)
	}
}

func TestEveryAssetIsInTheJSONUnderItsType(t *testing.T) {
	g := graph.New(unchanged)
	if err := g.Generate(t.Context(), &top{}); err != nil {
		t.Fatal(err)
	}
	all, err := g.JSON()
	if err != nil || len(all) != 3 {
		t.Fatalf("got %d assets, %v", len(all), err)
	}
	var m middle
	if err := json.Unmarshal(all["*graph_test.middle"], &m); err != nil || m.Text != "from made" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestAnAssetThatWasNotGeneratedIsAnError(t *testing.T) {
	if _, err := graph.Get[*top](graph.New(unchanged)); err == nil {
		t.Error("got none")
	}
}

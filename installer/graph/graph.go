// Package graph generates assets of the OpenShift installer: first the dependencies
// of an asset, then the asset, each once. It replaces the installer's own store,
// which keeps its state in a directory and prompts for missing values.
//
// It knows no asset by name. The caller provides given assets and changes.
package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/openshift/installer/pkg/asset"
	"golang.org/x/sync/errgroup"
)

// Graph has the assets generated so far.
type Graph struct {
	assets asset.Parents
	// changed is called with every asset right after it was generated, before any
	// other asset reads it, so that dependent assets agree with the change.
	changed func(context.Context, asset.Asset) error
}

// Failure names the asset that could not be generated.
type Failure struct {
	Asset string // its Go type
	Err   error
}

// Error returns the asset and the error.
func (f *Failure) Error() string { return f.Asset + ": " + f.Err.Error() }

// Unwrap returns the error.
func (f *Failure) Unwrap() error { return f.Err }

// New returns a graph with given assets, which are never generated. Change may
// alter every other asset.
func New(change func(context.Context, asset.Asset) error, given ...asset.Asset) *Graph {
	g := &Graph{assets: asset.Parents{}, changed: change}
	g.assets.Add(given...)
	return g
}

// Together generates those of the assets and of their dependencies that are
// independent and depend on each other and on given assets only, several at a time.
func (g *Graph) Together(ctx context.Context, independent func(asset.Asset) bool, of ...asset.Asset) error {
	left := g.missing(independent, of)
	for {
		ready := slices.DeleteFunc(slices.Clone(left), func(a asset.Asset) bool { return !g.ready(a) })
		if len(ready) == 0 {
			return nil
		}
		left = slices.DeleteFunc(left, g.ready)
		if err := g.all(ctx, ready); err != nil {
			return err
		}
	}
}

// missing returns the independent ones, each once.
func (g *Graph) missing(independent func(asset.Asset) bool, of []asset.Asset) (found []asset.Asset) {
	seen := map[reflect.Type]bool{}
	var look func([]asset.Asset)
	look = func(all []asset.Asset) {
		for _, a := range all {
			t := reflect.TypeOf(a)
			if _, done := g.assets[t]; done || seen[t] {
				continue
			}
			seen[t] = true
			look(a.Dependencies())
			if independent(a) {
				found = append(found, a)
			}
		}
	}
	look(of)
	return found
}

// ready reports whether all that the asset depends on was generated.
func (g *Graph) ready(a asset.Asset) bool {
	return !slices.ContainsFunc(a.Dependencies(), func(d asset.Asset) bool {
		_, done := g.assets[reflect.TypeOf(d)]
		return !done
	})
}

// all generates assets that are ready. No other changes the graph meanwhile.
func (g *Graph) all(ctx context.Context, ready []asset.Asset) error {
	several, stop := errgroup.WithContext(ctx)
	several.SetLimit(runtime.GOMAXPROCS(0))
	for _, a := range ready {
		several.Go(func() error { return g.generate(stop, a) })
	}
	if err := several.Wait(); err != nil {
		return err
	}
	for _, a := range ready {
		if err := g.add(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// Generate generates the asset and its dependencies.
func (g *Graph) Generate(ctx context.Context, a asset.Asset) error {
	if _, done := g.assets[reflect.TypeOf(a)]; done {
		return nil
	}
	for _, d := range a.Dependencies() {
		if err := g.Generate(ctx, d); err != nil {
			return err
		}
	}
	if err := g.generate(ctx, a); err != nil {
		return err
	}
	return g.add(ctx, a)
}

// generate generates an asset that is ready.
func (g *Graph) generate(ctx context.Context, a asset.Asset) error {
	return attempt(a, func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return a.Generate(ctx, g.assets)
	})
}

// add changes a generated asset, and lets others read it.
func (g *Graph) add(ctx context.Context, a asset.Asset) error {
	if err := attempt(a, func() error { return g.changed(ctx, a) }); err != nil {
		return err
	}
	g.assets.Add(a)
	return nil
}

// attempt converts a panic into an error: the installer's templates panic on invalid
// input.
func attempt(a asset.Asset, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in %s: %v", panicking(), r)
		}
		if err != nil {
			err = &Failure{Asset: reflect.TypeOf(a).String(), Err: err}
		}
	}()
	return do()
}

// panicking returns the name of the function that panicked. It is called in a
// deferred function.
func panicking() string {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for below := false; ; {
		f, more := frames.Next()
		switch inRuntime := strings.HasPrefix(f.Function, "runtime."); {
		case f.Function == "runtime.gopanic":
			below = true
		case below && !inRuntime:
			return fmt.Sprintf("%s (line %d)", f.Function, f.Line)
		}
		if !more {
			return "an unknown function"
		}
	}
}

// Get returns the asset of that type, which was generated before.
func Get[A asset.Asset](g *Graph) (A, error) {
	var none A
	a, ok := g.assets[reflect.TypeFor[A]()].(A)
	if !ok {
		return none, fmt.Errorf("asset %T was not generated", none)
	}
	return a, nil
}

// JSON returns every asset by the name of its Go type.
func (g *Graph) JSON() (map[string]json.RawMessage, error) {
	all := make(map[string]json.RawMessage, len(g.assets))
	for t, a := range g.assets {
		if _, twice := all[t.String()]; twice {
			return nil, fmt.Errorf("two assets are called %s", t)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("asset %s: %w", t, err)
		}
		all[t.String()] = raw
	}
	return all, nil
}

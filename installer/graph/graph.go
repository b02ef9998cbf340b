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
	"strings"

	"github.com/openshift/installer/pkg/asset"
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
	if err := g.one(ctx, a); err != nil {
		return &Failure{Asset: reflect.TypeOf(a).String(), Err: err}
	}
	g.assets.Add(a)
	return nil
}

// one converts a panic into an error: the installer's templates panic on invalid
// input.
func (g *Graph) one(ctx context.Context, a asset.Asset) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in %s: %v", panicking(), r)
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.Generate(ctx, g.assets); err != nil {
		return err
	}
	return g.changed(ctx, a)
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

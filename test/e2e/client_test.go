package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/aro-rp/aro/clients/go/aro20191231preview"
	"github.com/aro-rp/aro/clients/go/aro20200430"
	"github.com/aro-rp/aro/clients/go/aro20210901preview"
	"github.com/aro-rp/aro/clients/go/aro20220401"
	"github.com/aro-rp/aro/clients/go/aro20220904"
	"github.com/aro-rp/aro/clients/go/aro20230401"
	"github.com/aro-rp/aro/clients/go/aro20230701preview"
	"github.com/aro-rp/aro/clients/go/aro20230904"
	"github.com/aro-rp/aro/clients/go/aro20231122"
	"github.com/aro-rp/aro/clients/go/aro20240812preview"
	"github.com/aro-rp/aro/clients/go/aro20250725"

	"github.com/aro-rp/aro/test/harness"
)

// client is one api-version's generated client of clusters. The packages of the
// versions share names but no types, so methods are called by name, and models are
// passed as JSON.
type client struct {
	ctx context.Context
	reflect.Value
}

// constructor makes a client; it returns an any of the version's own type.
type constructor func(options *azarm.ClientOptions) (any, error)

// of hides the type that a constructor returns.
func of[T any](construct func(string, azcore.TokenCredential, *azarm.ClientOptions) (T, error)) constructor {
	return func(options *azarm.ClientOptions) (any, error) { return construct(subscription, token{}, options) }
}

// constructors are those of all generated clients, by api-version.
var constructors = map[string]constructor{
	"2019-12-31-preview": of(aro20191231preview.NewOpenShiftClustersClient),
	"2020-04-30":         of(aro20200430.NewOpenShiftClustersClient),
	"2021-09-01-preview": of(aro20210901preview.NewOpenShiftClustersClient),
	"2022-04-01":         of(aro20220401.NewOpenShiftClustersClient),
	"2022-09-04":         of(aro20220904.NewOpenShiftClustersClient),
	"2023-04-01":         of(aro20230401.NewOpenShiftClustersClient),
	"2023-07-01-preview": of(aro20230701preview.NewOpenShiftClustersClient),
	"2023-09-04":         of(aro20230904.NewOpenShiftClustersClient),
	"2023-11-22":         of(aro20231122.NewOpenShiftClustersClient),
	"2024-08-12-preview": of(aro20240812preview.NewOpenShiftClustersClient),
	"2025-07-25":         of(aro20250725.NewOpenShiftClustersClient),
}

// everyVersion runs a test with the client of each api-version, all at one service.
func everyVersion(t *testing.T, test func(t *testing.T, version string, c client)) {
	t.Parallel()
	ctx, options := serve(t)
	for _, version := range harness.Versions() {
		construct, ok := constructors[version]
		if !ok {
			t.Errorf("%s: no client", version)
			continue
		}
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			made, err := construct(options)
			if err != nil {
				t.Fatal(err)
			}
			test(t, version, client{ctx, reflect.ValueOf(made)})
		})
	}
}

// has reports whether the version has the method.
func (c client) has(method string) bool { return c.MethodByName(method).IsValid() }

// call calls a method with the context and args; options that are not given are
// nil. An Object becomes the model that the method takes.
func (c client) call(method string, args ...any) (reflect.Value, error) {
	out, err := invoke(c.Value, method, append([]any{c.ctx}, args...)...)
	if err != nil {
		return reflect.Value{}, err
	}
	err, _ = out[1].Interface().(error)
	return out[0], err
}

// model calls a method and returns the model it answers.
func (c client) model(method string, args ...any) (harness.Object, error) {
	answer, err := c.call(method, args...)
	if err != nil {
		return nil, err
	}
	return object(answer)
}

// finish begins a long-running operation and lets the client's own poller see it
// to its end.
func (c client) finish(method string, args ...any) (harness.Object, error) {
	poller, err := c.call("Begin"+method, args...)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return client{c.ctx, poller}.model("PollUntilDone")
}

// list lists clusters to the last page. The oldest version has but one page.
func (c client) list(method string, args ...any) ([]any, error) {
	if !c.has("New" + method + "Pager") {
		page, err := c.model(method, args...)
		all, _ := page["value"].([]any)
		return all, err
	}
	made, err := invoke(c.Value, "New"+method+"Pager", args...)
	if err != nil {
		return nil, err
	}
	pager := client{c.ctx, made[0]}
	var all []any
	for {
		more, err := invoke(pager.Value, "More")
		if err != nil || !more[0].Bool() {
			return all, err
		}
		page, err := pager.model("NextPage")
		if err != nil {
			return nil, err
		}
		value, _ := page["value"].([]any)
		all = append(all, value...)
	}
}

func invoke(on reflect.Value, name string, args ...any) ([]reflect.Value, error) {
	method := on.MethodByName(name)
	if !method.IsValid() {
		return nil, fmt.Errorf("%s has no method %s", on.Type(), name)
	}
	in := make([]reflect.Value, method.Type().NumIn())
	for i := range in {
		in[i] = reflect.Zero(method.Type().In(i))
		if i >= len(args) {
			continue
		}
		body, ok := args[i].(harness.Object)
		if !ok {
			in[i] = reflect.ValueOf(args[i])
			continue
		}
		model := reflect.New(method.Type().In(i))
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, model.Interface()); err != nil {
			return nil, err
		}
		in[i] = model.Elem()
	}
	return method.Call(in), nil
}

func object(v reflect.Value) (o harness.Object, err error) {
	raw, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	return o, json.Unmarshal(raw, &o)
}

package cloud_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// BenchmarkCalls measures calls of a customer in a subscription that holds the
// resources of many clusters.
func BenchmarkCalls(b *testing.B) {
	ctx := context.Background()
	a, err := cloud.New(ctx, cloud.Options{Dir: b.TempDir(), Origin: "https://localhost:1", Unlimited: true})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	demo, err := a.Entra.ServicePrincipal(ctx, cloud.DemoApplication)
	if err != nil {
		b.Fatal(err)
	}
	caller := resources.Caller{TenantID: cloud.TenantID, ObjectID: demo.ObjectID, AppID: demo.AppID}
	do := func(method, path string, body map[string]any) {
		call := &resources.Call{Method: method, Path: path, Query: url.Values{"api-version": {"1"}}, Header: http.Header{}, Body: body, Caller: caller}
		if _, err := a.Do(ctx, call); err != nil {
			b.Fatal(err)
		}
	}
	thing := func(group, n int) string {
		return fmt.Sprintf("%s/resourceGroups/g%d/providers/Microsoft.Network/things/%d", customer, group, n)
	}
	for group := range 50 {
		do(http.MethodPut, fmt.Sprintf("%s/resourceGroups/g%d", customer, group), map[string]any{"location": "eastus"})
		for n := range 40 {
			do(http.MethodPut, thing(group, n), map[string]any{"location": "eastus", "properties": map[string]any{"a": "b"}})
		}
	}
	b.Run("read one", func(b *testing.B) {
		for b.Loop() {
			do(http.MethodGet, thing(25, 20), nil)
		}
	})
	b.Run("list a group", func(b *testing.B) {
		for b.Loop() {
			do(http.MethodGet, customer+"/resourceGroups/g25/resources", nil)
		}
	})
	b.Run("find an account by name", func(b *testing.B) {
		for b.Loop() {
			if _, found, err := a.StorageAccount(ctx, "aroidc"); err != nil || !found {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("write one", func(b *testing.B) {
		for b.Loop() {
			do(http.MethodPut, thing(25, 20), map[string]any{"location": "eastus"})
		}
	})
}

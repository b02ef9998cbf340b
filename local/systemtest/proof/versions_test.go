package proof

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
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
)

// version is one api-version by its own client. Clusters pass as JSON.
type version struct {
	name   string
	get    func(ctx context.Context, group, name string) (any, error)
	put    func(ctx context.Context, group, name string, body []byte) error
	patch  func(ctx context.Context, group, name string, body []byte) error
	remove func(ctx context.Context, group, name string) error
}

// clusters is what the clients of all versions have in common; each has types of
// its own.
type clusters[C, U, GO, G, PO, P, UO, UR, DO, D any] interface {
	Get(ctx context.Context, group, name string, o *GO) (G, error)
	BeginCreateOrUpdate(ctx context.Context, group, name string, c C, o *PO) (*runtime.Poller[P], error)
	BeginUpdate(ctx context.Context, group, name string, u U, o *UO) (*runtime.Poller[UR], error)
	BeginDelete(ctx context.Context, group, name string, o *DO) (*runtime.Poller[D], error)
}

type constructor[T any] func(subscription string, credential azcore.TokenCredential, options *arm.ClientOptions) (T, error)

func everySecond() *runtime.PollUntilDoneOptions {
	return &runtime.PollUntilDoneOptions{Frequency: time.Second}
}

// by makes a version of a client.
func by[T clusters[C, U, GO, G, PO, P, UO, UR, DO, D], C, U, GO, G, PO, P, UO, UR, DO, D any](t *testing.T, s *session, name string, client constructor[T]) version {
	t.Helper()
	c, err := client(s.SubscriptionID, s.credential, s.options())
	if err != nil {
		t.Fatal(err)
	}
	return version{name: name,
		get: func(ctx context.Context, group, name string) (any, error) { return c.Get(ctx, group, name, nil) },
		put: func(ctx context.Context, group, name string, body []byte) error {
			var cluster C
			if err := json.Unmarshal(body, &cluster); err != nil {
				return err
			}
			poller, err := c.BeginCreateOrUpdate(ctx, group, name, cluster, nil)
			if err != nil {
				return err
			}
			_, err = poller.PollUntilDone(ctx, everySecond())
			return err
		},
		patch: func(ctx context.Context, group, name string, body []byte) error {
			var change U
			if err := json.Unmarshal(body, &change); err != nil {
				return err
			}
			poller, err := c.BeginUpdate(ctx, group, name, change, nil)
			if err != nil {
				return err
			}
			_, err = poller.PollUntilDone(ctx, everySecond())
			return err
		},
		remove: func(ctx context.Context, group, name string) error {
			poller, err := c.BeginDelete(ctx, group, name, nil)
			if err != nil {
				return err
			}
			_, err = poller.PollUntilDone(ctx, everySecond())
			return err
		},
	}
}

// versions are all that there are, the oldest first.
func versions(t *testing.T, s *session) []version {
	return []version{
		by(t, s, "2019-12-31-preview", aro20191231preview.NewOpenShiftClustersClient),
		by(t, s, "2020-04-30", aro20200430.NewOpenShiftClustersClient),
		by(t, s, "2021-09-01-preview", aro20210901preview.NewOpenShiftClustersClient),
		by(t, s, "2022-04-01", aro20220401.NewOpenShiftClustersClient),
		by(t, s, "2022-09-04", aro20220904.NewOpenShiftClustersClient),
		by(t, s, "2023-04-01", aro20230401.NewOpenShiftClustersClient),
		by(t, s, "2023-07-01-preview", aro20230701preview.NewOpenShiftClustersClient),
		by(t, s, "2023-09-04", aro20230904.NewOpenShiftClustersClient),
		by(t, s, "2023-11-22", aro20231122.NewOpenShiftClustersClient),
		by(t, s, "2024-08-12-preview", aro20240812preview.NewOpenShiftClustersClient),
		by(t, s, "2025-07-25", aro20250725.NewOpenShiftClustersClient),
	}
}

// speaks goes through a version with a cluster that exists: it is read, written
// back as it is, which changes nothing, and tagged.
func (c *customer) speaks(ctx context.Context, t *testing.T, v version) {
	t.Helper()
	before, err := v.get(ctx, c.name, c.name)
	if err != nil {
		t.Fatalf("%s: read: %v", v.name, err)
	}
	body := as[m](t, before)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var answer *http.Response
	if err := v.put(policy.WithCaptureResponse(ctx, &answer), c.name, c.name, text); err != nil {
		t.Fatalf("%s: write what was read: %v", v.name, err)
	}
	if answer.Header.Get("Azure-AsyncOperation") != "" {
		t.Errorf("%s: to write what was read began an operation", v.name)
	}
	if err := v.patch(ctx, c.name, c.name, []byte(`{"tags":{"seen":"`+v.name+`"}}`)); err != nil {
		t.Fatalf("%s: tag: %v", v.name, err)
	}
	after, err := v.get(ctx, c.name, c.name)
	if err != nil {
		t.Fatalf("%s: read again: %v", v.name, err)
	}
	changed := as[m](t, after)
	if tags, _ := changed["tags"].(m); tags["seen"] != v.name {
		t.Errorf("%s: the tags are %v", v.name, changed["tags"])
	}
	if is, was := changed["properties"].(m)["provisioningState"], body["properties"].(m)["provisioningState"]; is != was {
		t.Errorf("%s: the state is %v, it was %v", v.name, is, was)
	}
}

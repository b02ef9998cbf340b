package bench

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/aro-rp/aro/clients/go/aro20231122"

	"github.com/aro-rp/aro/test/harness"
)

const token = "not-a-real-token"

// credential is one that needs no directory.
type credential struct{}

func (credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// BenchmarkGoClient gets one cluster from a real process, alternately with the
// generated client and with the equivalent code without it: send the token, read
// the response, decode it into the client's model. Alternation and medians keep
// other load on the machine out of the ratio.
func BenchmarkGoClient(b *testing.B) {
	d := openDatabase(b)
	d.fill(b, 1)
	id := clusterID(0)
	p := start(b, harness.Options{Store: "sqlite:" + d.path, Args: []string{"--backend=false"}})
	wire := newCaller(p).http
	clusters, err := aro20231122.NewOpenShiftClustersClient(subscription, credential{}, &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: p.URL, Audience: p.URL}}},
			InsecureAllowCredentialWithHTTP: true,
			Transport:                       wire,
		},
		DisableRPRegistration: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	var plain, client []time.Duration
	for b.Loop() {
		plain = append(plain, timed(b, func() (c aro20231122.OpenShiftCluster, err error) {
			err = get(wire, p.URL+path(id)+"?api-version="+apiVersion, &c)
			return c, err
		}))
		client = append(client, timed(b, func() (aro20231122.OpenShiftCluster, error) {
			answer, err := clusters.Get(b.Context(), id.ResourceGroup, id.Name, nil)
			return answer.OpenShiftCluster, err
		}))
	}
	slices.Sort(plain)
	slices.Sort(client)
	typical, ours := milliseconds(plain[len(plain)/2]), milliseconds(client[len(client)/2])
	b.ReportMetric(typical, "plain-p50-ms")
	b.ReportMetric(ours, "client-p50-ms")
	b.ReportMetric(ours/typical, "client/plain")
}

func timed(b *testing.B, get func() (aro20231122.OpenShiftCluster, error)) time.Duration {
	began := time.Now()
	c, err := get()
	if err != nil || c.Name == nil || c.Properties == nil {
		b.Fatal(c.Name, err)
	}
	return time.Since(began)
}

// get is a GET by net/http alone.
func get(wire *http.Client, url string, into any) error {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := wire.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

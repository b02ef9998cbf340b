package azure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
)

const (
	origin       = "https://azure.test"
	tenant       = "00000000-0000-0000-0000-0000000000f0"
	subscription = "00000000-0000-0000-0000-0000000000a1"
	firstParty   = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"
)

// script answers requests beneath the SDK: handlers by "METHOD /path", each of
// which is used up in order until its last answer stays.
type script struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][]answer
	seen    []*http.Request
	bodies  []string
}

type answer struct {
	status int
	body   string
	header map[string]string
	fails  error // instead of an answer
	do     func(*http.Request, string) (int, string)
}

func (s *script) on(route string, answers ...answer) *script {
	s.answers[route] = answers
	return s
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
	key := r.Method + " " + r.URL.Path
	list := s.answers[key]
	if len(list) == 0 {
		s.t.Errorf("unexpected %s", key)
		return reply(r, answer{status: 418, body: `{"error":{"code":"Unexpected","message":"` + key + `"}}`}), nil
	}
	a := list[0]
	if len(list) > 1 {
		s.answers[key] = list[1:]
	}
	if a.fails != nil {
		return nil, a.fails
	}
	if a.do != nil {
		a.status, a.body = a.do(r, string(body))
	}
	return reply(r, a), nil
}

func reply(r *http.Request, a answer) *http.Response {
	resp := &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body))}
	for k, v := range a.header {
		resp.Header.Set(k, v)
	}
	return resp
}

// requests are those seen of a route.
func (s *script) requests(route string) (list []*http.Request, bodies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.seen {
		if r.Method+" "+r.URL.Path == route {
			list, bodies = append(list, r), append(bodies, s.bodies[i])
		}
	}
	return list, bodies
}

// static is a credential with one token.
type static string

func (s static) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// jwt makes an unsigned token of claims.
func jwt(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc(body) + "." + enc([]byte("x"))
}

const described = `{"name":"Local","resourceManager":"` + origin + `/","microsoftGraphResourceId":"` + origin + `/graph/",
"checkAccess":"` + origin + `/checkaccess","authentication":{"loginEndpoint":"` + origin + `","audiences":["` + origin + `/"]},
"suffixes":{"storage":"blob","keyVaultDns":"vaults"}}`

type stand struct {
	*script
	azure    *azure.Azure
	log      *bytes.Buffer
	registry *prometheus.Registry
}

// setUp returns an Azure whose every request the script answers.
func setUp(t *testing.T) *stand {
	t.Helper()
	return setUpIn(t, environment.Test)
}

func setUpIn(t *testing.T, mode environment.Mode) *stand {
	t.Helper()
	s := &script{t: t, answers: map[string][]answer{}}
	s.on("GET /metadata/endpoints", answer{status: 200, body: described})
	transport := &http.Client{Transport: s}
	cloud, err := azure.FindCloud(t.Context(), origin, transport)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	registry := prometheus.NewRegistry()
	a, err := azure.New(azure.Options{
		Cloud: cloud, Transport: transport, Service: static(jwt(map[string]any{"oid": "service"})), Metrics: registry,
		Environment: &environment.Environment{Mode: mode, TenantID: tenant, FirstPartyClientID: firstParty,
			ServiceVault: origin + "/vaults/aro-svc", IdentityVault: origin + "/vaults/aro-msi", MSIAudience: origin, IdentityHosts: []string{strings.TrimPrefix(origin, "https://")}},
		Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &stand{s, a, log, registry}
}

func (s *stand) clients(t *testing.T) *azure.Clients {
	t.Helper()
	c, err := s.azure.Clients(subscription, s.azure.Service())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var certificates = sync.OnceValue(func() []string { return []string{certificate("one"), certificate("two")} })

// certificate makes a self-signed certificate with its key, PEM.
func certificate(name string) string {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// secretAnswer returns a secret as the vault does.
func secretAnswer(name, version, value string, tags map[string]string) answer {
	body, _ := json.Marshal(map[string]any{"id": origin + "/vaults/v/secrets/" + name + "/" + version, "value": value, "tags": tags,
		"contentType": "application/x-pem-file"})
	return answer{status: 200, body: string(body)}
}

package proof

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// session is a client of the local Azure.
type session struct {
	Origin         string `json:"origin"`
	CAFile         string `json:"caFile"`
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`

	http       *http.Client
	credential azcore.TokenCredential
	line       runtime.Pipeline
	graph      runtime.Pipeline
}

// open logs in as the file of an identity says.
func open(t *testing.T, file string) *session {
	t.Helper()
	s := &session{}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	s.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	t.Cleanup(s.http.CloseIdleConnections)
	s.credential, err = azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: s.client(), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	s.line, s.graph = s.pipeline(s.Origin), s.pipeline(s.Origin+"/graph")
	return s
}

// pipeline carries tokens for an audience.
func (s *session) pipeline(audience string) runtime.Pipeline {
	options := s.client()
	return runtime.NewPipeline("proof", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{
		runtime.NewBearerTokenPolicy(s.credential, []string{audience + "/.default"}, nil)}}, &options)
}

func (s *session) client() policy.ClientOptions {
	return policy.ClientOptions{
		Transport: s.http,
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.Origin, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: s.Origin, Audience: s.Origin},
		}},
	}
}

// options are those of the SDK's clients.
func (s *session) options() *arm.ClientOptions { return &arm.ClientOptions{ClientOptions: s.client()} }

// call asks what no client of the SDK is for. body and into may be nil.
func (s *session) call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	if !strings.HasPrefix(path, "https://") {
		path = s.Origin + path
	}
	return s.do(ctx, s.line, method, path, body, into)
}

func (s *session) do(ctx context.Context, line runtime.Pipeline, method, path string, body, into any) (http.Header, error) {
	request, err := runtime.NewRequest(ctx, method, path)
	if err != nil {
		return nil, err
	}
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return nil, err
		}
	}
	answer, err := line.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return answer.Header, runtime.NewResponseError(answer)
	}
	if into == nil || answer.StatusCode == http.StatusNoContent {
		return answer.Header, answer.Body.Close()
	}
	return answer.Header, runtime.UnmarshalAsJSON(answer, into)
}

// want is call for what must go well.
func (s *session) want(ctx context.Context, t *testing.T, method, path string, body, into any) http.Header {
	t.Helper()
	header, err := s.call(ctx, method, path, body, into)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return header
}

// code is Azure's word for what went wrong, empty for other errors.
func code(err error) string {
	var refused *azcore.ResponseError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return ""
}

func missing(err error) bool {
	var refused *azcore.ResponseError
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}

// directory asks Microsoft Graph, which must answer well.
func (s *session) directory(ctx context.Context, t *testing.T, method, path string, body, into any) {
	t.Helper()
	if _, err := s.do(ctx, s.graph, method, s.Origin+"/graph/v1.0"+path, body, into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

package azure_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

const (
	tokenRoute     = "POST /" + tenant + "/oauth2/v2.0/token"
	discoveryRoute = "GET /" + tenant + "/v2.0/.well-known/openid-configuration"
	group          = "/subscriptions/" + subscription + "/resourcegroups/g"
	deploymentPath = group + "/providers/Microsoft.Resources/deployments/storage"
)

func TestCloudsAreFound(t *testing.T) {
	for name, want := range map[string]string{"public": "https://management.core.windows.net/.default", "USGovernment": "https://management.core.usgovcloudapi.net/.default"} {
		c, err := azure.FindCloud(t.Context(), name, nil)
		if err != nil || c.ARMScope() != want || c.Custom || !strings.Contains(c.CheckAccess, "{location}") {
			t.Errorf("%s: got %+v, %v, want scope %s", name, c, err, want)
		}
	}
	s := setUp(t)
	c := s.azure.Cloud()
	if c.Name != "Local" || !c.Custom || c.Graph != origin+"/graph" || c.CheckAccess != origin+"/checkaccess" || c.ARMScope() != origin+"/.default" ||
		c.ActiveDirectoryAuthorityHost != origin+"/" || c.VaultSuffix != "vaults" {
		t.Errorf("got %+v", c)
	}
}

func TestCloudsThatCannotBeUsedAreRefused(t *testing.T) {
	tests := map[string]struct {
		why, name string
		answer    answer
		want      string
	}{
		"a word":     {why: "a typing error", name: "publik", want: "use public"},
		"plain http": {why: "tokens need TLS", name: "http://azure.test", want: "use public"},
		"away":       {why: "the address answers something else", name: origin, answer: answer{status: 404}, want: "Not Found"},
		"no JSON":    {why: "so does this", name: origin, answer: answer{status: 200, body: "<html>"}, want: "cannot be read"},
		"incomplete": {why: "all gaps are told at once", name: origin, answer: answer{status: 200, body: `{"resourceManager":"x"}`}, want: "authentication.loginEndpoint, authentication.audiences, microsoftGraphResourceId, checkAccess"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{t: t, answers: map[string][]answer{"GET /metadata/endpoints": {test.answer}}}
			if _, err := azure.FindCloud(t.Context(), test.name, &http.Client{Transport: s}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", test.why, err, test.want)
			}
		})
	}
}

func TestCallsAreRepeatedMeasuredAndLoggedWithoutTheirQueries(t *testing.T) {
	s := setUp(t)
	s.on("GET "+group, answer{status: 429, body: `{}`, header: map[string]string{"Retry-After": "1"}},
		answer{status: 409, body: `{}`, header: map[string]string{"Retry-After": "1"}}, answer{status: 200, body: `{"name":"g"}`})
	ctx := azure.WithCorrelation(t.Context(), "correlation-1")
	got, err := s.clients(t).Groups.Get(ctx, "g", nil)
	if err != nil || *got.Name != "g" {
		t.Fatalf("got %v, %v", got.Name, err)
	}
	requests, _ := s.requests("GET " + group)
	if len(requests) != 3 {
		t.Fatalf("%d requests, want 3", len(requests))
	}
	for _, r := range requests {
		if id := r.Header.Get("X-Ms-Correlation-Request-Id"); id != "correlation-1" {
			t.Errorf("correlation id %q", id)
		}
		if !strings.Contains(r.UserAgent(), "aro") {
			t.Errorf("user agent %q", r.UserAgent())
		}
	}
	want := `# HELP aro_azure_requests_total Requests sent to Azure, repeated ones included, by class of their HTTP status; none means no answer.
# TYPE aro_azure_requests_total counter
aro_azure_requests_total{method="GET",service="arm",status="2xx"} 1
aro_azure_requests_total{method="GET",service="arm",status="4xx"} 2
# HELP aro_azure_retries_total Requests that were repeated.
# TYPE aro_azure_retries_total counter
aro_azure_retries_total{service="arm"} 2
# HELP aro_azure_throttled_total Requests that Azure refused because there were too many.
# TYPE aro_azure_throttled_total counter
aro_azure_throttled_total{method="GET",service="arm"} 1
`
	if err := testutil.GatherAndCompare(s.registry, strings.NewReader(want), "aro_azure_requests_total", "aro_azure_retries_total", "aro_azure_throttled_total"); err != nil {
		t.Error(err)
	}
	if log := s.log.String(); !strings.Contains(log, "correlation-1") || strings.Contains(log, "api-version") {
		t.Errorf("log: %s", log)
	}
}

func TestASignatureReachesTheStorageAndNoLog(t *testing.T) {
	s := setUp(t)
	s.on("DELETE /blob/account/ignition", answer{status: 403, body: ""}, answer{status: 202})
	s.on("DELETE /blob/account/away", answer{fails: errors.New("connection reset by peer")})
	blobs, err := s.azure.BlobsWithSAS(origin+"/blob/account/", "?sig=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.DeleteContainer(t.Context(), "ignition", nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the signature", err)
	}
	if _, err := blobs.DeleteContainer(t.Context(), "ignition", nil); err != nil {
		t.Error(err)
	}
	if _, err := blobs.DeleteContainer(t.Context(), "away", nil); err == nil || strings.Contains(err.Error(), "hunter2") ||
		!strings.Contains(err.Error(), origin+"/blob/account/away") || !strings.Contains(err.Error(), "connection reset") {
		t.Errorf("got %v, want what failed where, without the signature", err)
	}
	requests, _ := s.requests("DELETE /blob/account/ignition")
	if len(requests) != 2 || requests[0].URL.Query().Get("sig") != "hunter2" || strings.Contains(s.log.String(), "hunter2") {
		t.Errorf("%d requests; log %s", len(requests), s.log)
	}
}

// tokenFor answers token requests whose assertion is signed with the key of chain.
func tokenFor(thumbprints *[]string, refuse func(n int) bool) answer {
	n := 0
	return answer{do: func(_ *http.Request, body string) (int, string) {
		n++
		form, _ := url.ParseQuery(body)
		header, _, _ := strings.Cut(form.Get("client_assertion"), ".")
		raw, _ := base64.RawURLEncoding.DecodeString(header)
		var claims struct {
			Chain []string `json:"x5c"`
		}
		_ = json.Unmarshal(raw, &claims)
		*thumbprints = append(*thumbprints, strings.Join(claims.Chain, ","))
		if refuse(n) {
			return 401, `{"error":"invalid_client","error_description":"AADSTS700027: The certificate is expired."}`
		}
		return 200, `{"token_type":"Bearer","expires_in":3600,"access_token":"` + jwt(map[string]any{"oid": "fp"}) + `"}`
	}}
}

func TestTheFirstPartyApplicationTakesANewCertificateWhenItsOldOneIsRefused(t *testing.T) {
	s := setUp(t)
	const secret = "GET /vaults/aro-svc/secrets/rp-firstparty/"
	s.on(secret, secretAnswer("rp-firstparty", "v1", certificates()[0], nil))
	s.on(discoveryRoute, answer{status: 200, body: discovery})
	var chains []string
	s.on(tokenRoute, tokenFor(&chains, func(n int) bool { return n == 2 }))
	if err := s.azure.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id, err := s.azure.ObjectID(t.Context(), s.azure.FirstParty(tenant)); err != nil || id != "fp" {
		t.Fatalf("got %q, %v", id, err)
	}
	if _, err := s.azure.GraphToken(t.Context(), s.azure.FirstParty(tenant)); err == nil {
		t.Fatal("a refused certificate got a token although the vault was read just now")
	}
	s.on(secret, secretAnswer("rp-firstparty", "v2", certificates()[1], nil))
	s.azure.Forget() // as if a minute had passed
	s.on(tokenRoute, tokenFor(&chains, func(n int) bool { return n == 1 }))
	if _, err := s.azure.GraphToken(t.Context(), s.azure.FirstParty(tenant)); err != nil {
		t.Fatalf("with a new certificate in the vault: %v", err)
	}
	if len(chains) != 4 || chains[2] != chains[0] || chains[3] == chains[0] || chains[0] == "" {
		t.Errorf("tokens were asked for with %d chains, want 4: three times the old one, then the new one", len(chains))
	}
}

func TestAMissingCertificateIsSaidAtStart(t *testing.T) {
	s := setUp(t)
	s.on("GET /vaults/aro-svc/secrets/rp-firstparty/", answer{status: 404, body: `{"error":{"code":"SecretNotFound","message":"m"}}`})
	if err := s.azure.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "rp-firstparty") || !strings.Contains(err.Error(), "aro-svc") {
		t.Errorf("got %v, want the vault and the name", err)
	}
	s.on("GET /vaults/aro-svc/secrets/rp-firstparty/", secretAnswer("rp-firstparty", "v1", "hunter2", nil))
	if err := s.azure.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "not a certificate") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want that it is not a certificate", err)
	}
}

func TestAVaultCacheServesTheOldSecretWhileTheVaultIsAway(t *testing.T) {
	s := setUp(t)
	cache, err := s.azure.Keep(origin+"/vaults/aro-svc", "other", "tls")
	if err != nil {
		t.Fatal(err)
	}
	s.on("GET /vaults/aro-svc/secrets/other/", secretAnswer("other", "v1", certificates()[1], nil), answer{status: 403, body: `{}`})
	s.on("GET /vaults/aro-svc/secrets/tls/", secretAnswer("tls", "v1", certificates()[0], nil), secretAnswer("tls", "v2", "broken", nil))
	if err := cache.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cache.Load(t.Context()); err == nil {
		t.Error("the vault was unavailable, without an error")
	}
	if c, err := cache.Certificate(t.Context(), "other"); err != nil || c.Leaf.Subject.CommonName != "two" {
		t.Errorf("got %v, %v", c, err)
	}
	if c, err := cache.Certificate(t.Context(), "tls"); err != nil || c.Leaf.Subject.CommonName != "one" || c.PrivateKey == nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestARunningVaultCacheRefreshesHourlyAndSoonerAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setUpIn(t, environment.Production)
		cache, err := s.azure.Keep(origin+"/vaults/aro-svc", "tls")
		if err != nil {
			t.Fatal(err)
		}
		one, two := certificates()[0], certificates()[1]
		s.on("GET /vaults/aro-svc/secrets/tls/", secretAnswer("tls", "v1", one, nil), secretAnswer("tls", "v2", two, nil),
			answer{status: 403, body: `{}`}, secretAnswer("tls", "v3", one, nil))
		if err := cache.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- cache.Run(ctx) }()
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{59 * time.Minute, "one"}, {2 * time.Minute, "two"}, {59*time.Minute + 30*time.Second, "two"}, {time.Minute, "one"}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if c, err := cache.Certificate(t.Context(), "tls"); err != nil || c.Leaf.Subject.CommonName != step.want {
				t.Errorf("after another %s: %v, %v, want %q", step.wait, c, err, step.want)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if !strings.Contains(s.log.String(), "the old ones serve on") {
			t.Error("the failure was not logged")
		}
	})
}

func cluster() *model.Cluster {
	c := &model.Cluster{Identity: &model.Identity{IdentityURL: origin + "/msi/cluster?tid=1", UserAssignedIdentities: map[string]*model.UserAssignedIdentity{
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Me": {}}}}
	c.Internal.UID = "uid"
	return c
}

func TestTheClustersIdentityIsFetchedOnceAndRenewedInTime(t *testing.T) {
	const secret = "/vaults/aro-msi/secrets/msi-uid"
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	credentials := `{"explicit_identities":[{"client_id":"cid","object_id":"oid","tenant_id":"` + tenant + `","authentication_endpoint":"` + origin +
		`/","client_secret":"` + base64.StdEncoding.EncodeToString([]byte(certificates()[0])) + `","resource_id":"/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me",` +
		`"not_before":"` + at(-time.Hour) + `","not_after":"` + at(90*24*time.Hour) + `","renew_after":"` + at(45*24*time.Hour) + `","cannot_renew_after":"` + at(80*24*time.Hour) + `"}]}`
	tags := func(from, until time.Duration) map[string]string {
		return map[string]string{"renew_after": at(from), "cannot_renew_after": at(until)}
	}
	tests := map[string]struct {
		why    string
		stored answer
		tenant string // of the cluster's subscription
		fetch  bool
	}{
		"first":              {why: "nothing is there", stored: answer{status: 404, body: `{"error":{"code":"SecretNotFound"}}`}, fetch: true},
		"fresh":              {why: "idempotent", stored: secretAnswer("msi-uid", "v", credentials, tags(time.Hour, 2*time.Hour))},
		"to renew":           {why: "the time has come", stored: secretAnswer("msi-uid", "v", credentials, tags(-time.Hour, time.Hour)), fetch: true},
		"long over":          {why: "the service was away; its own certificate still works", stored: secretAnswer("msi-uid", "v", credentials, tags(-2*time.Hour, -time.Hour)), fetch: true},
		"untagged":           {why: "their age is unknown", stored: secretAnswer("msi-uid", "v", credentials, nil), fetch: true},
		"empty":              {why: "a crash in between", stored: secretAnswer("msi-uid", "v", "{}", tags(time.Hour, 2*time.Hour)), fetch: true},
		"of another id":      {why: "the cluster got another identity", stored: secretAnswer("msi-uid", "v", strings.ReplaceAll(credentials, "Identities/me", "Identities/other"), tags(time.Hour, 2*time.Hour)), fetch: true},
		"of its tenant":      {why: "ids are written in any case", stored: secretAnswer("msi-uid", "v", credentials, tags(time.Hour, 2*time.Hour)), tenant: strings.ToUpper(tenant)},
		"of a former tenant": {why: "the subscription moved, and the old tenant's tokens are of no use to it", stored: secretAnswer("msi-uid", "v", strings.ReplaceAll(credentials, `"tenant_id":"`+tenant, `"tenant_id":"11111111-2222-3333-4444-555555555555`), tags(time.Hour, 2*time.Hour)), tenant: tenant, fetch: true},
		"of no tenant":       {why: "the tenant is unknown, and they may be valid", stored: secretAnswer("msi-uid", "v", strings.ReplaceAll(credentials, `"tenant_id":"`+tenant+`",`, ""), tags(time.Hour, 2*time.Hour)), tenant: tenant},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.on("GET /vaults/aro-svc/secrets/rp-firstparty/", secretAnswer("rp-firstparty", "v1", certificates()[0], nil))
			s.on(discoveryRoute, answer{status: 200, body: discovery})
			var chains []string
			s.on(tokenRoute, tokenFor(&chains, func(int) bool { return false }))
			s.on("GET "+secret+"/", test.stored)
			s.on("PUT "+secret, answer{status: 401, header: map[string]string{"WWW-Authenticate": `Bearer authorization="` + origin + `/` + tenant + `", resource="https://vault.azure.net"`}},
				answer{status: 200, body: `{}`})
			s.on("POST /msi/cluster", answer{status: 401, header: map[string]string{"WWW-Authenticate": `Bearer authorization="` + origin + `/` + tenant + `"`}}, answer{status: 200, body: credentials})
			c := cluster()
			c.Internal.TenantID = test.tenant
			if err := s.azure.FetchClusterIdentity(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			_, bodies := s.requests("PUT " + secret)
			if test.fetch != (len(bodies) == 2) {
				t.Fatalf("%s: stored %d times", test.why, len(bodies))
			}
			if test.fetch && (!strings.Contains(bodies[1], `"renew_after"`) || !strings.Contains(bodies[1], `"cannot_renew_after"`) || !strings.Contains(bodies[1], `"nbf"`)) {
				t.Errorf("%s: stored without its times", test.why)
			}
			if asked, _ := s.requests("POST /msi/cluster"); test.fetch && asked[len(asked)-1].URL.Query().Get("tid") != "1" {
				t.Error("the identity URL lost its query")
			}
		})
	}
	t.Run("used", func(t *testing.T) {
		s := setUp(t)
		s.on("GET "+secret+"/", secretAnswer("msi-uid", "v", credentials, nil))
		s.on(discoveryRoute, answer{status: 200, body: discovery})
		var chains []string
		s.on(tokenRoute, tokenFor(&chains, func(int) bool { return false }))
		cred, err := s.azure.ClusterIdentity(t.Context(), cluster())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.azure.Token(t.Context(), cred); err != nil || len(chains) != 1 || chains[0] == "" {
			t.Errorf("got %v with %d chains", err, len(chains))
		}
	})
	t.Run("forgotten twice", func(t *testing.T) {
		s := setUp(t)
		s.on("DELETE "+secret, answer{status: 200, body: `{}`}, answer{status: 404, body: `{"error":{"code":"SecretNotFound"}}`})
		for range 2 {
			if err := s.azure.ForgetClusterIdentity(t.Context(), "uid"); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestAStoredIdentityURLOfAnotherHostIsNotCalled: a document may have a URL from
// before hosts were checked. The call would carry the service's own credential, so
// neither the call is made nor a token requested.
func TestAStoredIdentityURLOfAnotherHostIsNotCalled(t *testing.T) {
	for _, address := range []string{"https://evil.test/msi", origin + ".evil.test/msi", strings.Replace(origin, "https:", "http:", 1) + "/msi",
		strings.Replace(origin, "https://", "https://user:hunter2@", 1) + "/msi", "https://169.254.169.254/metadata", "msi"} {
		t.Run(address, func(t *testing.T) {
			s := setUp(t)
			s.on("GET /vaults/aro-msi/secrets/msi-uid/", answer{status: 404, body: `{"error":{"code":"SecretNotFound"}}`})
			c := cluster()
			c.Identity.IdentityURL = address
			_, _, err := s.azure.ClusterIdentityIDs(t.Context(), c)
			for call, err := range map[string]error{"ids": err, "credentials": s.azure.FetchClusterIdentity(t.Context(), c)} {
				if err == nil || !strings.Contains(err.Error(), "is not usable") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s: got %v", call, err)
				}
			}
			for _, r := range s.seen {
				if path := r.URL.Path; path != "/metadata/endpoints" && path != "/vaults/aro-msi/secrets/msi-uid/" {
					t.Errorf("it sent %s %s", r.Method, r.URL)
				}
			}
		})
	}
}

func TestDeploy(t *testing.T) {
	const operations = "GET " + group + "/deployments/storage/operations"
	succeeded := answer{status: 200, body: `{"properties":{"provisioningState":"Succeeded","outputs":{"ip":{"type":"String","value":"10.0.0.4"}}}}`}
	failed := answer{status: 200, body: `{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one resource deployment operation failed.","details":[
		{"code":"Conflict","message":"{\"status\":\"Failed\",\"error\":{\"code\":\"Inner\",\"message\":\"{\\\"error\\\":{\\\"code\\\":\\\"Innermost\\\",\\\"message\\\":\\\"why\\\"}}\"}}"}]}}`}
	reasons := answer{status: 200, body: `{"value":[{"properties":{"provisioningState":"Succeeded"}},{"properties":{"provisioningState":"Failed","targetResource":{"id":"/lb"},
		"statusMessage":{"status":"Failed","error":{"code":"BadTaste","message":"No.","details":[{"code":"Inner","message":"{\"error\":{\"code\":\"Innermost\",\"message\":\"why\"}}"}]}}}}]}`}
	policy := answer{status: 200, body: `{"value":[{"properties":{"provisioningState":"Failed","targetResource":{"id":"/nsg"},"statusMessage":{"error":{"code":"RequestDisallowedByPolicy","message":"No.",
		"additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":"D","policyAssignmentDisplayName":"A"}}]}}}}]}`}
	mixed := answer{status: 200, body: `{"value":[{"properties":{"provisioningState":"Failed","statusMessage":{"error":{"code":"RetryableError","message":"m"}}}},
		{"properties":{"provisioningState":"Failed","statusMessage":{"error":{"code":"QuotaExceeded","message":"Cores."}}}}]}`}
	bare := answer{status: 200, body: `{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one resource deployment operation failed."}}`}
	accepted := answer{status: 201, body: `{"properties":{"provisioningState":"Accepted"}}`, header: map[string]string{"Azure-AsyncOperation": origin + "/operation"}}
	tests := map[string]struct {
		why        string
		put        answer
		gets       []answer
		polls      []answer
		operations answer
		code       arm.Code
		says       []string
	}{
		"works":            {why: "outputs are given", put: accepted, polls: []answer{{status: 200, body: `{"status":"Succeeded"}`}}, gets: []answer{succeeded}},
		"fails":            {why: "each resource is named", put: accepted, polls: []answer{failed}, operations: reasons, code: arm.DeploymentFailed, says: []string{"BadTaste: No.", "Innermost: why", "/lb"}},
		"is refused":       {why: "the template is wrong", put: answer{status: 400, body: `{"error":{"code":"InvalidTemplate","message":"line 1"}}`}, code: arm.DeploymentFailed, says: []string{"InvalidTemplate: line 1"}},
		"is disallowed":    {why: "what the customer can cure comes first", put: accepted, polls: []answer{failed}, operations: policy, code: arm.RequestDisallowedByPolicy, says: []string{`"D" assigned as "A"`, "/nsg"}},
		"fails by quota":   {why: "time does not cure it, as it does the other", put: accepted, polls: []answer{failed}, operations: mixed, code: arm.ResourceQuotaExceeded, says: []string{"RetryableError: m", "QuotaExceeded: Cores."}},
		"fails unheard":    {why: "the reasons are told when the deployment is made again", put: accepted, polls: []answer{bare}, operations: answer{status: 429, body: `{"error":{"code":"TooManyRequests","message":"m"}}`}, code: arm.TooManyRequests},
		"fails half heard": {why: "its own answer says enough", put: accepted, polls: []answer{failed}, operations: answer{status: 403, body: `{}`}, code: arm.DeploymentFailed, says: []string{"Innermost: why"}},
		"may not":          {why: "the role spreads", put: answer{status: 403, body: `{"error":{"code":"AuthorizationFailed","message":"The client 'x' does not have authorization over scope '` + group + `'."}}`}, code: arm.InternalServerError},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.on("PUT "+deploymentPath, test.put)
			s.on("GET "+deploymentPath, test.gets...)
			s.on("GET /operation", test.polls...)
			s.on(operations, test.operations)
			var out map[string]any
			clients, kept, prepared := s.clients(t), tokens{}, 0
			err := settle(func() (err error) {
				out, err = clients.Deploy(t.Context(), kept, "g", "storage", func() (azure.Template, error) {
					prepared++
					return azure.Template{Body: map[string]any{"resources": []any{}}, Parameters: map[string]any{"secret": model.Secret("hunter2"), "n": 3}}, nil
				})
				return err
			})
			if prepared != 1 || len(kept) > 0 {
				t.Errorf("%s: prepared %d times, in the end kept %v", test.why, prepared, kept)
			}
			if test.code.Name == "" {
				if err != nil || out["ip"] != "10.0.0.4" {
					t.Fatalf("%s: got %v, %v", test.why, out, err)
				}
				_, bodies := s.requests("PUT " + deploymentPath)
				if !strings.Contains(bodies[0], `"secret":{"value":"hunter2"}`) || !strings.Contains(bodies[0], `"n":{"value":3}`) || !strings.Contains(bodies[0], `"Incremental"`) {
					t.Errorf("sent %s", bodies[0])
				}
				return
			}
			err = azure.Explain(err, azure.Subject{ManagedGroup: "g"})
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code.Name != test.code.Name {
				t.Fatalf("%s: got %v, want %s", test.why, err, test.code.Name)
			}
			body, _ := json.Marshal(typed.Body())
			text, _ := json.Marshal(test.says)
			for _, want := range test.says {
				if quoted, _ := json.Marshal(want); !strings.Contains(string(body), strings.Trim(string(quoted), `"`)) {
					t.Errorf("%s: got %s, want %s", test.why, body, text)
				}
			}
			if strings.Contains(string(body), "hunter2") {
				t.Error("a secret got out")
			}
			told := map[string]bool{}
			for _, d := range typed.Details {
				reason := strings.TrimPrefix(d.Message, d.Target+": ")
				if told[reason] || strings.Contains(reason, "{") {
					t.Errorf("%s: told twice: %s", test.why, body)
				}
				told[reason] = true
			}
		})
	}
}

func TestADeploymentThatRunsAlreadyIsWaitedForAndThenMadeAnew(t *testing.T) {
	s := setUp(t)
	s.on("PUT "+deploymentPath, answer{status: 409, body: `{"error":{"code":"DeploymentActive","message":"m"}}`}, answer{status: 200, body: `{"properties":{"provisioningState":"Succeeded"}}`})
	s.on("GET "+deploymentPath, answer{status: 200, body: `{"properties":{"provisioningState":"Running"}}`}, answer{status: 200, body: `{"properties":{"provisioningState":"Succeeded"}}`})
	kept := tokens{}
	deploy := func() error {
		_, err := s.clients(t).Deploy(t.Context(), kept, "g", "storage", func() (azure.Template, error) { return azure.Template{}, nil })
		return azure.Explain(err, azure.Subject{ManagedGroup: "g"})
	}
	for range 2 {
		if err := deploy(); err == nil || err.Error() != `waiting for the deployment "storage" that runs already to end` {
			t.Errorf("while it runs: got %v", err)
		}
	}
	if puts, _ := s.requests("PUT " + deploymentPath); len(puts) != 1 {
		t.Errorf("it was put %d times while it ran, want once", len(puts))
	}
	if err := deploy(); err != nil || len(kept) > 0 {
		t.Errorf("when it has ended: got %v, kept %v", err, kept)
	}
}

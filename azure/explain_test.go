package azure_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/test/message"
	"github.com/aro-rp/aro/wait"
)

const (
	managed = "aro-managed"
	client  = "11111111-1111-1111-1111-111111111111"
	subID   = "/subscriptions/" + subscription
)

// refusal is an error of the SDK as a service's answer makes it.
func refusal(path string, a answer) error {
	u, _ := url.Parse(origin + path)
	return fmt.Errorf("wrapped: %w", runtime.NewResponseError(reply(&http.Request{Method: http.MethodPut, URL: u}, a)))
}

const serviceSubscription = "00000000-0000-0000-0000-0000000000a0"

// about is the cluster that the refusals are about.
var about = azure.Subject{ManagedGroup: managed, ClientID: client, TenantID: tenant, ServiceSubscription: serviceSubscription, Patience: 6 * time.Minute}

// outlook is for how long err has a step tried again.
func outlook(err error) string {
	again, ok := err.(*wait.Retryable) //nolint:errorlint // the outermost decides
	switch {
	case !ok:
		return ""
	case again.Within == about.Patience:
		return "spreads"
	case again.Within == 0:
		return "passes"
	}
	return again.Within.String()
}

func TestExplain(t *testing.T) {
	inManaged := subID + "/resourceGroups/ARO-Managed/providers/Microsoft.Network/loadBalancers/lb"
	inCustomers := subID + "/resourcegroups/customer/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	denied := func(who, scope string) string {
		return `{"error":{"code":"AuthorizationFailed","message":"The client '` + who + `' with object id 'x' does not have authorization to perform action 'Microsoft.Network/a/write' over scope '` + scope + `' or the scope is invalid."}}`
	}
	tests := map[string]struct {
		why    string
		path   string
		answer answer
		code   arm.Code // zero: left alone
		again  string   // spreads: for a bounded time; passes: as long as the step lasts
		says   string
		target string
	}{
		"role of the principal": {why: "roles take time to spread", path: inCustomers, answer: answer{status: 403, body: denied(client, inCustomers)},
			code: arm.InvalidServicePrincipalCredentials, again: "spreads", says: "Microsoft.Network/a/write", target: "properties.servicePrincipalProfile"},
		"role of the service": {why: "the customer grants the service its role too", path: inCustomers, answer: answer{status: 403, body: denied("22222222", inCustomers)},
			code: arm.InvalidResourceProviderPermissions, again: "spreads", says: "lacks a role", target: inCustomers},
		"role in the managed group": {why: "nothing of it is the customer's to grant", path: inManaged, answer: answer{status: 403, body: denied(client, inManaged)},
			code: arm.InternalServerError, again: "spreads", says: managed},
		"linked scope": {why: "what lacks is at the linked scope", path: inManaged,
			answer: answer{status: 403, body: `{"error":{"code":"LinkedAuthorizationFailed","message":"The client '` + client + `' has permission to perform action 'w' on scope '` + inManaged + `'; however, it does not have permission to perform action(s) 'join' on the linked scope(s) '` + inCustomers + `' or the linked scope(s) are invalid."}}`},
			code:   arm.InvalidServicePrincipalCredentials, again: "spreads", says: "join"},
		"template authorization": {why: "deployments say it in other words", path: inCustomers,
			answer: answer{status: 400, body: `{"error":{"code":"InvalidTemplateDeployment","message":"Deployment failed with multiple errors: 'Authorization failed for template resource 'x' of type 'y'. The client '` + client + `' ...'."}}`},
			code:   arm.InvalidServicePrincipalCredentials, again: "spreads"},
		"policy": {why: "the customer's administrators named it", path: inCustomers,
			answer: answer{status: 403, body: `{"error":{"code":"RequestDisallowedByPolicy","target":"vnet","message":"Resource 'vnet' was disallowed by policy.","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":"No subnets","policyAssignmentName":"a1","policyAssignmentDisplayName":"Network rules"}}]}}`},
			code:   arm.RequestDisallowedByPolicy, says: `policy "No subnets" assigned as "Network rules"`, target: "vnet"},
		"policy inside a deployment": {why: "the reason is nested", path: inManaged,
			answer: answer{status: 400, body: `{"error":{"code":"InvalidTemplateDeployment","message":"The template deployment failed because of policy violation.","details":[{"code":"RequestDisallowedByPolicy","target":"lb","message":"m","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionName":"d","policyAssignmentName":"a"}}]}]}}`},
			code:   arm.RequestDisallowedByPolicy, says: `policy "d" assigned as "a"`},
		"throttled": {why: "it goes away", path: inCustomers, answer: answer{status: 429, body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"m"}}`},
			code: arm.TooManyRequests, again: "passes"},
		"another operation": {why: "it ends", path: inCustomers, answer: answer{status: 409, body: `{"error":{"code":"AnotherOperationInProgress","message":"m"}}`},
			code: arm.ServiceUnavailable, again: "passes"},
		"asked to retry": {why: "Azure says so", path: inCustomers, answer: answer{status: 409, header: map[string]string{"Retry-After": "9"}, body: `{"error":{"code":"X","message":"m"}}`},
			code: arm.ServiceUnavailable, again: "passes"},
		"down": {why: "it comes back", path: inCustomers, answer: answer{status: 503, body: `<html>`}, code: arm.ServiceUnavailable, again: "passes"},
		"quota": {why: "only the customer can raise it", path: inManaged, answer: answer{status: 409, body: `{"error":{"code":"OperationNotAllowed","message":"Operation could not be completed as it results in exceeding approved Total Regional Cores quota."}}`},
			code: arm.ResourceQuotaExceeded, says: "Total Regional Cores"},
		"public ips": {why: "a quota of its own", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"PublicIPCountLimitReached","message":"Cannot create more than 3 public IP addresses"}}`},
			code: arm.ResourceQuotaExceeded},
		"lock": {why: "the customer locked it", path: inManaged, answer: answer{status: 409, body: `{"error":{"code":"ScopeLocked","message":"The scope '` + inManaged + `' cannot perform delete operation because following scope(s) are locked: '` + inManaged + `'."}}`},
			code: arm.ScopeLocked, target: inManaged},
		"subnet in use":      {why: "the customer uses it", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"InUseSubnetCannotBeDeleted","message":"m"}}`}, code: arm.InUseSubnetCannotBeDeleted, again: "spreads"},
		"address in use":     {why: "what uses it may be about to go", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"PublicIPAddressCannotBeDeleted","message":"m"}}`}, code: arm.ResourceInUse, again: "spreads", says: "PublicIPAddressCannotBeDeleted"},
		"group in use":       {why: "it is no subnet", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"InUseNetworkSecurityGroupCannotBeDeleted","message":"m"}}`}, code: arm.ResourceInUse, again: "spreads"},
		"reserved interface": {why: "for minutes after its machine went", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"NicReservedForAnotherVm","message":"m"}}`}, code: arm.ResourceInUse, again: "spreads"},
		"balancer in use": {why: "the customer linked it", path: inManaged, answer: answer{status: 400, body: `{"error":{"code":"CannotDeleteLoadBalancerWithPrivateLinkService","message":"m"}}`},
			code: arm.CannotDeleteLoadBalancerWithPrivateLinkService},
		"graph": {why: "a principal spreads slowly", path: "/graph/v1.0/servicePrincipals", answer: answer{status: 401, body: `{"error":{"code":"Authorization_IdentityNotFound","message":"The identity of the calling application could not be established."}}`},
			code: arm.InvalidServicePrincipalCredentials, again: "spreads", says: "Authorization_IdentityNotFound"},
		"old graph":      {why: "the old shape", path: "/x", answer: answer{status: 403, body: `{"odata.error":{"code":"Authorization_RequestDenied","message":{"lang":"en","value":"Insufficient privileges"}}}`}, code: arm.InvalidServicePrincipalCredentials, says: "Insufficient privileges"},
		"not registered": {why: "the customer registers providers", path: inCustomers, answer: answer{status: 409, body: `{"error":{"code":"MissingSubscriptionRegistration","message":"m"}}`}, code: arm.ResourceProviderNotRegistered},
		"new principal":  {why: "it spreads", path: inCustomers, answer: answer{status: 400, body: `{"error":{"code":"PrincipalNotFound","message":"m"}}`}, code: arm.InvalidServicePrincipalCredentials, again: "spreads"},
		"storage":        {why: "the service grants itself this role", path: "/account/container", answer: answer{status: 403, header: map[string]string{"X-Ms-Error-Code": "AuthorizationPermissionMismatch"}, body: "<?xml"}, code: arm.InternalServerError, again: "spreads"},
		"unknown": {why: "a reader may know Azure's code", path: inCustomers, answer: answer{status: 400, body: `{"error":{"code":"BadTaste","message":"m"}}`},
			code: arm.RefusedByAzure, again: "spreads", says: "(BadTaste). Azure says: m", target: inCustomers},
		"not found": {why: "what is new is not known everywhere", path: inCustomers, answer: answer{status: 404, body: `{"error":{"code":"ResourceNotFound","message":"m"}}`},
			code: arm.RefusedByAzure, again: "spreads", says: "ResourceNotFound"},
		"wordless": {why: "the status is all there is", path: inCustomers, answer: answer{status: 403}, code: arm.RefusedByAzure, again: "spreads", says: "Forbidden"},
		"of the service's": {why: "its resources are no business of a customer", path: "/subscriptions/" + serviceSubscription + "/resourceGroups/rp/providers/Microsoft.Network/dnsZones/z",
			answer: answer{status: 403, body: `{"error":{"code":"OddCode","message":"internal words"}}`}, code: arm.InternalServerError, again: "spreads", says: "(OddCode)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := refusal(test.path, test.answer)
			err := azure.Explain(in, about)
			if test.code.Name == "" {
				if err != in { //nolint:errorlint // the very same
					t.Fatalf("%s: got %v, want it unchanged", test.why, err)
				}
				return
			}
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code.Name != test.code.Name || typed.Code.Status != test.code.Status {
				t.Fatalf("%s: got %v, want %s", test.why, err, test.code.Name)
			}
			if !strings.Contains(typed.Message, test.says) || test.target != "" && typed.Target != test.target {
				t.Errorf("%s: target %q, message %q, want %q and %q", test.why, typed.Target, typed.Message, test.target, test.says)
			}
			message.Check(t, typed.AboutBody(), "canary")
			if again := outlook(err); again != test.again {
				t.Errorf("%s: tried again: %q, want %q", test.why, again, test.again)
			}
			if !errors.Is(err, errors.Unwrap(in)) {
				t.Errorf("%s: the cause is lost to the log", test.why)
			}
		})
	}
}

func TestTheStepWaitsAsLongAsAzureAsks(t *testing.T) {
	for asked, want := range map[string]time.Duration{"300": 5 * time.Minute, "": 0, "soon": 0} {
		in := refusal(subID+"/x", answer{status: 429, header: map[string]string{"Retry-After": asked}, body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"m"}}`})
		got := azure.Explain(in, azure.Subject{})
		var typed *arm.Error
		if !errors.As(got, &typed) || !reflect.DeepEqual(got, wait.AgainAfter(want, typed)) {
			t.Errorf("Retry-After %q: got %#v, want to be tried again after %s", asked, got, want)
		}
	}
}

func TestExplainLeavesAloneWhatIsExplained(t *testing.T) {
	for _, err := range []error{nil, arm.DuplicateDomain.Errorf("x"), wait.Again(arm.TooManyRequests.Errorf("x")), errors.New("x"), t.Context().Err()} {
		if got := azure.Explain(err, azure.Subject{}); got != err { //nolint:errorlint // the very same
			t.Errorf("got %v, want %v", got, err)
		}
	}
}

func TestEntraRefusals(t *testing.T) {
	const trail = " Trace ID: 7f1c Correlation ID: 9a2b Timestamp: 2026-08-01 10:00:00Z"
	tests := map[string]struct {
		why         string
		as          string // whose token it is: of the cluster if empty
		status      int
		body        string // or a description, of an invalid_client
		description string
		code        arm.Code
		again       string
		says        string
	}{
		"unknown app":  {why: "it may spread", description: "AADSTS700016: Application with identifier '" + client + "' was not found in the directory", again: "spreads", says: "does not exist"},
		"bad secret":   {why: "a new one spreads", description: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, for a secret added to app '" + client + "'.", again: "spreads", says: "secret is wrong"},
		"expired":      {why: "time does not cure it", description: "AADSTS7000222: The provided client secret keys for app '" + client + "' are expired.", says: "expired"},
		"no principal": {why: "it was not created", description: "AADSTS7000229: The client application " + client + " is missing service principal in the tenant " + tenant + ". See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119" + trail, again: "spreads", says: "Entra ID says: The client application " + client + " is missing service principal in the tenant " + tenant + "."},
		"conditional":  {why: "the tenant's administrators decide", status: 400, description: "AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance." + trail, again: "spreads", says: "(AADSTS53003)"},
		"no tenant":    {why: "the message does not name the application", status: 400, body: `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant '` + tenant + `' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."}`, again: "spreads", says: "(AADSTS90002)"},
		"never seen":   {why: "Entra ID has hundreds of codes", description: "AADSTS1234567: It is Friday. And more.", again: "spreads", says: "(AADSTS1234567). Check the application, its secret and the tenant's policies. Entra ID says: It is Friday."},
		"without code": {why: "the OAuth error is a code too", status: 400, body: `{"error":"odd_error","error_description":"Odd."}`, again: "spreads", says: "(odd_error)"},
		"transient":    {why: "Entra ID has trouble", status: 400, description: "AADSTS90033: A transient error has occurred. Please try again.", code: arm.ServiceUnavailable, again: "passes", says: "AADSTS90033"},
		"down":         {why: "Entra ID has trouble", status: 503, body: "x", code: arm.ServiceUnavailable, again: "passes"},
		"the service":  {why: "it is not registered in the tenant", as: tenant, description: "AADSTS700016: Application with identifier '" + firstParty + "' was not found in the directory", code: arm.InvalidResourceProviderPermissions, again: "spreads", says: "(AADSTS700016)"},
		"at home":      {why: "the service's own trouble is not the customer's", as: home, description: "AADSTS7000222: The provided client secret keys for app 'other' are expired.", code: arm.InternalServerError, again: "spreads", says: "(AADSTS7000222)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			in := cmp.Or(test.as, tenant)
			s.on("GET /"+in+"/v2.0/.well-known/openid-configuration", answer{status: 200, body: strings.ReplaceAll(discovery, tenant, in)})
			s.on("POST /"+in+"/oauth2/v2.0/token", answer{status: cmp.Or(test.status, 401), body: cmp.Or(test.body, `{"error":"invalid_client","error_description":"`+test.description+`"}`)})
			s.on("GET /vaults/aro-svc/secrets/rp-firstparty/", secretAnswer("rp-firstparty", "1", certificates()[0], nil))
			cred, err := s.azure.ServicePrincipal(tenant, client, "hunter2")
			if err != nil {
				t.Fatal(err)
			}
			if test.as != "" {
				cred = s.azure.FirstParty(test.as)
			}
			_, err = s.azure.Token(t.Context(), cred)
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("got %v, want an error without the secret", err)
			}
			explained := azure.Explain(err, about)
			var typed *arm.Error
			if want := cmp.Or(test.code.Name, arm.InvalidServicePrincipalCredentials.Name); !errors.As(explained, &typed) || typed.Code.Name != want ||
				!strings.Contains(typed.Message, test.says) || strings.Contains(typed.Message, "Trace ID") {
				t.Fatalf("%s: got %v, want %s with %q", test.why, explained, want, test.says)
			}
			message.Check(t, typed.AboutBody(), "hunter2")
			if again := outlook(explained); again != test.again {
				t.Errorf("%s: tried again: %q, want %q", test.why, again, test.again)
			}
		})
	}
}

// home is the tenant of the service.
const home = "00000000-0000-0000-0000-0000000000f1"

const discovery = `{"token_endpoint":"` + origin + `/` + tenant + `/oauth2/v2.0/token","authorization_endpoint":"` + origin + `/` + tenant + `/oauth2/v2.0/authorize","issuer":"` + origin + `/` + tenant + `/v2.0"}`

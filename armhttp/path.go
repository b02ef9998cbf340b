package armhttp

import (
	"net/url"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
)

// Check validates path and method. Each part of the path has an error code of its
// own. The route is nil if there is none; methods are then those of the path.
func (r *Route) Check(x *httpserver.Exchange, methods []string, location string) error {
	if r == nil && len(methods) == 0 {
		return UnknownPath(x.Request().URL.Path)
	}
	if r == nil {
		allow := strings.Join(slices.Compact(slices.Sorted(slices.Values(methods))), ", ")
		x.Response().Header().Set("Allow", allow)
		return arm.MethodNotAllowed.Errorf("The path does not have this method. It has %s.", allow)
	}
	for i, name := range x.ParamNames() {
		if err := checkParameter(name, x.ParamValues()[i], location); err != nil {
			return err
		}
	}
	return nil
}

// LegalName describes the rule of arm.ValidName, legalGroup that of arm.ValidGroupName.
const (
	LegalName  = "Use at most 90 ASCII letters, digits, '-', '_', '(', ')' and '.', not ending in '.'."
	legalGroup = "Use at most 90 letters, digits, '-', '_', '(', ')' and '.', not ending in '.'."
)

func checkParameter(name, value, location string) error {
	switch name {
	case "subscriptionId":
		if !arm.ValidSubscriptionID(value) {
			return arm.InvalidSubscriptionID.At(name, "%s is not allowed. The subscription id in the path is not a UUID.", arm.Sent(value))
		}
	case "resourceGroupName":
		if !arm.ValidGroupName(value) {
			return arm.InvalidResourceGroup.At(name, "%s is not allowed. The resource group name in the path is not legal. "+legalGroup, arm.Sent(value))
		}
	case "resourceName":
		if !arm.ValidName(value) {
			return arm.InvalidResourceName.At(name, "%s is not allowed. The cluster name in the path is not legal. "+LegalName, arm.Sent(value))
		}
	case "location":
		if !arm.SameLocation(value, location) {
			return arm.InvalidLocation.At(name, "%s is not allowed. This service serves the location %s only.", arm.Sent(value), location)
		}
	case "operationId":
		if !arm.ValidUUID(value) {
			return arm.InvalidOperationID.At(name, "%s is not allowed. The operation id in the path is not a UUID. Use the URL that the service gave.", arm.Sent(value))
		}
	}
	return nil
}

// UnknownPath returns the error for a path without a route, with the codes of ARM.
func UnknownPath(path string) error {
	var buffer [maxSegments]string
	segments := split(path, buffer[:0])
	for i, s := range segments {
		if !arm.EqualFold(s, "providers") || i == 0 {
			continue
		}
		if i+1 < len(segments) && !arm.EqualFold(segments[i+1], arm.Namespace) {
			return arm.InvalidResourceNamespace.Errorf("The path names another resource provider than %s.", arm.Namespace)
		}
		if i+2 < len(segments) && !slices.ContainsFunc(resourceTypes, func(t string) bool { return arm.EqualFold(t, segments[i+2]) }) {
			return arm.InvalidResourceType.Errorf("The resource type in the path does not exist. %s has %s.", arm.Namespace, strings.Join(resourceTypes, ", "))
		}
		break
	}
	return arm.NotFound.Errorf("The path does not exist.")
}

var resourceTypes = []string{"deployments", "locations", "openShiftClusters", "operations"}

// maxParameterName bounds how much of a parameter's name an error contains.
const maxParameterName = 64

// ReadQuery validates the query of the URL and renames its parameters as in the
// specs. Each parameter may occur once, and names ignore case, as in ARM.
func ReadQuery(x *httpserver.Exchange) error {
	r := x.Request()
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return arm.InvalidParameter.Errorf("The query of the URL cannot be read. Percent-encode what is not a letter or a digit, and separate parameters by '&'.").Because(err)
	}
	respelled := false
	given := make(map[string]bool, len(query))
	for name, values := range query {
		folded := arm.ToLower(name)
		if len(values) > 1 || given[folded] {
			name = arm.Plain(name, maxParameterName)
			return arm.InvalidParameter.At(name, "The query parameter %s occurs more than once. Specify it once.", name)
		}
		given[folded] = true
		respelled = respelled || spelling(folded) != name
	}
	if respelled {
		spelled := make(url.Values, len(query))
		for name, values := range query {
			spelled[spelling(arm.ToLower(name))] = values
		}
		u := *r.URL
		u.RawQuery = spelled.Encode()
		r.URL = &u // the request is the server's own copy
	}
	return nil
}

// spelling returns the name of a parameter in the specs, from its name in lower
// case.
func spelling(folded string) string {
	for _, name := range spellings {
		if arm.ToLower(name) == folded {
			return name
		}
	}
	return folded
}

// spellings are the parameters that have capital letters.
var spellings = []string{"$skipToken", "skipToken", "vmName", "vmSize", "shouldCordon", "dryRun", "csrName", "deallocateVM", "managedResourceID", "vmRole"}

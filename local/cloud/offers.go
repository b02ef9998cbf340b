package cloud

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// offered refuses a type, an api-version or a region that a template names and the
// cloud does not have.
func (a *Azure) offered(resourceType, apiVersion, location string) error {
	name, kind, _ := strings.Cut(resourceType, "/")
	namespace := canonicalNamespace(name)
	if namespace == "" {
		return resources.Refuse(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", name)
	}
	versions, err := a.versions(namespace)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(a.Engine.Types(namespace), func(t string) bool { return arm.EqualFold(t, namespace+"/"+kind) })
	if !known {
		return resources.Refuse(http.StatusNotFound, "InvalidResourceType", "The resource type '%s' could not be found in the namespace '%s' for api version '%s'. The supported api-versions are '%s'.", kind, namespace, apiVersion, strings.Join(versions, ","))
	}
	if !a.published(namespace, apiVersion, versions) {
		return resources.Refuse(http.StatusBadRequest, "NoRegisteredProviderFound", "No registered resource provider found for location '%s' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are '%s'.",
			location, apiVersion, kind, strings.Join(versions, ", "), strings.Join(locationNames(), ", "))
	}
	regions := regionsOf(namespace, kind)
	if region := resources.Location(location); region != "" && region != "global" && regions != nil && !slices.Contains(regions, region) {
		return resources.Refuse(http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s/%s'. List of available regions for the resource type is '%s'.",
			location, namespace, kind, strings.Join(regions, ","))
	}
	return nil
}

// versions returns the api-versions that a namespace offers, the newest first.
func (a *Azure) versions(namespace string) ([]string, error) {
	if arm.EqualFold(namespace, providerNamespace) {
		return clusterVersions()
	}
	return apiVersions(), nil
}

// published reports whether an api-version may be one of a namespace. Only the resource
// provider's own are known one by one; of the others it is known when the network had
// which, and what a version looks like.
func (a *Azure) published(namespace, version string, known []string) bool {
	if slices.ContainsFunc(known, func(k string) bool { return arm.EqualFold(k, version) }) {
		return true
	}
	if arm.EqualFold(namespace, providerNamespace) {
		return false
	}
	day, suffix, _ := strings.Cut(version, "-preview")
	at, err := time.Parse(time.DateOnly, day)
	if err != nil || suffix != "" || at.Year() < firstVersions || at.After(a.Now()) {
		return false
	}
	network := networkVersions()
	if arm.EqualFold(namespace, "Microsoft.Network") && !strings.HasSuffix(version, "-preview") && day <= network[len(network)-1] {
		_, found := slices.BinarySearch(network, day)
		return found || slices.Contains(dnsVersions(), day)
	}
	return true
}

// firstVersions is the year of the first api-versions of Azure's resource manager.
const firstVersions = 2014

// networkVersions are the published api-versions of Microsoft.Network up to the last.
func networkVersions() []string {
	return strings.Fields(`2015-06-15 2016-03-30 2016-06-01 2016-07-01 2016-08-01 2016-09-01 2016-10-01 2016-11-01 2016-12-01
		2017-03-01 2017-04-01 2017-06-01 2017-08-01 2017-09-01 2017-10-01 2017-11-01
		2018-01-01 2018-02-01 2018-03-01 2018-04-01 2018-05-01 2018-06-01 2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01
		2019-02-01 2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01
		2020-01-01 2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01
		2021-01-01 2021-02-01 2021-03-01 2021-04-01 2021-05-01 2021-06-01 2021-08-01 2021-12-01
		2022-01-01 2022-05-01 2022-07-01 2022-09-01 2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01 2023-11-01`)
}

// dnsVersions are those of DNS zones, which have their own.
func dnsVersions() []string {
	return strings.Fields("2016-04-01 2017-09-01 2017-10-01 2018-03-01 2018-05-01 2018-09-01 2020-01-01 2020-06-01 2023-07-01 2024-06-01")
}

// describeProvider is what providers() of a template returns.
func (a *Azure) describeProvider(_ context.Context, name, kind string) (any, error) {
	namespace := canonicalNamespace(name)
	if namespace == "" {
		return nil, fmt.Errorf("the resource namespace '%s' is invalid", name)
	}
	versions, err := a.versions(namespace)
	if err != nil {
		return nil, err
	}
	types := []any{}
	for _, t := range slices.Sorted(slices.Values(a.Engine.Types(namespace))) {
		shown := showType(namespace, t[len(namespace)+1:], versions)
		one := map[string]any{"resourceType": shown["resourceType"], "locations": shown["locations"], "apiVersions": shown["apiVersions"]}
		if kind != "" && arm.EqualFold(t, namespace+"/"+kind) {
			return one, nil
		}
		types = append(types, one)
	}
	if kind != "" {
		return nil, fmt.Errorf("the resource type '%s' could not be found in the namespace '%s'", kind, namespace)
	}
	return map[string]any{"namespace": namespace, "resourceTypes": types}, nil
}

// zonesOf are how many availability zones a region has.
func zonesOf(region string) (int, bool) {
	return 3, locations()[resources.Location(region)] != ""
}

const (
	// maxLinked is how large a linked template may be.
	maxLinked    = 4 << 20
	fetchTimeout = 20 * time.Second
)

// fetch reads a linked template, from this cloud's own storage or from elsewhere.
func (a *Azure) fetch(ctx context.Context, uri string) (string, error) {
	if !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://") {
		return "", fmt.Errorf("only links by http and https can be followed")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return "", fmt.Errorf("the link is not a URI")
	}
	resp, err := a.Client().Do(req)
	if err != nil {
		return "", fmt.Errorf("the server does not answer")
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server answered %d", resp.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxLinked))
	return string(content), err
}

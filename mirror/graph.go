package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultGraph is OpenShift's own graph of releases.
	DefaultGraph = "https://amd64.ocp.releases.ci.openshift.org/graph"
	// graphType is the media type of Cincinnati's update graphs.
	graphType = "application/vnd.redhat.cincinnati.graph+json"
	// graphTime and maxGraph bound the time and the length of the response; the
	// public one has 10 MB.
	graphTime = 2 * time.Minute
	maxGraph  = 256 << 20

	// The graph has release images in the registry of their build; these are the
	// published ones.
	builtAt, publishedAt = "registry.ci.openshift.org/ocp/release", "quay.io/openshift-release-dev/ocp-release"
)

// withdrawn releases cannot be pulled.
var withdrawn = []string{"4.8.8"}

// Graph is the list of releases of an update graph, oldest first.
type Graph []Release

// ReadGraph reads an update graph (Cincinnati). It keeps generally available
// releases, "x.y.z", and drops candidates and nightly builds.
func ReadGraph(ctx context.Context, client *http.Client, url string) (Graph, error) {
	ctx, cancel := context.WithTimeout(ctx, graphTime)
	defer cancel()
	graph, err := fetchGraph(ctx, client, url)
	if err != nil {
		return nil, fmt.Errorf("update graph %s: %w", url, err)
	}
	return graph, nil
}

func fetchGraph(ctx context.Context, client *http.Client, url string) (Graph, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", graphType+", application/json;q=0.5")
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("got status %d, want 200", answer.StatusCode)
	}
	if got, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); got != graphType && got != "application/json" {
		return nil, fmt.Errorf("got media type %q, want %s", got, graphType)
	}
	var read struct {
		Nodes []struct{ Version, Payload string }
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxGraph)).Decode(&read); err != nil {
		return nil, err
	}
	var graph Graph
	for _, node := range read.Nodes {
		if _, err := parseVersion(node.Version); err != nil || slices.Contains(withdrawn, node.Version) {
			continue
		}
		image := node.Payload
		if rest, ok := strings.CutPrefix(image, builtAt); ok {
			image = publishedAt + rest
		}
		graph = append(graph, Release{Version: node.Version, Image: image})
	}
	if len(graph) == 0 {
		return nil, errors.New("it names no release")
	}
	slices.SortFunc(graph, func(a, b Release) int { return compareVersions(a.Version, b.Version) })
	return slices.CompactFunc(graph, func(a, b Release) bool { return a.Version == b.Version }), nil
}

// major is the supported major version of OpenShift.
const major = 4

// Choose returns the named versions, where "latest" is the newest of OpenShift 4;
// without any, all since a version.
func (g Graph) Choose(versions []string, since string) (Graph, error) {
	if len(versions) == 0 {
		return g.From(since)
	}
	named := slices.Clone(versions)
	for i, version := range named {
		if version == "latest" {
			named[i] = g.newest()
		}
	}
	return g.Find(named...)
}

// newest returns the newest version of OpenShift 4; if there is none "latest" itself,
// which Find rejects.
func (g Graph) newest() string {
	for _, r := range slices.Backward(g) {
		if v, err := parseVersion(r.Version); err == nil && v[0] == major {
			return r.Version
		}
	}
	return "latest"
}

// From returns the graph from a version on, within its major version.
func (g Graph) From(version string) (Graph, error) {
	lowest, err := parseVersion(version)
	if err != nil {
		return nil, err
	}
	var found Graph
	for _, r := range g {
		if v, err := parseVersion(r.Version); err == nil && v[0] == lowest[0] && slices.Compare(v[:], lowest[:]) >= 0 {
			found = append(found, r)
		}
	}
	return found, nil
}

// Find returns the named versions in the order of the graph. Its error lists all
// unknown ones.
func (g Graph) Find(versions ...string) (Graph, error) {
	var found Graph
	var faults []error
	for _, version := range versions {
		if v, err := parseVersion(version); err != nil {
			faults = append(faults, err)
			continue
		} else if v[0] != major {
			faults = append(faults, fmt.Errorf("version %s: only OpenShift %d can be mirrored", version, major))
			continue
		}
		i := slices.IndexFunc(g, func(r Release) bool { return r.Version == version })
		if i < 0 {
			faults = append(faults, fmt.Errorf("version %s is not in the update graph", version))
			continue
		}
		found = append(found, g[i])
	}
	slices.SortFunc(found, func(a, b Release) int { return compareVersions(a.Version, b.Version) })
	return slices.Compact(found), errors.Join(faults...)
}

var plain = regexp.MustCompile(`^(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})$`)

func parseVersion(version string) ([3]int, error) {
	parts := plain.FindStringSubmatch(version)
	if parts == nil {
		return [3]int{}, fmt.Errorf("version %q: write it as x.y.z", version)
	}
	var v [3]int
	for i := range v {
		v[i], _ = strconv.Atoi(parts[i+1]) // the pattern bounds the digits
	}
	return v, nil
}

func compareVersions(a, b string) int {
	x, _ := parseVersion(a)
	y, _ := parseVersion(b)
	return cmp.Or(slices.Compare(x[:], y[:]), cmp.Compare(a, b))
}

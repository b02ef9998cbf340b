// Package deploy rolls the service out into a region of Azure: what all regions share,
// the region's networks, vaults, database and load balancer, and the machines of a build,
// which take over from those of the build before without a request that fails.
//
// Every step looks at what is there and makes what is missing, so a deployment may be
// stopped at any moment and repeated. The templates come from package template, what
// machines start with from package machine; both are checked in below assets and, in
// part, made when a region is deployed.
package deploy

import (
	"embed"
	"encoding/json"
	"fmt"
)

type object = map[string]any

// assets are the templates and the schema, as go run ./hack/deploy writes them.
//
//go:embed assets
var assets embed.FS

// Asset is a file below assets.
func Asset(name string) ([]byte, error) {
	content, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return nil, fmt.Errorf("asset %s: %w", name, err)
	}
	return content, nil
}

// Template is a template as it is deployed.
func Template(name string) (map[string]any, error) {
	content, err := Asset(name + ".json")
	if err != nil {
		return nil, err
	}
	var t object
	if err := json.Unmarshal(content, &t); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

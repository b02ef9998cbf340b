package harness

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/registry"
)

// Oldest is the one api-version with a model of its own: flat addresses, no
// cluster profile, and workers that can be scaled.
const Oldest = registry.Oldest

// Newest is the latest api-version.
const Newest = registry.Newest

// Versions returns the served api-versions, oldest first.
func Versions() []string { return registry.Names() }

// The canned secrets of a Body. Nothing may ever repeat them.
const (
	PullSecretCanary   = "cHVsbC1zZWNyZXQ6Y2FuYXJ5"
	ClientSecretCanary = "client-secret-canary-41c0"
)

// Object is a JSON object.
type Object = map[string]any

// Body returns a valid create body of an api-version. Values that must be unique in
// a subscription depend on id only, so that repeating the call repeats the body.
func Body(apiVersion string, id arm.ClusterID, location string) Object {
	subnet := "/subscriptions/" + id.SubscriptionID + "/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/vnet/subnets/"
	unique := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(id.String()))).String()
	properties := Object{
		"servicePrincipalProfile": Object{"clientId": unique, "clientSecret": ClientSecretCanary},
		"networkProfile":          Object{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16"},
		"masterProfile":           Object{"vmSize": "Standard_D8s_v3", "subnetId": subnet + "master"},
		"workerProfiles": []any{Object{"name": "worker", "vmSize": "Standard_D4s_v3", "diskSizeGB": 128,
			"subnetId": subnet + "worker", "count": 3}},
	}
	if apiVersion != Oldest {
		properties["clusterProfile"] = Object{
			"pullSecret":      `{"auths":{"registry.example.com":{"auth":"` + PullSecretCanary + `"}}}`,
			"domain":          "d" + unique[:8],
			"resourceGroupId": "/subscriptions/" + id.SubscriptionID + "/resourceGroups/aro-" + unique[:13],
		}
		properties["apiserverProfile"] = Object{"visibility": "Public"}
		properties["ingressProfiles"] = []any{Object{"name": "default", "visibility": "Public"}}
	}
	return Object{"location": location, "tags": Object{"made-by": "stand"}, "properties": properties}
}

// Set puts a value at a dotted path; a number is an index of an array. It returns
// o for chaining and panics on a path that leads nowhere, which is a test's bug.
// A nil value is JSON's null.
func Set(o Object, path string, value any) Object {
	parent, last := walk(o, path)
	switch p := parent.(type) {
	case Object:
		p[last] = value
	case []any:
		i, err := strconv.Atoi(last)
		if err != nil || i >= len(p) {
			panic("no such element: " + path)
		}
		p[i] = value
	default:
		panic("no such path: " + path)
	}
	return o
}

// Delete removes the member at a dotted path and returns o.
func Delete(o Object, path string) Object {
	parent, last := walk(o, path)
	if p, ok := parent.(Object); ok {
		delete(p, last)
	}
	return o
}

// At is the value at a dotted path, nil if there is none.
func At(o Object, path string) any {
	parent, last := walk(o, path)
	return member(parent, last)
}

// Text is the value at a dotted path as text, empty if there is none.
func Text(o Object, path string) string {
	switch v := At(o, path).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Copy is a deep copy, with numbers as JSON reads them.
func Copy(o Object) Object {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	var c Object
	if err := json.Unmarshal(raw, &c); err != nil {
		panic(err)
	}
	return c
}

func walk(o Object, path string) (parent any, last string) {
	parts := strings.Split(path, ".")
	parent = o
	for _, part := range parts[:len(parts)-1] {
		parent = member(parent, part)
	}
	return parent, parts[len(parts)-1]
}

func member(parent any, name string) any {
	switch p := parent.(type) {
	case Object:
		return p[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(p) {
			return p[i]
		}
	}
	return nil
}

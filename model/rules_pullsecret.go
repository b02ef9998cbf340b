package model

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Maximum lengths of secrets, in bytes. The ignition of every machine has the pull
// secret, and the cluster stores it in a Secret and in a MachineConfig, which etcd
// bounds at 1.5 MiB each; usual ones have 3 to 10 KB. Secrets that Microsoft Entra
// ID generates have 16 to 64 characters.
const (
	maxPullSecret   = 32 << 10
	maxClientSecret = 256
)

// telemetry is the registry that is removed from every pull secret: it would
// register the cluster with Red Hat before its owner requests it.
const telemetry = "cloud.openshift.com"

// maxCited bounds how much of a registry's name an error contains.
const maxCited = 100

// registryName matches a host with the additions that container clients accept: a
// scheme, a wildcard, a port and a path.
var registryName = regexp.MustCompile(`^(https?://)?(\*\.)?([A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?$`)

func (v *validation) pullSecret() {
	if !v.changed(func(c *Cluster) any { return c.Properties.ClusterProfile.PullSecret }) {
		return
	}
	if wrong := v.c.Properties.ClusterProfile.PullSecret.wrongPullSecret(); wrong != "" {
		v.fault("properties.clusterProfile.pullSecret", "The pull secret %s. Download it again and send it unchanged, or leave it out.", wrong)
	}
}

// wrongPullSecret returns why the installer or the machines of the cluster would
// reject the pull secret, or empty text. The text contains names of registries and
// nothing else of the secret. An absent pull secret is valid: the cluster then uses
// that of the service alone.
func (s Secret) wrongPullSecret() string {
	text := []byte(string(s))
	switch {
	case len(text) == 0:
		return ""
	case len(text) > maxPullSecret:
		return fmt.Sprintf("has %d bytes. It can have at most %d: every machine of the cluster starts with a copy of it", len(text), maxPullSecret)
	}
	// The decoder accepts auths in any casing, like every later reader.
	var pull struct {
		Auths map[string]json.RawMessage `json:"auths"`
	}
	if err := json.Unmarshal(text, &pull); err != nil || !isObject(text) {
		return `must be a JSON object whose "auths" has an object for each registry`
	}
	usable := 0
	for _, registry := range sortedKeys(pull.Auths) {
		if wrong := wrongLogin(registry, pull.Auths[registry]); wrong != "" {
			return wrong
		}
		if registry != telemetry {
			usable++
		}
	}
	if usable == 0 {
		return `has no registry in "auths" that machines pull from`
	}
	return ""
}

func isObject(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) }

// wrongLogin returns what is wrong with the entry of one registry, or empty text.
func wrongLogin(registry string, login json.RawMessage) string {
	if registry == "" {
		return `has an entry without a name in "auths"`
	}
	name := fmt.Sprintf("%.*q", maxCited, registry)
	if !registryName.MatchString(registry) {
		return "has the entry " + name + `, which is no name of a registry, such as "registry.example.com:5000"`
	}
	var entry map[string]json.RawMessage
	if err := json.Unmarshal(login, &entry); err != nil || entry == nil {
		return "has an entry for " + name + " that is not an object"
	}
	var auth string
	if given, ok := entry["auth"]; !ok {
		return `has no "auth" for ` + name
	} else if err := json.Unmarshal(given, &auth); err != nil || auth == "" {
		return `has an "auth" for ` + name + " that is not a string, or empty"
	}
	decoded, err := base64.StdEncoding.DecodeString(auth)
	if err != nil {
		return `has an "auth" for ` + name + " that is not base64"
	}
	user, _, both := strings.Cut(string(decoded), ":")
	switch {
	case !both:
		return `has an "auth" for ` + name + " that, decoded, has no colon between user name and password"
	case user == "":
		return `has an "auth" for ` + name + " that, decoded, has no user name before the colon"
	}
	return ""
}

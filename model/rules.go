package model

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aro-rp/aro/arm"
)

// Rules are the parts of the environment that validation depends on. They are
// values, so that validation does no lookup.
type Rules struct {
	// Location is the region of the service, such as "eastus".
	Location string
	// Domain is the domain in which the service creates DNS records, such as
	// "eastus.aroapp.io". The part after its first dot is reserved for services.
	Domain string
	// RequireD2sWorkers is for development: it also allows the two-core sizes,
	// which a small quota can pay for, for workers.
	RequireD2sWorkers bool
}

// Validate adds every violation of the desired state c. On create old is nil. On
// update only members that differ from old are validated, so that a value that was
// valid when it was stored never blocks a later change (A11). Call Default first.
// Targets are JSON paths with the names of the API.
func (c *Cluster) Validate(old *Cluster, r Rules, f *arm.Faults) {
	v := &validation{c: c, old: old, rules: r, faults: f}
	v.id, _ = arm.ParseClusterID(c.ID)

	v.location()
	v.tags()
	v.identity()
	v.clusterProfile()
	v.servicePrincipal()
	v.workloadIdentities()
	v.network()
	v.loadBalancer()
	v.master()
	v.workers()
	v.endpoints()
}

// validation is the validation of one cluster.
type validation struct {
	c, old *Cluster
	id     arm.ClusterID // zero if c has no valid id; rules about it then pass
	rules  Rules
	faults *arm.Faults
}

func (v *validation) creating() bool { return v.old == nil }

// changed reports whether the value that `of` selects has to be validated. It is
// called on the stored cluster too.
func (v *validation) changed(of func(*Cluster) any) bool {
	return v.creating() || !reflect.DeepEqual(of(v.c), of(v.old))
}

func (v *validation) fault(target, format string, args ...any) {
	v.faults.Add(arm.InvalidParameter, target, format, args...)
}

// refuse is fault with the value that was sent.
func (v *validation) refuse(target, sent, format string, args ...any) {
	v.fault(target, "%s is not allowed. "+format, append([]any{arm.Sent(sent)}, args...)...)
}

// enum adds a fault for a value that is not one of the values of the API.
func enum[T ~string](v *validation, target string, of func(*Cluster) T, allowed ...T) {
	if v.changed(func(c *Cluster) any { return of(c) }) && !slices.Contains(allowed, of(v.c)) {
		v.refuse(target, string(of(v.c)), "The value must be one of %s.", strings.Join(spell(allowed), ", "))
	}
}

func spell[T ~string](words []T) []string {
	var s []string
	for _, w := range words {
		s = append(s, string(w))
	}
	return s
}

func (v *validation) location() {
	if v.changed(func(c *Cluster) any { return c.Location }) && !arm.SameLocation(v.c.Location, v.rules.Location) {
		v.refuse("location", v.c.Location, "This service makes clusters in %s only. Use that location, or send the request to the region you want.", v.rules.Location)
	}
}

// Limits of a resource's tags (P23). maxTags is the current limit of Azure.
const (
	maxTags            = 50
	maxTagName         = 512
	maxTagValue        = 256
	forbiddenInTagName = `<>%&\?/`
)

func (v *validation) tags() {
	var stored map[string]string
	if v.old != nil {
		stored = v.old.Tags
	}
	if n := len(v.c.Tags); n > maxTags && n > len(stored) {
		v.fault("tags", "There are %d tags. A cluster can have at most %d: remove some.", n, maxTags)
	}
	for _, name := range sortedKeys(v.c.Tags) {
		value := v.c.Tags[name]
		if was, ok := stored[name]; !ok {
			v.tagName(name)
		} else if was == value {
			continue
		}
		if utf8.RuneCountInString(value) > maxTagValue {
			v.fault("tags", "The value of the tag %s has %d characters. It can have at most %d: shorten it.", arm.Sent(name), utf8.RuneCountInString(value), maxTagValue)
		}
	}
}

func (v *validation) tagName(name string) {
	switch {
	case name == "":
		v.fault("tags", "The name of a tag cannot be empty.")
	case utf8.RuneCountInString(name) > maxTagName:
		v.refuse("tags", name, "The name of a tag can have at most %d characters, and this one has %d. Shorten it.", maxTagName, utf8.RuneCountInString(name))
	case strings.ContainsAny(name, forbiddenInTagName):
		v.refuse("tags", name, "The name of a tag cannot contain any of %s. Rename it.", strings.Join(strings.Split(forbiddenInTagName, ""), " "))
	}
}

// endpoints validates the endpoints of the console, the Kubernetes API and the
// routes.
func (v *validation) endpoints() {
	v.url("properties.consoleProfile.url", func(c *Cluster) string { return c.Properties.ConsoleProfile.URL })

	const server = "properties.apiserverProfile"
	enum(v, server+".visibility", func(c *Cluster) Visibility { return c.Properties.APIServerProfile.Visibility }, Public, Private)
	v.url(server+".url", func(c *Cluster) string { return c.Properties.APIServerProfile.URL })
	v.ip(server+".ip", func(c *Cluster) string { return c.Properties.APIServerProfile.IP })

	if v.creating() && len(v.c.Properties.IngressProfiles) != 1 {
		v.fault("properties.ingressProfiles", "There are %d ingress profiles. There must be exactly one, named default.", len(v.c.Properties.IngressProfiles))
	}
	for i := range v.c.Properties.IngressProfiles {
		v.ingress(i)
	}
}

func (v *validation) ingress(i int) {
	target := fmt.Sprintf("properties.ingressProfiles[%d]", i)
	of := func(c *Cluster) IngressProfile { return at(c.Properties.IngressProfiles, i) }
	if v.creating() && of(v.c).Name != "default" {
		v.refuse(target+".name", of(v.c).Name, "The ingress profile must be named default.")
	}
	enum(v, target+".visibility", func(c *Cluster) Visibility { return of(c).Visibility }, Public, Private)
	v.ip(target+".ip", func(c *Cluster) string { return of(c).IP })
}

func (v *validation) url(target string, of func(*Cluster) string) {
	if !v.changed(func(c *Cluster) any { return of(c) }) {
		return
	}
	if _, err := url.Parse(of(v.c)); err != nil {
		v.refuse(target, of(v.c), "The value must be a URL. Leave it out: the service sets it.")
	}
}

func (v *validation) ip(target string, of func(*Cluster) string) {
	text := of(v.c)
	if text == "" || !v.changed(func(c *Cluster) any { return of(c) }) {
		return
	}
	if ip, err := netip.ParseAddr(text); err != nil || !ip.Is4() {
		v.refuse(target, text, "The value must be an IPv4 address. Leave it out: the service sets it.")
	}
}

// at returns list[i], or the zero value if the list is shorter.
func at[T any](list []T, i int) T {
	if i < len(list) {
		return list[i]
	}
	var zero T
	return zero
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

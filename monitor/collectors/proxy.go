package collectors

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// proxy is what is read of the cluster-wide proxy.
type proxy struct {
	Spec   proxySettings `json:"spec"`
	Status proxySettings `json:"status"`
}

type proxySettings struct {
	HTTP    string `json:"httpProxy"`
	HTTPS   string `json:"httpsProxy"`
	NoProxy string `json:"noProxy"`
}

// The words of the metric.
const (
	proxyNotEnabled = "Cluster Wide Proxy is not enabled"
	proxyRight      = "CWP enabled successfully"
	proxyNoStatus   = "CWP enabled but status.noProxy is empty"
	proxyMissing    = "CWP enabled but missing "
)

// alwaysDirect is what no cluster may reach through a proxy.
var alwaysDirect = []string{"localhost", "127.0.0.1", ".svc", ".cluster.local", "169.254.169.254"}

// azureDNS is the DNS server of networks without custom ones.
const azureDNS = "168.63.129.16"

// proxyStatus reports whether a cluster-wide proxy keeps the cluster from endpoints that it must
// reach directly. The status true means that something is wrong.
func proxyStatus(ctx context.Context, l *Look) error {
	var p proxy
	if err := l.get(ctx, "/apis/config.openshift.io/v1/proxies/cluster", cached(), &p); err != nil {
		return err
	}
	report := func(wrong, message string) {
		l.gauge("clusterWideProxy.status", map[string]string{"status": wrong, "Message": message})
	}
	if p.Spec == (proxySettings{}) {
		report("false", proxyNotEnabled)
		return nil
	}
	noProxy := p.Status.NoProxy
	if noProxy == "" {
		report("true", proxyNoStatus)
		noProxy = p.Spec.NoProxy
	}
	required, err := l.direct(ctx)
	var missing []string
	listed := listedOf(noProxy)
	for _, r := range required {
		if !r.in(listed) {
			missing = append(missing, r.name)
		}
	}
	if len(missing) > 0 {
		report("true", proxyMissing+strings.Join(missing, ", "))
	} else if err == nil {
		report("false", proxyRight)
	}
	return err
}

func listedOf(noProxy string) (listed []string) {
	for one := range strings.SplitSeq(noProxy, ",") {
		if one = strings.TrimSpace(one); one != "" {
			listed = append(listed, arm.ToLower(one))
		}
	}
	return listed
}

// required is what must be reached directly.
type required struct {
	name string
	// below means that an entry for a parent domain is sufficient.
	below bool
}

func (r required) in(listed []string) bool {
	name := arm.ToLower(r.name)
	return slices.ContainsFunc(listed, func(one string) bool {
		return one == name || r.below && strings.HasSuffix(name, "."+strings.TrimPrefix(one, "."))
	})
}

// direct lists what the cluster must reach without the proxy. What cannot be found out
// is an error beside the rest.
func (l *Look) direct(ctx context.Context) (all []required, err error) {
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && !slices.ContainsFunc(all, func(r required) bool { return r.name == name }) {
				all = append(all, required{name: name})
			}
		}
	}
	c := l.Cluster
	add(alwaysDirect...)
	var errs []error
	if l.Network != nil {
		prefixes, customDNS, err := l.Network.Subnets(ctx, c, append([]string{c.MasterSubnet}, c.WorkerSubnets...))
		errs = append(errs, err)
		if err == nil && !customDNS {
			add(azureDNS)
		}
		for _, id := range append([]string{c.MasterSubnet}, c.WorkerSubnets...) {
			add(prefixes[arm.ToLower(id)]...)
		}
	}
	add(c.PodCIDR, c.ServiceCIDR)
	aro, err := l.aro()
	errs = append(errs, err)
	if aro != nil {
		for _, domain := range aro.Spec.GatewayDomains {
			all = append(all, required{domain, true})
		}
	}
	for _, name := range []string{".apps." + c.Domain, "api-int." + c.Domain, c.apiHost()} {
		all = append(all, required{name, true})
	}
	return all, errors.Join(errs...)
}

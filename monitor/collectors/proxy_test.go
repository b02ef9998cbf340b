package collectors

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// subnets are a network that was read.
type subnets struct {
	dns bool
	err error
}

func (s subnets) Subnets(context.Context, *Cluster, []string) (map[string][]string, bool, error) {
	return map[string][]string{"/m": {"10.0.0.0/24"}, "/w": {"10.0.1.0/24"}}, s.dns, s.err
}

func TestTheClusterWideProxy(t *testing.T) {
	collect := run("emitCWPStatus", All())
	set := func(status, spec string) answers {
		return answers{proxyPath: `{"spec":{"httpProxy":"http://p","noProxy":"` + spec + `"},"status":{"httpProxy":"http://p","noProxy":"` + status + `"}}`,
			aroPath: `{"spec":{"gatewayDomains":["login.example.net"]}}`}
	}
	every := []string{"localhost", "127.0.0.1", ".svc", ".cluster.local", "169.254.169.254", "168.63.129.16", "10.0.0.0/24", "10.0.1.0/24", "10.128.0.0/14", "172.30.0.0/16",
		"login.example.net", ".apps.c.eastus.example.com", "api-int.c.eastus.example.com", "api.c.eastus.example.com"}
	but := func(left ...string) string {
		return strings.Join(lacking(every, left...), ",")
	}
	network := func(n Network) func(*Look) {
		return func(l *Look) {
			l.Network, l.Cluster.MasterSubnet, l.Cluster.WorkerSubnets = n, "/m", []string{"/W"}
		}
	}
	const right = "clusterWideProxy.status 1 Message=CWP enabled successfully status=false"
	wrong := func(missing string) string {
		return "clusterWideProxy.status 1 Message=CWP enabled but missing " + missing + " status=true"
	}
	check(t, map[string]tested{
		"none":                       {collect: collect, answers: answers{proxyPath: `{"spec":{},"status":{}}`}, want: []string{"clusterWideProxy.status 1 Message=Cluster Wide Proxy is not enabled status=false"}},
		"right":                      {collect: collect, answers: set(but(), ""), change: network(subnets{}), want: []string{right}},
		"one is missing":             {collect: collect, answers: set(but(".svc"), ""), change: network(subnets{}), want: []string{wrong(".svc")}},
		"subnets are missing":        {collect: collect, answers: set(but("10.0."), ""), change: network(subnets{}), want: []string{wrong("10.0.0.0/24, 10.0.1.0/24")}},
		"Azure's DNS is missing":     {collect: collect, answers: set(but("168."), ""), change: network(subnets{}), want: []string{wrong("168.63.129.16")}},
		"Azure's DNS is not used":    {collect: collect, answers: set(but("168."), ""), change: network(subnets{dns: true}), want: []string{right}},
		"the parent domain suffices": {collect: collect, answers: set(but("login.", ".apps", "api")+",.example.net,c.eastus.example.com", ""), change: network(subnets{}), want: []string{right}},
		"upper case, with blanks":    {collect: collect, answers: set(strings.ToUpper(strings.ReplaceAll(but(), ",", " , ")), ""), change: network(subnets{}), want: []string{right}},
		"the gateway is missing":     {collect: collect, answers: set(but("login."), ""), change: network(subnets{}), want: []string{wrong("login.example.net")}},
		"the status says nothing":    {collect: collect, answers: set("", but()), change: network(subnets{}), want: []string{"clusterWideProxy.status 1 Message=CWP enabled but status.noProxy is empty status=true", right}},
		"Azure is not reached":       {collect: collect, answers: set(but("10.0.", "168."), ""), want: []string{right}},
		"the network cannot be read": {collect: collect, answers: set(but(), ""), change: network(subnets{err: errors.New("refused")}), fails: true},
		"the proxy cannot be read":   {collect: collect, answers: answers{proxyPath: "500"}, fails: true},
	})
}

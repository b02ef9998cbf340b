package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// guardHost protects a server without authentication from web pages: from names
// that resolve to this machine (DNS rebinding), and from requests of other sites.
// If callers authenticate, any name is accepted.
func (s *Server) guardHost(r *http.Request) error {
	if !isDevelopment(s.Auth) {
		return nil
	}
	if r.Host != "" && !s.ownHost(r.Host) {
		return &Refusal{Status: http.StatusMisdirectedRequest, Target: "Host",
			Message: "In development the service answers to loopback names and addresses, such as localhost, and to those of --hosts. The host of the request is neither."}
	}
	if origin := r.Header.Get("Origin"); origin != "" && !s.ownOrigin(origin) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return &Refusal{Status: http.StatusForbidden, Target: "Origin",
			Message: "In development the service does not answer to pages of other sites. Only pages of loopback names, and of those of --hosts, may call it."}
	}
	return nil
}

func (s *Server) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && s.ownHost(u.Host)
}

// ownHost reports whether a host, with or without a port, is a loopback name or
// address, or a configured name.
func (s *Server) ownHost(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), ".")
	if address, err := netip.ParseAddr(name); err == nil && address.IsLoopback() {
		return true
	}
	name = arm.ToLower(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(s.Hosts, func(h string) bool { return arm.EqualFold(h, name) || arm.EqualFold(h, host) })
}

func isLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

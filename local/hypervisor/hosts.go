package hypervisor

import (
	"net"
	"strings"
)

// hosts are the names that a machine resolves itself.
type hosts struct {
	Names   map[string]string // exact, as /etc/hosts has them
	Domains map[string]string // with everything below them, as dnsmasq answers
}

// add reads entries of /etc/hosts.
func (h *hosts) add(content string) {
	for line := range strings.Lines(content) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 || net.ParseIP(fields[0]) == nil {
			continue
		}
		if h.Names == nil {
			h.Names = map[string]string{}
		}
		for _, name := range fields[1:] {
			h.Names[strings.ToLower(name)] = fields[0]
		}
	}
}

// addDomains reads the lines address=/domain/…/ip of a dnsmasq configuration.
func (h *hosts) addDomains(content string) {
	for line := range strings.Lines(content) {
		value, found := strings.CutPrefix(strings.TrimSpace(line), "address=/")
		if !found {
			continue
		}
		parts := strings.Split(value, "/")
		ip := parts[len(parts)-1]
		if net.ParseIP(ip) == nil {
			continue
		}
		if h.Domains == nil {
			h.Domains = map[string]string{}
		}
		for _, domain := range parts[:len(parts)-1] {
			h.Domains[strings.ToLower(strings.TrimPrefix(domain, "."))] = ip
		}
	}
}

// resolve is the address with the host's IP instead of its name, if that is known.
func (h hosts) resolve(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, known := h.Names[name]; known {
		return net.JoinHostPort(ip, port)
	}
	for domain := name; domain != ""; {
		if ip, known := h.Domains[domain]; known {
			return net.JoinHostPort(ip, port)
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return address
}

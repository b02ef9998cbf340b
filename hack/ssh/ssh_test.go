package main

import (
	"strings"
	"testing"
)

func TestPortsLeadToMasters(t *testing.T) {
	for machine, want := range map[string]int{"master-0": 2200, "master-2": 2202, "master-3": 0, "worker-0": 0, "0": 0, "master-": 0, "master--1": 0} {
		if port, err := portOf(machine); port != want || (err == nil) != (want != 0) {
			t.Errorf("%s: port %d, error %v, want %d", machine, port, err, want)
		}
	}
	if args := strings.Join(sshArgs("/k", "10.0.0.9", 2201), " "); !strings.Contains(args, "-i /k -p 2201 ") || !strings.HasSuffix(args, "core@10.0.0.9") {
		t.Errorf("ssh %s", args)
	}
}

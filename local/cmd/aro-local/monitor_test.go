package main

import (
	"strings"
	"testing"
)

func TestMetricsHaveASocketWhereverTheDataIs(t *testing.T) {
	for data, want := range map[string]string{
		"/home/me/.aro":                     "unix:/home/me/.aro/mdm.sock",
		"/home/" + strings.Repeat("m", 100): "udp:127.64.255.254:1026",
	} {
		if got := (runCommand{Data: data, Addresses: 64}).metricsSocket(); got != want {
			t.Errorf("%s: %s, want %s", data, got, want)
		}
	}
}

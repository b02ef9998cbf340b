package rp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/rp"
)

// usable is a configuration with the defaults of the flags.
func usable() rp.Config {
	return rp.Config{Config: service.Config{Database: service.Database{Store: "sqlite:aro.db"}, Location: "eastus"},
		Listen: "127.0.0.1:8080", Server: true, Backend: true, Connections: 4096, Workers: 100,
		Lease: time.Minute, Poll: time.Second, PollIdle: 20 * time.Second, Look: 15 * time.Minute, Drain: 25 * time.Second}
}

func judge(c rp.Config) error {
	var f service.Faults
	c.Check(&f)
	return f.Err()
}

func TestEveryValueOfTheConfigurationIsJudged(t *testing.T) {
	if err := judge(usable()); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for _, test := range []struct {
		change func(*rp.Config)
		says   string
	}{
		{func(c *rp.Config) { c.Workers = 0 }, "--workers must be from 1"},
		{func(c *rp.Config) { c.Workers = -1 }, "--workers"},
		{func(c *rp.Config) { c.Connections = 0 }, "--connections"},
		{func(c *rp.Config) { c.Lease = -time.Second }, "--lease must be longer than 0"},
		{func(c *rp.Config) { c.Poll = 0 }, "--poll"},
		{func(c *rp.Config) { c.PollIdle = 0 }, "--poll-idle"},
		{func(c *rp.Config) { c.Peers = []string{"10.0.0.4"} }, "--peers must be HOST:PORT"},
		{func(c *rp.Config) { c.Look = -1 }, "--look"},
		{func(c *rp.Config) { c.Drain = -time.Second }, "--drain"},
		{func(c *rp.Config) { c.Domain = "a b.example.com" }, `--domain must be a DNS name`},
		{func(c *rp.Config) { c.Domain = "-a.example.com" }, `--domain`},
		{func(c *rp.Config) { c.Location = "" }, "--location"},
		{func(c *rp.Config) { c.Location = "east/us" }, "--location"},
		{func(c *rp.Config) { c.Listen = "8080" }, "--listen must be HOST:PORT"},
		{func(c *rp.Config) { c.Listen = "127.0.0.1:99999" }, "--listen"},
		{func(c *rp.Config) { c.Hosts = []string{"a b"} }, "--hosts"},
		{func(c *rp.Config) { c.Store = "postgres:x" }, "sqlite:PATH or cosmos:"},
		{func(c *rp.Config) { c.Server, c.Backend = false, false }, "leave nothing to do"},
		{func(c *rp.Config) { c.Production, c.EncryptionKeys = true, "keys" }, "--tls-cert is missing"},
	} {
		c := usable()
		test.change(&c)
		err := judge(c)
		if _, ok := errors.AsType[*service.ConfigError](err); !ok || !strings.Contains(err.Error(), test.says) {
			t.Errorf("want %q, got %v", test.says, err)
		}
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	c := usable()
	c.Production, c.Workers, c.Domain = true, 0, "a b"
	err := judge(c)
	for _, flag := range []string{"--workers", "--domain", "--encryption-keys", "--tls-cert", "--tls-key", "--arm-clients", "--admin-clients"} {
		if err == nil || strings.Count(err.Error(), flag+" ") != 1 {
			t.Errorf("%s is not named once in %v", flag, err)
		}
	}
}

package main

import (
	"context"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestMissingProgramIsNamed(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for path, want := range map[string]string{filepath.Join(dir, "none"): "make build", dir: "is not an executable file"} {
		if err := execute(ctx, []string{"--data", dir, "--rp", path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func TestWrongFlagsAreUsageErrors(t *testing.T) {
	for _, args := range [][]string{{"--none"}, {"cluster", "create"}, {"--addresses", "x"}} {
		if err := execute(t.Context(), args); !isUsage(err) {
			t.Errorf("%v: %v is no usage error", args, err)
		}
	}
}

func TestValuesAreJudgedBeforeAnythingIsMade(t *testing.T) {
	for name, test := range map[string]struct {
		c    runCommand
		want string
	}{
		"not loopback":      {runCommand{Listen: "0.0.0.0:8080", Azure: "localhost:8443"}, "--listen must be a loopback address"},
		"a name":            {runCommand{Listen: "example.com:8080", Azure: "localhost:8443"}, "--listen must be a loopback address"},
		"no port":           {runCommand{Listen: "127.0.0.1", Azure: "localhost:8443"}, "--listen must be ADDRESS:PORT"},
		"Azure elsewhere":   {runCommand{Listen: "127.0.0.1:8080", Azure: "example.com:8443"}, "--azure must be localhost:PORT"},
		"Azure's port":      {runCommand{Listen: "127.0.0.1:8080", Azure: "localhost:"}, "--azure must be localhost:PORT"},
		"negative":          {runCommand{Listen: "127.0.0.1:8080", Azure: "localhost:8443", Addresses: -1}, "--addresses must be a number from 1 to 253"},
		"more than 127.255": {runCommand{Listen: "127.0.0.1:8080", Azure: "localhost:8443", Addresses: 254}, "--addresses must be a number from 1 to 253"},
	} {
		t.Run(name, func(t *testing.T) {
			test.c.Data = filepath.Join(t.TempDir(), "data")
			if _, err := test.c.reserve(t.Context()); !isUsage(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want the usage error %q", err, test.want)
			}
			if _, err := os.Stat(test.c.Data); err == nil {
				t.Error("the data directory was made")
			}
		})
	}
}

// free returns flags with ports that are free, and addresses that no other test uses.
func free(t *testing.T, addresses int) runCommand {
	t.Helper()
	ports := [2]string{}
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports[i] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	return runCommand{Data: t.TempDir(), Listen: "127.0.0.1:" + ports[0], Azure: "localhost:" + ports[1], Portal: noPortal, Addresses: addresses}
}

func TestASecondInstanceIsToldWhatToChange(t *testing.T) {
	first := free(t, 241)
	reserved, err := first.reserve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", first.Listen)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*runCommand)
		want   string
	}{
		"data directory":       {func(c *runCommand) { c.Data = first.Data }, "uses this directory already"},
		"address ranges":       {func(c *runCommand) { c.Addresses = 241 }, "--addresses"},
		"one range":            {func(c *runCommand) { c.Addresses = 242 }, "127.242.0.0/16"},
		"the provider's port":  {func(c *runCommand) { c.Listen = first.Listen }, "for example --listen 127.0.0.1:"},
		"the port of Azure":    {func(c *runCommand) { c.Azure = first.Azure }, "for example --azure localhost:"},
		"nothing, and it runs": {func(*runCommand) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := free(t, 244)
			test.change(&c)
			reserved, err := c.reserve(t.Context())
			if test.want == "" && err == nil {
				reserved.release()
				return
			}
			if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	_ = taken.Close()
	reserved.release()
	if reserved, err = first.reserve(t.Context()); err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	reserved.release()
}

func TestAddressesAreThoseOfTheFirstStart(t *testing.T) {
	data := t.TempDir()
	for _, test := range []struct {
		given, want int
		refused     string
	}{
		{70, 70, ""}, {0, 70, ""}, {70, 70, ""}, {72, 0, "was first used with 70"},
	} {
		c := runCommand{Data: data, Addresses: test.given}
		err := c.settleAddresses()
		if test.refused == "" && (err != nil || c.Addresses != test.want) {
			t.Errorf("--addresses %d: got %d, %v, want %d", test.given, c.Addresses, err, test.want)
		}
		if test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("--addresses %d: got %v, want %q", test.given, err, test.refused)
		}
	}
	fresh := runCommand{Data: t.TempDir()}
	if err := fresh.settleAddresses(); err != nil || fresh.Addresses != defaultAddresses {
		t.Errorf("by default: %d, %v", fresh.Addresses, err)
	}
}

func TestAFullDiskIsRefusedAtStart(t *testing.T) {
	if err := enoughDisk(t.TempDir(), math.MaxUint64); err == nil || !strings.Contains(err.Error(), "MiB free") {
		t.Errorf("got %v", err)
	}
	if err := enoughDisk(t.TempDir(), 1); err != nil {
		t.Error(err)
	}
}

func TestAnAzureThatDoesNotOpenIsAnErrorAndNotAWait(t *testing.T) {
	c := free(t, 248)
	c.Azure = "no host:1" // found wrong only after networks and machines have started
	result := make(chan error, 1)
	go func() {
		_, err := c.openCloud(t.Context(), "none", slog.New(slog.DiscardHandler))
		result <- err
	}()
	select {
	case err := <-result:
		if err == nil {
			t.Error("it opened")
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
}

func TestAdviceHasTheFlagsInForce(t *testing.T) {
	f := clusterFlags{Data: "/a b/it's", Cloud: "public", Subscription: "s"}
	if got, want := f.command("watch"), ` cluster watch --data '/a b/it'\''s' --cloud public --subscription s`; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

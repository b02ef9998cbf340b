package flags

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type secret string

type shared struct {
	Store string `env:"TRY_STORE" default:"sqlite:${place}" help:"Database."`
}

type serve struct {
	shared `embed:""`

	Listen   string            `env:"TRY_LISTEN" placeholder:"ADDRESS" help:"Where."`
	Server   bool              `env:"TRY_SERVER" default:"true" negatable:"" help:"Serve."`
	Workers  int               `env:"TRY_WORKERS" default:"100" help:"How many."`
	LogLevel slog.Level        `env:"TRY_LOG_LEVEL" default:"INFO" help:"Level."`
	Lease    time.Duration     `env:"TRY_LEASE" default:"60s" help:"Lease."`
	Hosts    []string          `env:"TRY_HOSTS" help:"Names."`
	Release  map[string]string `env:"TRY_RELEASE" help:"Images."`
	TLSCert  string            `env:"TRY_TLS_CERT" type:"path" help:"Certificate."`
	Key      secret            `env:"TRY_KEY" name:"the-key" help:"Key."`

	internal int //nolint:unused // a field that is no flag
}

func (*serve) Run(context.Context) error { return nil }

// fetch has positional arguments and a required flag.
type fetch struct {
	Names []string `arg:"" optional:"" name:"name" help:"Names."`
	To    string   `env:"TRY_TO" required:"" help:"Where to."`
}

func (*fetch) Run(context.Context) error { return nil }

type commands struct {
	Serve serve `cmd:"" name:"serve" help:"Serve it."`
	Fetch fetch `cmd:"" name:"fetch" help:"Fetch it."`
}

var program = Program{Name: "try", Description: "For tests.", Version: "v1", Vars: map[string]string{"place": "here"}, Lookup: os.LookupEnv}

func TestCommandLineBeforeEnvironmentBeforeDefault(t *testing.T) {
	t.Setenv("TRY_WORKERS", "7")
	t.Setenv("TRY_HOSTS", "a,b")
	t.Setenv("TRY_LISTEN", "env")
	t.Setenv("TRY_RELEASE", "x=1;y=2")
	var c commands
	command, err := program.Parse(&c, []string{"serve", "--listen=flag", "--no-server", "--hosts", "c,d", "--hosts=e",
		"--lease", "5m", "--log-level=DEBUG", "--tls-cert", "x.pem", "--the-key=k"}, nil)
	if err != nil || command != &c.Serve {
		t.Fatal(err)
	}
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := serve{shared: shared{Store: "sqlite:here"}, Listen: "flag", Workers: 7, LogLevel: slog.LevelDebug, Lease: 5 * time.Minute,
		Hosts: []string{"c", "d", "e"}, Release: map[string]string{"x": "1", "y": "2"}, TLSCert: filepath.Join(folder, "x.pem"), Key: "k"}
	if !reflect.DeepEqual(c.Serve, want) {
		t.Errorf("got %+v, want %+v", c.Serve, want)
	}
	if _, err := program.Parse(&c, []string{"serve", "--server=false", "--no-server=false"}, nil); err != nil || !c.Serve.Server || c.Serve.Listen != "env" {
		t.Errorf("a second time: %+v, %v", c.Serve, err)
	}
}

func TestArgumentsAndWhatIsRequired(t *testing.T) {
	var c commands
	command, err := program.Parse(&c, []string{"fetch", "a", "--to=x", "b"}, nil)
	if err != nil || command != &c.Fetch || !reflect.DeepEqual(c.Fetch, fetch{Names: []string{"a", "b"}, To: "x"}) {
		t.Errorf("%+v, %v", c.Fetch, err)
	}
	if _, err := program.Parse(&commands{}, []string{"fetch", "a"}, nil); err == nil || !strings.Contains(err.Error(), "--to") {
		t.Errorf("without what is required: %v", err)
	}
}

func TestWhatIsWrongIsSaidWithoutTheValue(t *testing.T) {
	for _, args := range [][]string{{}, {"nothing"}, {"serve", "--nothing"}, {"serve", "word"}, {"serve", "--workers=many"}, {"serve", "--lease=1"},
		{"serve", "--log-level=LOUD"}, {"serve", "--server=perhaps"}, {"serve", "--no-server=perhaps"}, {"serve", "--release=x"}} {
		if _, err := program.Parse(&commands{}, args, nil); err == nil {
			t.Errorf("%q passes", args)
		}
	}
	t.Setenv("TRY_WORKERS", "canary")
	if _, err := program.Parse(&commands{}, []string{"serve"}, nil); err == nil || !strings.Contains(err.Error(), "TRY_WORKERS") || strings.Contains(err.Error(), "canary") {
		t.Errorf("a wrong variable: %v", err)
	}
}

func TestHelpTellsFlagsAndVariables(t *testing.T) {
	for want, args := range map[string][]string{
		"serve       Serve it.": {"--help"}, "v1": {"--version"},
		"--listen ADDRESS": {"serve", "--help"}, "Usage: try fetch [flags] [NAME...]\n": {"fetch", "--help"}, "[NAME...]   Names.\n": {"fetch", "--help"}, "($TRY_STORE)": {"serve", "-h"}, "sqlite:here": {"serve", "-h"},
	} {
		var out bytes.Buffer
		command, err := program.Parse(&commands{}, args, &out)
		if command != nil || err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "no-server") {
			t.Errorf("%q: %v, %s", args, err, out.String())
		}
	}
}

func TestNamesOfFlags(t *testing.T) {
	for field, want := range map[string]string{"Listen": "listen", "LogLevel": "log-level", "TLSCert": "tls-cert", "ARMClients": "arm-clients",
		"FirstPartyClientID": "first-party-client-id", "CAFile": "ca-file"} {
		if got := dashed(field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	if flags := program.Flags(&commands{}); len(flags) != 11 || flags[0] != (Flag{"serve", "store", "TRY_STORE", "sqlite:here", true}) {
		t.Errorf("described as %+v", flags)
	}
}

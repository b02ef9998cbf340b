package service

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/environment"
)

// Secret is a flag's value that no help text or error contains.
type Secret string

func (Secret) String() string { return "[secret]" }

// Config is the configuration of every process, from flags or the environment.
type Config struct {
	Database `embed:""`

	Location       string     `env:"ARO_LOCATION" default:"eastus" help:"Azure region that this service serves."`
	Domain         string     `env:"ARO_DOMAIN" placeholder:"DOMAIN" help:"Parent domain of clusters' names. Default: LOCATION.aroapp.io."`
	LogLevel       slog.Level `env:"ARO_LOG_LEVEL" default:"INFO" help:"DEBUG, INFO, WARN or ERROR."`
	Audit          string     `env:"ARO_AUDIT" placeholder:"FILE" help:"File to which audit records are appended, as JSON lines. Default: standard error, with the message audit. --log-level does not affect them."`
	EncryptionKeys string     `env:"ARO_ENCRYPTION_KEYS" placeholder:"FILE" help:"File with the keys that encrypt secrets, one base64 key of 32 bytes per line, newest first; or keyvault:NAME in the service vault. All processes on one database need the same keys. In development a missing file is created, and the default is SQLite's path with .keys."`
	OTLPEndpoint   string     `name:"otlp-endpoint" env:"ARO_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL" help:"OpenTelemetry collector that gets traces (OTLP over HTTP), such as http://127.0.0.1:4318. Default: no traces."`
	Production     bool       `env:"ARO_PRODUCTION" help:"Refuse to start without TLS, client certificate allow-lists and keys."`
}

// Check adds everything that is wrong with the configuration.
func (c *Config) Check(f *Faults) {
	c.Database.Check(f, c.Production)
	if arm.NormalLocation(c.Location) == "" || !arm.MadeOf(arm.NormalLocation(c.Location), 1, maxLabel, "") {
		f.Add("--location", "%q is not the name of an Azure region, such as eastus", c.Location)
	}
	if c.Domain != "" {
		f.Domain("--domain", c.Domain)
	}
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		f.Add("--otlp-endpoint", "must be an http or https URL, which %q is not", c.OTLPEndpoint)
	}
	if c.keyFile() == "" {
		f.Add("--encryption-keys", "is missing: %s", c.keysMissing())
	}
}

// domain returns the domain in which clusters get names.
func (c *Config) domain() string {
	if c.Domain != "" {
		return c.Domain
	}
	return arm.NormalLocation(c.Location) + ".aroapp.io"
}

// Faults are all violations of a configuration.
type Faults struct{ list []string }

// Add adds a violation of a flag; the text follows the name of the flag.
func (f *Faults) Add(flag, format string, args ...any) {
	f.list = append(f.list, flag+" "+fmt.Sprintf(format, args...))
}

// Need adds a violation if a flag has no value; why is what it is needed for.
func (f *Faults) Need(flag, value, why string) {
	if value == "" {
		f.Add(flag, "is missing: it is needed %s", why)
	}
}

// Address adds a violation if a flag is not an https URL, or has no value though it
// is needed.
func (f *Faults) Address(flag, value, why string) {
	f.Need(flag, value, why)
	if u, err := url.Parse(value); value != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		f.Add(flag, "must be an https URL, which %q is not", value)
	}
}

// Positive adds a violation if a duration is not positive.
func (f *Faults) Positive(flag string, value time.Duration) {
	if value <= 0 {
		f.Add(flag, "must be longer than 0, which %s is not", value)
	}
}

// Within adds a violation if a number is out of bounds.
func (f *Faults) Within(flag string, value, least, most int) {
	if value < least || value > most {
		f.Add(flag, "must be from %d to %d, which %d is not", least, most, value)
	}
}

const (
	maxLabel  = 63  // of a DNS name, in characters
	maxDomain = 253 // the whole name
)

var domainForm = regexp.MustCompile(`^([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)

// Domain adds a violation if a value is not a DNS name.
func (f *Faults) Domain(flag, value string) {
	if len(value) > maxDomain || !domainForm.MatchString(value) {
		f.Add(flag, "must be a DNS name of letters, digits, hyphens and dots, which %q is not", value)
	}
}

// Host adds a violation if a value is not a DNS name or an address, with or without
// a port.
func (f *Faults) Host(flag, value string) {
	host := value
	if name, port, err := net.SplitHostPort(value); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			f.Add(flag, "the port of %q is not a number up to 65535", value)
			return
		}
		host = name
	}
	if net.ParseIP(strings.Trim(host, "[]")) == nil {
		f.Domain(flag, host)
	}
}

// Listen adds a violation if a value is not an address to listen on.
func (f *Faults) Listen(flag, value string) {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		f.Add(flag, "must be HOST:PORT, which %q is not", value)
		return
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		f.Add(flag, "the port of %q is not a number up to 65535", value)
	}
	if host != "" && net.ParseIP(host) == nil {
		f.Domain(flag, host)
	}
}

// ID adds a violation if a value is not a UUID.
func (f *Faults) ID(flag, value string) {
	if value != "" && (strings.Trim(value, " \t") != value || strings.ContainsAny(value, " \t/?#")) {
		f.Add(flag, "must be an id, without blanks and slashes")
	}
}

// Err returns nil without faults, and otherwise a ConfigError with all of them.
func (f *Faults) Err() error {
	if len(f.list) == 0 {
		return nil
	}
	return &ConfigError{Faults: f.list}
}

// ConfigError is the error of an invalid configuration.
type ConfigError struct{ Faults []string }

// Error lists the faults, one per line if there are several.
func (e *ConfigError) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0]
	}
	return fmt.Sprintf("%d settings are missing or not valid:\n  %s", len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// InVault returns the name after keyvault: if the value of a flag has that prefix.
func InVault(value string) (name string, ok bool) {
	return strings.CutPrefix(value, environment.InVault)
}

package compute

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	// ConsolePrefix is the path at which Console is to be mounted.
	ConsolePrefix = "/local/console/"
	// consoleTime is the validity of a console's URL unless the caller requests a shorter one.
	consoleTime = 2 * time.Hour
)

// consoles hands out URLs of serial consoles, good for some time and this process.
type consoles struct {
	origin   string
	machines Machines
	key      []byte
}

func newConsoles(origin string, machines Machines) *consoles {
	return &consoles{origin: origin, machines: machines, key: []byte(rand.Text())}
}

// Console serves the serial consoles to which boot diagnostics refer.
func (c *Compute) Console() http.Handler { return c.consoles }

// bootDiagnostics is where the machine's serial console can be read.
func (c *Compute) bootDiagnostics(_ context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	good := consoleTime
	if minutes, err := strconv.Atoi(call.Query.Get("sasUriExpirationTimeInMinutes")); err == nil && minutes > 0 {
		good = min(good, time.Duration(minutes)*time.Minute)
	}
	address := c.consoles.url(r.ID, time.Now().Add(good))
	return object{"serialConsoleLogBlobUri": address, "consoleScreenshotBlobUri": address + "&screenshot=none"}, nil
}

func (c *consoles) url(id string, until time.Time) string {
	expiry := strconv.FormatInt(until.Unix(), 10)
	query := url.Values{"id": {id}, "se": {expiry}, "sig": {c.sign(id, expiry)}}
	return c.origin + ConsolePrefix + "serial.log?" + query.Encode()
}

func (c *consoles) sign(id, expiry string) string {
	mac := hmac.New(sha256.New, c.key)
	_, _ = mac.Write([]byte(expiry + " " + resources.Key(id)))
	return hex.EncodeToString(mac.Sum(nil))
}

func (c *consoles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	id, expiry := query.Get("id"), query.Get("se")
	until, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || !hmac.Equal([]byte(query.Get("sig")), []byte(c.sign(id, expiry))) || time.Now().Unix() > until {
		resources.WriteError(w, resources.Refuse(http.StatusForbidden, "AuthenticationFailed", "The signature of the URL is wrong or expired."))
		return
	}
	power, log := c.machines.State(id)
	if power == "" {
		resources.WriteError(w, resources.Refuse(http.StatusNotFound, "BlobNotFound", "The machine has no serial console any more."))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(log) // a client that went away needs no answer
}

package hypervisor

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/ignition/v2/config/v3_3/types"
	"github.com/vincent-petithory/dataurl"
)

const (
	// maxResource bounds what a machine reads from one address.
	maxResource = 32 << 20
	// A machine retries, at growing intervals, until its source answers.
	firstRetry   = 50 * time.Millisecond
	slowestRetry = time.Second
	// haste divides the time since the first attempt: the quotient is the next pause.
	haste        = 20
	fetchTimeout = 10 * time.Second
	// accept is the version of Ignition that the machine's image has.
	accept = "application/vnd.coreos.ignition+json; version=3.2.0"
)

// fetcher reads the sources that a configuration names, as Ignition does.
type fetcher struct {
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	authorities *x509.CertPool
	log         *bootLog
	server      string // the real address of who answered last
}

// contents is what a resource holds once it is read, unpacked and verified.
func (f *fetcher) contents(ctx context.Context, r types.Resource) ([]byte, error) {
	if r.Source == nil || *r.Source == "" {
		return nil, nil
	}
	raw, err := f.read(ctx, *r.Source, r.HTTPHeaders)
	if err != nil {
		return nil, err
	}
	if r.Compression != nil && *r.Compression == "gzip" {
		if raw, err = unpack(raw); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", display(*r.Source), err)
		}
	}
	if hash := r.Verification.Hash; hash != nil && !verifies(*hash, raw) {
		return nil, fmt.Errorf("%s is not what its hash says", display(*r.Source))
	}
	return raw, nil
}

func (f *fetcher) read(ctx context.Context, source string, headers types.HTTPHeaders) ([]byte, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, errors.New("a source is no URL")
	}
	switch u.Scheme {
	case "data":
		data, err := dataurl.DecodeString(source)
		if err != nil {
			return nil, fmt.Errorf("data URL: %w", err)
		}
		return data.Data, nil
	case "http", "https":
		return f.get(ctx, u, headers)
	}
	return nil, fmt.Errorf("a source has the scheme %q, which this machine cannot read", u.Scheme)
}

// get retries until it has an answer that is not a server error.
func (f *fetcher) get(ctx context.Context, u *url.URL, headers types.HTTPHeaders) ([]byte, error) {
	transport := &http.Transport{
		DialContext:       f.dial,
		TLSClientConfig:   &tls.Config{RootCAs: f.authorities, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}
	client := &http.Client{Transport: transport, Timeout: fetchTimeout}
	begun, said := time.Now(), ""
	for attempt := 1; ; attempt++ {
		body, again, err := f.once(ctx, client, u, headers)
		if err == nil {
			f.log.printf("ignition: GET %s: OK", display(u.String()))
			return body, nil
		}
		if line := err.Error(); line != said { // the console is small
			f.log.printf("ignition: GET %s: attempt #%d: %s", display(u.String()), attempt, line)
			said = line
		}
		if !again {
			return nil, fmt.Errorf("GET %s: %w", display(u.String()), err)
		}
		if err := sleep(ctx, pauseSince(begun)); err != nil {
			return nil, err
		}
	}
}

// pauseSince grows with the time that something takes, so that quick answers are not delayed and
// slow ones are not polled often.
func pauseSince(begun time.Time) time.Duration {
	return min(max(time.Since(begun)/haste, firstRetry), slowestRetry)
}

func (f *fetcher) once(ctx context.Context, client *http.Client, u *url.URL, headers types.HTTPHeaders) (body []byte, again bool, err error) {
	// Called before the request is answered or given up, unlike a dial, which may
	// outlive it.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		f.server = c.Conn.RemoteAddr().String()
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, false, errors.New("the URL cannot be asked")
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", "Ignition/2.20.0")
	for _, h := range headers {
		if h.Value != nil {
			request.Header.Set(h.Name, *h.Value)
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, true, cause(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, response.StatusCode >= 500, fmt.Errorf("the answer is %s", response.Status)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, maxResource+1))
	if err == nil && len(body) > maxResource {
		return nil, false, fmt.Errorf("the answer is longer than %d bytes", maxResource)
	}
	return body, true, err
}

// cause is why a request failed, without its URL: that may hold a signature.
func cause(err error) error {
	if failed := new(url.Error); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// display is a source without secrets.
func display(source string) string {
	if strings.HasPrefix(source, "data:") {
		return "data URL"
	}
	u, err := url.Parse(source)
	if err != nil {
		return "URL"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String()
}

func unpack(raw []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(reader, maxResource+1))
	if err == nil && len(content) > maxResource {
		err = errors.New("too much content")
	}
	return content, err
}

// verifies compares with a hash in Ignition's notation, function-hexadecimal.
func verifies(hash string, content []byte) bool {
	function, want, _ := strings.Cut(hash, "-")
	var sum []byte
	switch function {
	case "sha512":
		s := sha512.Sum512(content)
		sum = s[:]
	case "sha256":
		s := sha256.Sum256(content)
		sum = s[:]
	}
	return sum != nil && hex.EncodeToString(sum) == strings.ToLower(want)
}

// sleep returns early, with its error, when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

package cloud

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// How long the parts of a signature are in Azure, before base64.
const (
	certificateBytes = 2700
	signatureBytes   = 256
	digestBytes      = 32
)

// operationCollections are the collections that addresses of operations name.
var operationCollections = []string{"operations", "operationresults", "operationsstatus"}

// signature is what Azure Resource Manager appends to the addresses of operations
// since 2024, about 4 KB: the time (t), a certificate (c), a signature (s) and a
// digest (h). Clients have to send all of it back. Here it protects nothing: it
// shows whether they do.
type signature struct{ key []byte }

// add signs the addresses among the headers of an answer.
func (s signature) add(h http.Header, origin string, now time.Time) {
	ticks := strconv.FormatInt(now.UnixNano()/100, 10)
	for _, name := range []string{"Azure-Asyncoperation", "Location"} {
		address, err := url.Parse(h.Get(name))
		if err != nil || !strings.HasPrefix(address.String(), origin+"/") || !isOperation(address.Path) {
			continue
		}
		query := address.Query()
		for _, member := range []string{"t", "c", "s", "h"} {
			query.Del(member)
		}
		address.RawQuery = query.Encode() + "&t=" + ticks + "&c=" + s.part(certificateBytes, "c") +
			"&s=" + s.part(signatureBytes, "s", ticks, address.Path) + "&h=" + s.part(digestBytes, "h", ticks, address.Path)
		h.Set(name, address.String())
	}
}

// verify refuses a call to an operation whose address is not the one that was given.
func (s signature) verify(call *resources.Call) error {
	if !isOperation(call.Path) {
		return nil
	}
	ticks := call.Query.Get("t")
	for member, want := range map[string]string{
		"c": s.part(certificateBytes, "c"), "s": s.part(signatureBytes, "s", ticks, call.Path), "h": s.part(digestBytes, "h", ticks, call.Path),
	} {
		if call.Query.Get(member) != want {
			return refuse("InvalidOperationUrl", "The query parameter '%s' is missing or is not the one of the operation's address. Use the address as it was given.", member)
		}
	}
	return nil
}

// part is n bytes that follow from the key and what is signed, in the base64 of URLs.
func (s signature) part(n int, signed ...string) string {
	var bytes []byte
	for block := uint32(0); len(bytes) < n; block++ {
		mac := hmac.New(sha512.New, s.key)
		mac.Write(binary.BigEndian.AppendUint32(nil, block))
		mac.Write([]byte(strings.ToLower(strings.Join(signed, "\n"))))
		bytes = mac.Sum(bytes)
	}
	return base64.RawURLEncoding.EncodeToString(bytes[:n])
}

// isOperation reports whether a path is that of an operation of any provider.
func isOperation(path string) bool {
	segments := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	n := len(segments)
	if n < 4 || segments[n-4] != "locations" {
		return false
	}
	for _, collection := range operationCollections {
		if segments[n-2] == collection {
			return true
		}
	}
	return false
}

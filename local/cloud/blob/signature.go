package blob

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
)

// Versions that changed what a shared access signature signs.
const (
	oldestSigned    = "2015-04-05"
	withResource    = "2018-11-09"
	withObjects     = "2020-02-10"
	withEncryption  = "2020-12-06"
	withDelegatedTo = "2025-07-05"
	withRequest     = "2026-04-06"
)

// longestDelegation bounds a user delegation key, as in Azure.
const longestDelegation = 7 * 24 * time.Hour

// bySignature serves who has a shared access signature: of the account, of a
// container or blob, or of a container or blob by a user delegation key.
func (s *Service) bySignature(q *request, op operation) error {
	get := q.query.Get
	if v := get("sv"); len(v) != len(version) || v < oldestSigned || v > version {
		return failed("The signed version is malformed or not served.")
	}
	delegated := get("skoid") != ""
	if !delegated {
		if err := s.keysAllowed(q); err != nil {
			return err
		}
	}
	if err := s.checkSignature(q, delegated); err != nil {
		return err
	}
	if err := s.checkValidity(q); err != nil {
		return err
	}
	if err := checkReach(q, op); err != nil {
		return err
	}
	permissions := get("sp")
	if op.permissions == "" || !strings.ContainsAny(permissions, op.permissions) {
		return refuse(http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
	}
	q.createOnly = strings.ContainsAny(op.permissions, "w") && !strings.Contains(permissions, "w")
	if delegated {
		return s.byRole(q, op, get("skoid")) // a delegation gives no more than its user has
	}
	return nil
}

func failed(why string) *refusal {
	return refuse(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. "+why)
}

func (s *Service) checkSignature(q *request, delegated bool) error {
	signature := q.query.Get("sig")
	if delegated {
		key := s.delegationKey(q.name, q.query)
		for _, text := range delegationText(q) {
			if equal(sign(key, text), signature) {
				return s.checkDelegation(q)
			}
		}
		return failed("Signature did not match.")
	}
	keys, err := s.AccountKeys(q.Context(), q.name)
	if err != nil {
		return err
	}
	texts := serviceText(q)
	if q.query.Has("ss") {
		texts = []string{accountText(q.name, q.query)}
	}
	for _, text := range texts {
		if signedBy(keys, text, signature) {
			return nil
		}
	}
	return failed("Signature did not match.")
}

func (s *Service) checkDelegation(q *request) error {
	from, err1 := parseTime(q.query.Get("skt"))
	until, err2 := parseTime(q.query.Get("ske"))
	now := s.Now()
	if err1 != nil || err2 != nil || now.Before(from) || !now.Before(until) || !arm.EqualFold(q.query.Get("sktid"), s.Tenant) {
		return failed("The user delegation key is not valid now, or of another tenant.")
	}
	if to := q.query.Get("sduoid"); to != "" && to != q.caller {
		return failed("The signature is bound to another user.")
	}
	return nil
}

// checkValidity refuses a signature before and after its time, or from elsewhere.
func (s *Service) checkValidity(q *request) error {
	get, now := q.query.Get, s.Now()
	until, err := parseTime(get("se"))
	if err != nil {
		return failed("The signed expiry is missing or malformed; stored access policies are not offered.")
	}
	if !now.Before(until) {
		return failed("Signature not valid in the specified time frame: it is expired.")
	}
	if text := get("st"); text != "" {
		from, err := parseTime(text)
		if err != nil || now.Before(from) {
			return failed("Signature not valid in the specified time frame: its start is later or malformed.")
		}
	}
	if spr := get("spr"); spr != "" && spr != "https" && spr != "https,http" {
		return failed("The signed protocol is malformed.")
	}
	if sip := get("sip"); sip != "" && !inRange(sip, q.RemoteAddr) {
		return refuse(http.StatusForbidden, "AuthorizationSourceIPMismatch", "This request is not authorized to perform this operation using this source IP.")
	}
	return nil
}

// checkReach refuses what lies outside of the signature's resources.
func checkReach(q *request, op operation) error {
	if q.query.Has("ss") {
		if !strings.Contains(q.query.Get("ss"), "b") {
			return refuse(http.StatusForbidden, "AuthorizationServiceMismatch", "This request is not authorized to perform this operation using this service.")
		}
		if !strings.ContainsRune(q.query.Get("srt"), rune(op.level)) {
			return refuse(http.StatusForbidden, "AuthorizationResourceTypeMismatch", "This request is not authorized to perform this operation using this resource type.")
		}
		return nil
	}
	reaches := q.query.Get("sr") == "b" && op.level == 'o' ||
		q.query.Get("sr") == "c" && (op.level == 'o' || op.level == 'c' && q.query.Get("comp") == "list")
	if !reaches {
		return refuse(http.StatusForbidden, "AuthorizationResourceTypeMismatch", "This request is not authorized to perform this operation using this resource type.")
	}
	return nil
}

// accountText is what the signature of an account signs.
func accountText(account string, v url.Values) string {
	lines := []string{account, v.Get("sp"), v.Get("ss"), v.Get("srt"), v.Get("st"), v.Get("se"), v.Get("sip"), v.Get("spr"), v.Get("sv")}
	if v.Get("sv") >= withEncryption {
		lines = append(lines, v.Get("ses"))
	}
	return strings.Join(lines, "\n") + "\n"
}

// canonicalNames are the names that a client may sign for the resource. The SDK cuts
// its addresses as if the account were in the host: it takes the first part of the
// path, /blob, for the container, and for a delegation the host for the account.
func canonicalNames(q *request) []string {
	name := "/" + q.container
	if q.query.Get("sr") == "b" {
		name += "/" + q.blob
	}
	own := "/blob/" + q.name
	host, _, _ := strings.Cut(q.Host, ".")
	return []string{own + name, own + own + name, "/blob/" + host + name}
}

// serviceText is what the signature of a container or blob signs, for each name.
func serviceText(q *request) (texts []string) {
	v := q.query
	for _, name := range canonicalNames(q) {
		lines := []string{v.Get("sp"), v.Get("st"), v.Get("se"), name, v.Get("si"), v.Get("sip"), v.Get("spr"), v.Get("sv")}
		texts = append(texts, strings.Join(append(lines, tail(v)...), "\n"))
	}
	return texts
}

// tail are the last lines of what the signature of a container or blob signs.
func tail(v url.Values) (lines []string) {
	if v.Get("sv") >= withResource {
		lines = append(lines, v.Get("sr"), v.Get("snapshot"))
	}
	if v.Get("sv") >= withEncryption {
		lines = append(lines, v.Get("ses"))
	}
	return append(lines, v.Get("rscc"), v.Get("rscd"), v.Get("rsce"), v.Get("rscl"), v.Get("rsct"))
}

// delegationText is what a signature by a user delegation key signs, for each name.
func delegationText(q *request) (texts []string) {
	v := q.query
	for _, name := range canonicalNames(q) {
		lines := []string{v.Get("sp"), v.Get("st"), v.Get("se"), name, v.Get("skoid"), v.Get("sktid"), v.Get("skt"), v.Get("ske"), v.Get("sks"), v.Get("skv")}
		if v.Get("sv") >= withObjects {
			lines = append(lines, v.Get("saoid"), v.Get("suoid"), v.Get("scid"))
		}
		if v.Get("sv") >= withDelegatedTo {
			lines = append(lines, v.Get("skdutid"), v.Get("sduoid"))
		}
		lines = append(lines, v.Get("sip"), v.Get("spr"), v.Get("sv"), v.Get("sr"), v.Get("snapshot"))
		if v.Get("sv") >= withEncryption {
			lines = append(lines, v.Get("ses"))
		}
		if v.Get("sv") >= withRequest {
			lines = append(lines, signedPart(v.Get("srh"), q.Header.Get, "%s:%s\n"), signedPart(v.Get("srq"), v.Get, "\n%s:%s"))
		}
		lines = append(lines, v.Get("rscc"), v.Get("rscd"), v.Get("rsce"), v.Get("rscl"), v.Get("rsct"))
		texts = append(texts, strings.Join(lines, "\n"))
	}
	return texts
}

// signedPart are the headers or parameters of the request that were signed along.
func signedPart(names string, value func(string) string, format string) string {
	if names == "" {
		return ""
	}
	var out strings.Builder
	for name := range strings.SplitSeq(names, ",") {
		fmt.Fprintf(&out, format, name, value(name))
	}
	return out.String()
}

// delegationKey is the key that the service gave to the user that the parameters
// name. It is derived from them, so that nothing has to be kept.
func (s *Service) delegationKey(account string, v url.Values) string {
	text := strings.Join([]string{account, v.Get("skoid"), v.Get("sktid"), v.Get("skt"), v.Get("ske"), v.Get("sks"), v.Get("skv"), v.Get("skdutid")}, "\n")
	return base64.StdEncoding.EncodeToString(digest(s.delegation, text))
}

// userDelegationKey gives the caller a key for signatures in its name.
func (s *Service) userDelegationKey(q *request) error {
	var asked struct {
		Start, Expiry string
		To            string `xml:"DelegatedUserTid"`
	}
	if err := q.readXML(&asked); err != nil {
		return err
	}
	now := s.Now().UTC()
	until, err := parseTime(asked.Expiry)
	if err != nil || !until.After(now) || until.After(now.Add(longestDelegation)) {
		return refuse(http.StatusBadRequest, "InvalidXmlNodeValue", "The expiry has to be a time of the next seven days.")
	}
	from := now
	if asked.Start != "" {
		if from, err = parseTime(asked.Start); err != nil || from.After(until) {
			return refuse(http.StatusBadRequest, "InvalidXmlNodeValue", "The start has to be a time before the expiry.")
		}
	}
	if q.caller == "" {
		return refuse(http.StatusForbidden, "AuthorizationFailure", "A user delegation key is given for a token only.")
	}
	v := url.Values{"skoid": {q.caller}, "sktid": {s.Tenant}, "skt": {from.UTC().Format(timeLayouts[0])}, "ske": {until.UTC().Format(timeLayouts[0])}, "sks": {"b"}, "skv": {version}, "skdutid": {asked.To}}
	return q.answer(http.StatusOK, struct {
		XMLName       xml.Name `xml:"UserDelegationKey"`
		SignedOid     string
		SignedTid     string
		SignedStart   string
		SignedExpiry  string
		SignedService string
		SignedVersion string
		SignedTo      string `xml:"SignedDelegatedUserTid,omitempty"`
		Value         string
	}{SignedOid: v.Get("skoid"), SignedTid: v.Get("sktid"), SignedStart: v.Get("skt"), SignedExpiry: v.Get("ske"), SignedService: "b", SignedVersion: version, SignedTo: asked.To, Value: s.delegationKey(q.name, v)})
}

// SAS holds the permissions of a shared access signature of an account; the names are those of
// ARM's listAccountSas.
type SAS struct {
	Services      string `json:"signedServices"`
	ResourceTypes string `json:"signedResourceTypes"`
	Permissions   string `json:"signedPermission"`
	IP            string `json:"signedIp"`
	Protocol      string `json:"signedProtocol"`
	Start         string `json:"signedStart"`
	Expiry        string `json:"signedExpiry"`
	Key           string `json:"keyToSign"`
}

// AccountSAS signs with a key of the account and returns the query of an address.
func (s *Service) AccountSAS(ctx context.Context, account string, p SAS) (string, error) {
	until, err := parseTime(p.Expiry)
	if err != nil || p.Services == "" || p.ResourceTypes == "" || p.Permissions == "" {
		return "", fmt.Errorf("an account's signature needs services, resource types, permissions and an expiry")
	}
	keys, err := s.AccountKeys(ctx, account)
	if err != nil {
		return "", err
	}
	key := keys[0]
	if arm.EqualFold(p.Key, "key2") {
		key = keys[1]
	}
	v := url.Values{"sv": {oldestSigned}, "ss": {p.Services}, "srt": {p.ResourceTypes}, "sp": {p.Permissions}, "se": {until.UTC().Format(timeLayouts[0])}}
	if p.Start != "" {
		from, err := parseTime(p.Start)
		if err != nil {
			return "", err
		}
		v.Set("st", from.UTC().Format(timeLayouts[0]))
	}
	if p.IP != "" {
		v.Set("sip", p.IP)
	}
	if p.Protocol != "" {
		v.Set("spr", p.Protocol)
	}
	v.Set("sig", sign(key.Value, accountText(strings.ToLower(account), v)))
	return v.Encode(), nil
}

var timeLayouts = []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.9999999Z07:00", "2006-01-02T15:04Z", "2006-01-02"}

func parseTime(text string) (t time.Time, err error) {
	for _, layout := range timeLayouts {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

// inRange reports whether a peer is in "first-last" or is the one address.
func inRange(addresses, peer string) bool {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	at, err := netip.ParseAddr(host)
	first, last, two := strings.Cut(addresses, "-")
	if !two {
		last = first
	}
	from, err1 := netip.ParseAddr(first)
	to, err2 := netip.ParseAddr(last)
	return err == nil && err1 == nil && err2 == nil && from.Compare(at.Unmap()) <= 0 && at.Unmap().Compare(to) <= 0
}

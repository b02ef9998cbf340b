package server

import (
	"encoding/json"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The headers of ARM's contract. They are trusted, because only ARM can call (C06).
const (
	headerSystemData       = "X-Ms-Arm-Resource-System-Data"
	headerIdentityURL      = "X-Ms-Identity-Url"
	headerTenant           = "X-Ms-Home-Tenant-Id"
	headerAsyncOperation   = "Azure-Asyncoperation"
	headerRetryAfter       = "Retry-After"
	headerETag             = "Etag"
	headerLocation         = echo.HeaderLocation
	asyncRetryAfterSeconds = "10" // the minimum in ARM (L11)
)

// call is an authenticated request.
type call struct {
	*httpserver.Exchange

	// version is nil for operations that ignore the api-version.
	version *version
	body    []byte
	// subscription is that of the path, after subscriptionAllows.
	subscription *store.SubscriptionDocument
}

// systemData returns who the client is and when it called, from ARM's header; nil
// if the header is missing or cannot be parsed.
func (c *call) systemData() *model.SystemData {
	raw := c.Header(headerSystemData)
	if raw == "" {
		return nil
	}
	var sent model.SystemData
	if err := json.Unmarshal([]byte(raw), &sent); err != nil {
		return nil
	}
	return &sent
}

// stampSystemData overwrites the members of the cluster's system data that ARM sent
// (Y02).
func stampSystemData(c *model.Cluster, sent *model.SystemData) {
	if sent == nil {
		return
	}
	if c.SystemData == nil {
		c.SystemData = &model.SystemData{}
	}
	d := c.SystemData
	overlay(&d.CreatedBy, sent.CreatedBy)
	overlay(&d.CreatedByType, sent.CreatedByType)
	overlay(&d.CreatedAt, sent.CreatedAt)
	overlay(&d.LastModifiedBy, sent.LastModifiedBy)
	overlay(&d.LastModifiedByType, sent.LastModifiedByType)
	overlay(&d.LastModifiedAt, sent.LastModifiedAt)
	if op := c.Internal.Operation; op != nil { // the one that the request has just begun
		op.RequestedBy = sent.LastModifiedBy
	}
}

func overlay[T comparable](to *T, from T) {
	var zero T
	if from != zero {
		*to = from
	}
}

func (c *call) json(status int, body []byte) error {
	return c.Blob(status, httpserver.JSON, body)
}

// cluster responds with a cluster and its ETag.
func (c *call) cluster(status int, cl *model.Cluster) error {
	body, err := c.version.EncodeCluster(cl)
	if err != nil {
		return err
	}
	c.Response().Header()[headerETag] = []string{armhttp.ETag(cl)}
	return c.json(status, body)
}

// async adds the headers of an accepted operation (L03, L11).
func (c *call) async(s *Server, operationID string) {
	c.OperationID = operationID
	h := c.Response().Header()
	h.Set(headerAsyncOperation, s.operationURL(c, statusSegment, operationID))
	h.Set(headerRetryAfter, asyncRetryAfterSeconds)
}

const (
	statusSegment  = "operationsstatus"
	resultsSegment = "operationresults"
)

// operationURL returns the URL at which a client polls an operation. It has no
// parameter but the api-version (L14).
func (s *Server) operationURL(c *call, segment, operationID string) string {
	return c.base() + "/subscriptions/" + c.Param("subscriptionId") + "/providers/" + arm.Namespace +
		"/locations/" + arm.NormalLocation(s.Location) + "/" + segment + "/" + operationID +
		"?api-version=" + c.version.name
}

// base returns the scheme and host by which the client knows the service: those of
// the Referer, which ARM sets to the client's URL, or else of this request (C05).
func (c *call) base() string {
	if scheme, rest, ok := strings.Cut(c.Header("Referer"), "://"); ok && (scheme == "https" || scheme == "http") {
		if host, _, _ := strings.Cut(rest, "/"); validHost(host) {
			return scheme + "://" + host
		}
	}
	return armhttp.Base(c.Exchange)
}

// validHost reports whether h is a host and nothing else.
func validHost(h string) bool {
	return h != "" && len(h) <= 255 && strings.IndexFunc(h, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-.:[]", r))
	}) < 0
}

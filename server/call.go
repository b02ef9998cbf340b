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

// The headers of ARM's contract. Only ARM calls, so that they may be believed (C06).
const (
	headerSystemData       = "X-Ms-Arm-Resource-System-Data"
	headerIdentityURL      = "X-Ms-Identity-Url"
	headerTenant           = "X-Ms-Home-Tenant-Id"
	headerAsyncOperation   = "Azure-Asyncoperation"
	headerRetryAfter       = "Retry-After"
	headerETag             = "Etag"
	headerLocation         = echo.HeaderLocation
	asyncRetryAfterSeconds = "10" // the least that ARM allows (L11)
)

// call is a request that may be answered.
type call struct {
	*httpserver.Exchange

	// version is nil where every api-version will do.
	version *version
	body    []byte
	// subscription is that of the path, once it is allowed.
	subscription *store.SubscriptionDocument
}

// systemData is who the client is and when it called, as ARM tells it; nil when
// it does not. What cannot be read counts as not told.
func (c *call) systemData() *model.SystemData {
	raw := c.Header(headerSystemData)
	if raw == "" {
		return nil
	}
	var told model.SystemData
	if err := json.Unmarshal([]byte(raw), &told); err != nil {
		return nil
	}
	return &told
}

// stampSystemData overlays what ARM told onto the cluster, member by member (Y02).
func stampSystemData(c *model.Cluster, told *model.SystemData) {
	if told == nil {
		return
	}
	if c.SystemData == nil {
		c.SystemData = &model.SystemData{}
	}
	d := c.SystemData
	overlay(&d.CreatedBy, told.CreatedBy)
	overlay(&d.CreatedByType, told.CreatedByType)
	overlay(&d.CreatedAt, told.CreatedAt)
	overlay(&d.LastModifiedBy, told.LastModifiedBy)
	overlay(&d.LastModifiedByType, told.LastModifiedByType)
	overlay(&d.LastModifiedAt, told.LastModifiedAt)
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

// cluster answers with a cluster and its ETag.
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

// operationURL is where a client polls an operation. It carries nothing but the
// api-version (L14).
func (s *Server) operationURL(c *call, segment, operationID string) string {
	return c.base() + "/subscriptions/" + c.Param("subscriptionId") + "/providers/" + arm.Namespace +
		"/locations/" + arm.NormalLocation(s.Location) + "/" + segment + "/" + operationID +
		"?api-version=" + c.version.name
}

// base is the scheme and host that the client knows the service by: the
// Referer's, which ARM sets to the client's URL, else those of this request (C05).
func (c *call) base() string {
	if scheme, rest, ok := strings.Cut(c.Header("Referer"), "://"); ok && (scheme == "https" || scheme == "http") {
		if host, _, _ := strings.Cut(rest, "/"); validHost(host) {
			return scheme + "://" + host
		}
	}
	return armhttp.Base(c.Exchange)
}

// validHost keeps out what would make the host something else than a host.
func validHost(h string) bool {
	return h != "" && len(h) <= 255 && strings.IndexFunc(h, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-.:[]", r))
	}) < 0
}

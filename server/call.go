package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The headers of ARM's contract.
const (
	headerRequestID        = "X-Ms-Request-Id"
	headerCorrelationID    = "X-Ms-Correlation-Request-Id"
	headerClientRequestID  = "X-Ms-Client-Request-Id"
	headerReturnClientID   = "X-Ms-Return-Client-Request-Id"
	headerSystemData       = "X-Ms-Arm-Resource-System-Data"
	headerIdentityURL      = "X-Ms-Identity-Url"
	headerTenant           = "X-Ms-Home-Tenant-Id"
	headerPrincipal        = "X-Ms-Client-Principal-Name"
	headerAsyncOperation   = "Azure-Asyncoperation"
	headerRetryAfter       = "Retry-After"
	headerETag             = "Etag"
	headerLocation         = echo.HeaderLocation
	jsonType               = "application/json"
	asyncRetryAfterSeconds = "10" // the least that ARM allows (L11)
)

// call is one request on its way through the chain. It carries the echo context,
// which the generated routes need.
type call struct {
	echo.Context

	started         time.Time
	requestID       string
	correlationID   string
	clientRequestID string

	caller Caller
	// route is nil when no path matches; path is the folded one.
	route *route
	path  string
	// operation is the operation's id; empty when there is none for the method.
	operation string
	// version is nil on routes that do not differ by api-version.
	version *spoken
	body    []byte
	// subscription is that of the path, once it is allowed.
	subscription *store.SubscriptionDocument
	// begun is the id of the asynchronous operation that the answer points to.
	begun string
	// subject is what an engineer's write is about, beside its path; for the audit.
	subject string
}

// handler answers a call or returns why it does not.
type handler func(*call) error

func (c *call) ctx() context.Context { return c.Request().Context() }

func (c *call) header(name string) string { return c.Request().Header.Get(name) }

// trusted is a header that says who the client is. Only ARM may say that (C06).
func (c *call) trusted(name string) string {
	if !c.caller.ARM {
		return ""
	}
	return c.header(name)
}

// principal is the engineer for whom a tool of ours calls, as the tool says.
func (c *call) principal() string {
	if !c.caller.Admin {
		return ""
	}
	return c.header(headerPrincipal)
}

func (c *call) clusterID() arm.ClusterID {
	return arm.ClusterID{
		SubscriptionID: c.Param("subscriptionId"),
		ResourceGroup:  c.Param("resourceGroupName"),
		Name:           c.Param("resourceName"),
	}
}

// systemData is who the client is and when it called, as ARM tells it; nil when
// it does not. What cannot be read counts as not told.
func (c *call) systemData() *model.SystemData {
	raw := c.trusted(headerSystemData)
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
	return c.Blob(status, jsonType, body)
}

// cluster answers with a cluster and its ETag.
func (c *call) cluster(status int, cl *model.Cluster) error {
	body, err := c.version.EncodeCluster(cl)
	if err != nil {
		return err
	}
	c.Response().Header()[headerETag] = []string{etag(cl)}
	return c.json(status, body)
}

// async adds the headers of an accepted operation (L03, L11).
func (c *call) async(s *Server, operationID string) {
	c.begun = operationID
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
	if scheme, rest, ok := strings.Cut(c.trusted("Referer"), "://"); ok && (scheme == "https" || scheme == "http") {
		if host, _, _ := strings.Cut(rest, "/"); validHost(host) {
			return scheme + "://" + host
		}
	}
	r := c.Request()
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// validHost keeps out what would make the host something else than a host.
func validHost(h string) bool {
	return h != "" && len(h) <= 255 && strings.IndexFunc(h, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-.:[]", r))
	}) < 0
}

func hasBody(method string) bool {
	return method == http.MethodPut || method == http.MethodPatch || method == http.MethodPost
}

// etag is the version of the cluster as customers see it: steps of an operation
// do not change it.
func etag(c *model.Cluster) string {
	return `"` + c.Internal.UID + "-" + strconv.FormatInt(c.Internal.Revision, 10) + `"`
}

// mayCreate judges the conditions of a PUT when there is no cluster (E01).
func (c *call) mayCreate() error {
	if c.header("If-Match") != "" {
		return arm.PreconditionFailed.At("If-Match", "The cluster does not exist, so no ETag of it can match.")
	}
	return nil
}

// mayChange judges the conditions of a request about an existing cluster (E01 to E03).
func (c *call) mayChange(cl *model.Cluster) error {
	current := etag(cl)
	if want := c.header("If-Match"); want != "" && !matches(want, current) {
		return arm.PreconditionFailed.At("If-Match", "The cluster was changed since the ETag in If-Match was read. Read it again and decide anew.")
	}
	if not := c.header("If-None-Match"); not != "" && matches(not, current) {
		return arm.PreconditionFailed.At("If-None-Match", "The cluster exists already, which If-None-Match excludes.")
	}
	return nil
}

// matches reports whether a list of ETags, or "*", names the current one. Marks of
// weak ETags are of no account: equal text is the same version.
func matches(list, current string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == current {
			return true
		}
	}
	return false
}

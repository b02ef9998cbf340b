package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
)

// liveMedia is what the script of a page asks for to keep the page up to date.
const liveMedia = "text/event-stream"

// live are the pages that change by themselves.
var live = map[string]bool{"Portal_ShowClusters": true, "Portal_ShowFleet": true, "Portal_ShowCluster": true, "Portal_ShowObjects": true}

// isLive reports whether a request asks for a page and for what changes on it.
func isLive(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Accept") == liveMedia
}

// follow answers with a page, and with the page again whenever it has changed, until the reader leaves, the
// session ends or the process stops. All of it is one request, which the audit has once.
func (p *Portal) follow(c *call, route *armhttp.Route) error {
	page, err := rendered(c, route)
	if err != nil {
		return err
	}
	response := c.Response()
	response.Header().Set("Content-Type", liveMedia)
	response.WriteHeader(http.StatusOK)
	tick := time.NewTicker(p.LivePeriod)
	defer tick.Stop()
	for sent := []byte(nil); ; {
		if !bytes.Equal(page, sent) {
			if err := sendEvent(response, page); err != nil {
				return nil // the reader has left
			}
			sent = page
		}
		select {
		case <-c.Ctx().Done():
			return nil
		case <-p.Stopping:
			return nil // the script asks another process, or waits for the next one
		case <-tick.C:
		}
		if s, err := p.access.session(c.Exchange); err != nil || s == nil {
			return nil // the script asks again, and gets the error
		}
		if page, err = rendered(c, route); err != nil {
			return nil // as above
		}
	}
}

// sendEvent sends a page as the data of one event, at once.
func sendEvent(to *echo.Response, page []byte) error {
	text, err := json.Marshal(string(page)) // one line
	if err != nil {
		return err
	}
	if _, err := to.Write([]byte("data: " + string(text) + "\n\n")); err != nil {
		return err
	}
	return http.NewResponseController(to).Flush()
}

// rendered is what a route answers now.
func rendered(c *call, route *armhttp.Route) ([]byte, error) {
	page := &buffered{header: http.Header{}}
	own := c.Response()
	c.SetResponse(echo.NewResponse(page, c.Echo()))
	defer c.SetResponse(own)
	err := route.Answer(c)
	return page.Bytes(), err
}

// buffered is an http.ResponseWriter that keeps the body.
type buffered struct {
	bytes.Buffer
	header http.Header
}

// Header implements http.ResponseWriter.
func (b *buffered) Header() http.Header { return b.header }

// WriteHeader implements http.ResponseWriter. Pages have one status; others are errors.
func (b *buffered) WriteHeader(int) {}

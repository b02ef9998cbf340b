package server

import (
	"context"
	"net/http"
	"time"

	"github.com/aro-rp/aro/arm"
)

// pingTimeout is how long the store may take to say that it is there.
const pingTimeout = 2 * time.Second

// ready tells load balancers whether to send requests here.
func (s *Server) ready(c *call) error {
	if s.draining.Load() {
		return arm.ServiceUnavailable.Errorf("The service is stopping.")
	}
	ctx, cancel := context.WithTimeout(c.ctx(), pingTimeout)
	defer cancel()
	if err := s.Store.Ping(ctx); err != nil {
		return arm.ServiceUnavailable.Errorf("The database does not answer.").Because(err).After(databaseWait(err))
	}
	return c.json(http.StatusOK, []byte(`{}`))
}

// live tells that the process answers.
func (s *Server) live(c *call) error { return c.json(http.StatusOK, []byte(`{}`)) }

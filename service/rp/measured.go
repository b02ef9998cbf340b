package rp

import (
	"context"
	"strconv"
	"time"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/store"
)

// longestQueue is how many documents of a queue are counted: databases answer with the documents.
const longestQueue = 100

// heartbeat gives signs of life while the process is ready, with the number of clusters that wait for
// a worker.
func heartbeat(ctx context.Context, to metrics.Emitter, build string, s *store.Store) error {
	ready := armhttp.Ready(s)
	return metrics.Beat(ctx, func(ctx context.Context) {
		if ready(ctx) != nil {
			return
		}
		to.EmitGauge("frontend.heartbeat", 1, map[string]string{"version": build})
		if due, err := s.Clusters.CountDue(ctx, longestQueue); err == nil {
			to.EmitGauge("database.openshiftclusters.queue.length", int64(due), nil)
		}
	})
}

// answered tells of requests that were answered. The name of an operation stands for its
// route: both are from a closed set.
func answered(to metrics.Emitter) func(x *httpserver.Exchange, took time.Duration) {
	return func(x *httpserver.Exchange, took time.Duration) {
		dims := map[string]string{"verb": verb(x.Request().Method), "api-version": x.Version, "code": strconv.Itoa(x.Response().Status), "route": x.Operation}
		to.EmitGauge("frontend.count", 1, dims)
		to.EmitGauge("frontend.duration", took.Milliseconds(), dims)
	}
}

// verb is a method of HTTP, or what stands for others.
func verb(method string) string {
	switch method {
	case "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS":
		return method
	}
	return "other"
}

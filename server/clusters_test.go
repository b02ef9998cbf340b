package server_test

import (
	"testing"

	"github.com/aro-rp/aro/test/stand"
)

func TestLifeOfAClusterInEveryVersion(t *testing.T) {
	for _, version := range stand.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := clusterID("Cluster-1")
			created := w.create(version, id.Name)
			t.Log(string(created.Body))
			t.Log(created.Header)
			got := w.want(200, w.do("GET", id.String(), version, nil))
			t.Log(got.Header)
		})
	}
}

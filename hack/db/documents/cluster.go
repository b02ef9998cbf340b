package documents

import (
	"context"
	"fmt"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
)

// page is the number of documents per read.
const page = 100

// FindCluster returns the id of a cluster that a user specifies by its name, if
// only one has it, or by its resource id.
func FindCluster(ctx context.Context, s *store.Store, name string) (arm.ClusterID, error) {
	if id, ok := arm.ParseClusterID(name); ok {
		return id, nil
	}
	var found []arm.ClusterID
	query := store.Query{Limit: page}
	for {
		docs, next, err := s.Clusters.List(ctx, query)
		if err != nil {
			return arm.ClusterID{}, err
		}
		for _, doc := range docs {
			if id, ok := arm.ParseClusterID(doc.Cluster.ID); ok && strings.EqualFold(id.Name, name) {
				found = append(found, id)
			}
		}
		if next == "" {
			return only(found, name)
		}
		query.Continuation = next
	}
}

func only(found []arm.ClusterID, name string) (arm.ClusterID, error) {
	switch len(found) {
	case 0:
		return arm.ClusterID{}, fmt.Errorf("no cluster is named %q", name)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, id := range found {
		ids[i] = id.String()
	}
	return arm.ClusterID{}, fmt.Errorf("%d clusters are named %q; use the resource id of one of them:\n%s", len(found), name, strings.Join(ids, "\n"))
}

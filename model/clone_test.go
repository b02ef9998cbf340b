package model_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
)

func TestCloneSharesNothingThatIsWritten(t *testing.T) {
	at := time.Now()
	original := func() *model.Cluster {
		c := &model.Cluster{ID: "id", Tags: map[string]string{"a": "b"}, SystemData: &model.SystemData{CreatedAt: &at},
			Identity: &model.Identity{UserAssignedIdentities: map[string]*model.UserAssignedIdentity{"i": {ClientID: "x"}}}}
		c.Properties.WorkerProfiles = []model.WorkerProfile{{Name: "worker", Count: 3}}
		c.Properties.ClusterProfile.PullSecret = "secret"
		c.CodecMissingField([]byte("future"), "kept")
		c.Internal.Operation = &model.Operation{Finished: []model.Step{{Name: "one"}}}
		c.Internal.AdminKubeconfig = "secret"
		return c
	}
	c := original()
	copied := c.Clone()
	if !reflect.DeepEqual(c, copied) {
		t.Fatalf("got %+v, want %+v", copied, c)
	}
	copied.Tags["a"] = "c"
	copied.Identity.UserAssignedIdentities["i"].ClientID = "y"
	copied.Properties.WorkerProfiles[0].Count = 4
	copied.Internal.Operation.Finished[0].Name = "two"
	*copied.SystemData.CreatedAt = at.Add(time.Hour)
	if !reflect.DeepEqual(c, original()) {
		t.Errorf("writing to the copy changed the original: %+v", c)
	}
}

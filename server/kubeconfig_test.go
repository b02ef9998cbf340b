package server_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
)

// TestReadingAKubeconfigRenewsItBeforeItExpires: after the expiry the error is one
// that clients retry.
func TestReadingAKubeconfigRenewsItBeforeItExpires(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "kubeconfig")
	const day = 24 * time.Hour
	renewed := 0
	for _, test := range []struct {
		why         string
		left        time.Duration
		running     model.OperationKind
		status      int
		begins      bool
		maintenance model.MaintenanceState
	}{
		{why: "it lasts", left: 31 * day, status: 200},
		{why: "it expires soon", left: 29 * day, status: 200, begins: true},
		{why: "it expires soon, and an operation runs", left: 29 * day, running: model.Update, status: 200},
		{why: "it has expired", left: -time.Hour, status: 503, begins: true, maintenance: model.MaintenancePending},
		{why: "it has expired, and an operation runs", left: -time.Hour, running: model.AdminUpdate, status: 503},
	} {
		kubeconfig := server.KubeconfigUntil(t, time.Now().Add(test.left))
		w.alter(id, func(doc *store.ClusterDocument) {
			doc.Cluster.Internal.UserAdminKubeconfig, doc.Cluster.Internal.MaintenanceState = kubeconfig, test.maintenance
			if test.running != "" {
				if err := doc.Cluster.Begin(model.Operation{ID: newID(), Kind: test.running}); err != nil {
					t.Fatal(err)
				}
			}
		})
		before, wakes := operations(t, w), w.Woken()
		reply := w.want(test.status, w.do("POST", id.String()+"/listAdminCredentials", newest, nil))
		if test.status == 200 && reply.Text("kubeconfig") != base64.StdEncoding.EncodeToString([]byte(kubeconfig)) {
			t.Errorf("%s: answered %v", test.why, reply)
		}
		if test.status == 503 && (reply.Code() != arm.KubeconfigExpired.Name || reply.Header.Get("Retry-After") != "5") {
			t.Errorf("%s: answered %v, %v", test.why, reply, reply.Header)
		}
		doc, err := w.store.Clusters.Get(t.Context(), id.Partition(), id.Key())
		if err != nil {
			t.Fatal(err)
		}
		in := doc.Cluster.Internal
		if begun := in.MaintenanceTask == model.KubeconfigRenewal; begun != test.begins || begun && (in.Operation.Kind != model.AdminUpdate || doc.Due == nil || *doc.Due != 0) {
			t.Errorf("%s: the document has the task %q, the operation %+v and is due %v", test.why, in.MaintenanceTask, in.Operation, doc.Due)
		}
		if in.MaintenanceState != test.maintenance && test.begins {
			t.Errorf("%s: customers are told of maintenance %q", test.why, in.MaintenanceState)
		}
		if test.begins {
			renewed++
			// Further requests start nothing while it runs.
			w.want(test.status, w.do("POST", id.String()+"/listAdminCredentials", newest, nil))
			if w.Woken() == wakes {
				t.Errorf("%s: no worker was woken", test.why)
			}
		}
		if n := operations(t, w) - before; test.begins != (n == 1) || n > 1 {
			t.Errorf("%s: %d operations began", test.why, n)
		}
		w.alter(id, func(doc *store.ClusterDocument) {
			if doc.Cluster.Internal.Operation != nil {
				doc.Cluster.End(model.Succeeded, "", time.Now())
			}
		})
	}
	if renewed != 2 {
		t.Errorf("%d renewals began", renewed)
	}
	fresh := server.KubeconfigUntil(t, time.Now().Add(365*day))
	w.alter(id, func(doc *store.ClusterDocument) { doc.Cluster.Internal.UserAdminKubeconfig = fresh })
	w.want(200, w.do("POST", id.String()+"/listAdminCredentials", newest, nil))
	if contains(w.Logged(), string(fresh)) {
		t.Error("the log has a kubeconfig")
	}
}

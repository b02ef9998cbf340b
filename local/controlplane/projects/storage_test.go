package projects

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	projectv1 "github.com/openshift/api/project/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// TestWatchShowsWhatTheCallerMaySee has the changes of one namespace, before each of which the caller's role comes or goes.
func TestWatchShowsWhatTheCallerMaySee(t *testing.T) {
	type change struct {
		event watch.EventType
		role  bool
	}
	for name, test := range map[string]struct {
		had     bool
		changes []change
		want    []watch.EventType
	}{
		"the role goes before the namespace":     {changes: []change{{watch.Added, true}, {watch.Modified, false}, {watch.Deleted, false}}, want: []watch.EventType{watch.Added, watch.Deleted}},
		"the namespace goes while there is one":  {changes: []change{{watch.Added, true}, {watch.Deleted, true}}, want: []watch.EventType{watch.Added, watch.Deleted}},
		"a project of the caller's list goes":    {had: true, changes: []change{{watch.Deleted, false}}, want: []watch.EventType{watch.Deleted}},
		"a project of the caller's list changes": {had: true, changes: []change{{watch.Modified, true}}, want: []watch.EventType{watch.Modified}},
		"the role comes later":                   {changes: []change{{watch.Added, false}, {watch.Modified, true}, {watch.Modified, true}}, want: []watch.EventType{watch.Added, watch.Modified}},
		"another's project":                      {changes: []change{{watch.Added, false}, {watch.Modified, false}, {watch.Deleted, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			role := false
			v := newView(func(string) bool { return role })
			v.shown["shop"] = test.had
			var got []watch.EventType
			for _, c := range test.changes {
				role = c.role
				if event, shown := v.of(watch.Event{Type: c.event, Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}}); shown {
					got = append(got, event.Type)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("the caller sees %v, want %v", got, test.want)
			}
		})
	}
}

// TestWatchTellsOfRolesThatComeAndGo has no change of the namespace.
func TestWatchTellsOfRolesThatComeAndGo(t *testing.T) {
	var role atomic.Bool
	v := newView(func(string) bool { return role.Load() })
	v.had(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	changes, look := watch.NewFake(), make(chan time.Time)
	stopped := make(chan struct{})
	w := v.watch(changes, look, func() { close(stopped) })
	look <- time.Time{}
	role.Store(true)
	look <- time.Time{}
	if event := <-w.ResultChan(); event.Type != watch.Added || event.Object.(*projectv1.Project).Name != "shop" {
		t.Errorf("the role came: the caller sees %v", event)
	}
	look <- time.Time{}
	changes.Modify(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"is": "changed"}}})
	if event := <-w.ResultChan(); event.Type != watch.Modified {
		t.Errorf("the namespace changed: the caller sees %v", event)
	}
	role.Store(false)
	look <- time.Time{}
	if event := <-w.ResultChan(); event.Type != watch.Deleted || event.Object.(*projectv1.Project).Labels["is"] != "changed" {
		t.Errorf("the role went: the caller sees %v", event)
	}
	changes.Delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	role.Store(true)
	look <- time.Time{}
	w.Stop()
	<-stopped
}

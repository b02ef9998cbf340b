package projects

import (
	"slices"
	"testing"

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
			v := &view{visible: func(string) bool { return role }, shown: map[string]bool{"shop": test.had}}
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

package projects

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// rolesPoll is how often a watch looks at the caller's roles, as often as OpenShift does.
const rolesPoll = time.Second

// view is what one watch has shown.
type view struct {
	visible func(name string) bool
	shown   map[string]bool
	known   map[string]*corev1.Namespace
}

func newView(visible func(name string) bool) *view {
	return &view{visible: visible, shown: map[string]bool{}, known: map[string]*corev1.Namespace{}}
}

// had notes a namespace that was there when the caller made the list that the watch continues.
func (v *view) had(namespace *corev1.Namespace) {
	v.known[namespace.Name], v.shown[namespace.Name] = namespace, v.visible(namespace.Name)
}

// watch passes on changes as the caller may see them. At each look it adds what the caller's roles have changed. It calls stop at
// its end.
func (v *view) watch(changes watch.Interface, look <-chan time.Time, stop func()) watch.Interface {
	out := make(chan watch.Event)
	seen := watch.NewProxyWatcher(out)
	go func() {
		defer stop()
		defer close(out)
		defer changes.Stop()
		for {
			var events []watch.Event
			select {
			case <-seen.StopChan():
				return
			case <-look:
				events = v.looked()
			case event, open := <-changes.ResultChan():
				if !open {
					return
				}
				if event, shown := v.of(event); shown {
					events = append(events, event)
				}
			}
			for _, event := range events {
				select {
				case out <- event:
				case <-seen.StopChan():
					return
				}
			}
		}
	}()
	return seen
}

// looked returns what the caller may see now and could not see before, or the other way round.
func (v *view) looked() (events []watch.Event) {
	for _, name := range slices.Sorted(maps.Keys(v.known)) {
		if v.visible(name) == v.shown[name] {
			continue
		}
		if event, shown := v.of(watch.Event{Type: watch.Modified, Object: v.known[name]}); shown {
			events = append(events, event)
		}
	}
	return events
}

// of returns an event as the caller may see it. A project that the caller may not see any more has gone: with a namespace goes the
// role binding that made it visible, and before it.
func (v *view) of(event watch.Event) (watch.Event, bool) {
	namespace, is := event.Object.(*corev1.Namespace)
	if !is {
		return event, true
	}
	event.Object = projectOf(namespace)
	if event.Type == watch.Bookmark {
		return event, true
	}
	name := namespace.Name
	before, now := v.shown[name], event.Type != watch.Deleted && v.visible(name)
	v.known[name], v.shown[name] = namespace, now
	if event.Type == watch.Deleted {
		delete(v.known, name)
		delete(v.shown, name)
	}
	switch {
	case now && !before:
		event.Type = watch.Added
	case before && !now:
		event.Type = watch.Deleted
	}
	return event, before || now
}

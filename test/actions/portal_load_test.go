package actions

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

var (
	long  = flag.Bool("long", false, "watch through the portal for ten minutes, as make soak does")
	speed = flag.Bool("speed", false, "measure requests through the portal, as make bench does")
)

const (
	// watches are parallel ones through one process, which may have this much resident memory.
	watches, mostResident = 200, 150 // the second in MiB
	// longWatch is the time of -long, in which an object changes every changeEvery.
	longWatch, changeEvery = 10 * time.Minute, 5 * time.Second
)

// resident is the memory of a process in MiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("there is no /proc:", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kibibytes int
	if _, err := fmt.Sscan(rest, &kibibytes); err != nil {
		t.Fatal(err)
	}
	return kibibytes >> 10
}

// TestManyWatchesShareOneProcess has every watch on a connection of its own, as kubectl has, and
// all of them see every change, in order.
func TestManyWatchesShareOneProcess(t *testing.T) {
	t.Parallel()
	newFixture(t)
	p := startPortal(t)
	kubeconfig := p.login("many@example.com").kubeconfig("shop")
	direct, _ := clientOf(t, cluster.kubeconfig)
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: etcd, Name: "many", Labels: map[string]string{"of": "many"}}}
	if _, err := direct.CoreV1().ConfigMaps(etcd).Create(t.Context(), note, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = direct.CoreV1().ConfigMaps(etcd).Delete(context.Background(), "many", metav1.DeleteOptions{})
	}()
	lasts, changes := time.Minute, 3
	if *long {
		lasts, changes = 2*longWatch, int(longWatch/changeEvery)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	began, ended := make(chan struct{}, watches), make(chan error, watches)
	for range watches {
		client, _ := clientOf(t, kubeconfig)
		go func() { ended <- follow(ctx, client, began, changes) }()
	}
	for range watches {
		select {
		case <-began:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	most := resident(t, p.pid)
	for change := 1; change <= changes; change++ {
		note.Data = map[string]string{"change": fmt.Sprint(change)}
		if _, err := direct.CoreV1().ConfigMaps(etcd).Update(ctx, note, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if most = max(most, resident(t, p.pid)); *long && change < changes {
			time.Sleep(changeEvery)
		}
	}
	for range watches {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if most = max(most, resident(t, p.pid)); most >= mostResident {
		t.Errorf("%d MiB are resident, want less than %d", most, mostResident)
	}
	t.Logf("%d watches saw %d changes each; at most %d MiB were resident", watches, changes, most)
}

// follow watches an object until it has changed so often. A watch that the API server ends after
// its time goes on where it was, as every client's does.
func follow(ctx context.Context, client *kubernetes.Clientset, began chan<- struct{}, changes int) error {
	options, next := metav1.ListOptions{LabelSelector: "of=many"}, 1
	for first := true; next <= changes; first = false {
		seen, err := client.CoreV1().ConfigMaps(etcd).Watch(ctx, options)
		if err != nil {
			return err
		}
		if first {
			began <- struct{}{}
		}
		for event := range seen.ResultChan() {
			object, ok := event.Object.(*corev1.ConfigMap)
			if !ok || event.Type == watch.Error {
				return fmt.Errorf("the watch shows %s %v", event.Type, event.Object)
			}
			options.ResourceVersion = object.ResourceVersion
			switch change := object.Data["change"]; change {
			case "":
			case fmt.Sprint(next):
				next++
			default:
				return fmt.Errorf("the watch shows change %s, want %d", change, next)
			}
			if next > changes {
				seen.Stop()
				return nil
			}
		}
		if ctx.Err() != nil {
			return errors.New("a watch did not see every change in time")
		}
	}
	return nil
}

// TestSpeedOfTheProxy compares requests for a small object with direct ones of the same run.
func TestSpeedOfTheProxy(t *testing.T) {
	if !*speed {
		t.Skip("measures: -args -speed")
	}
	p := startPortal(t)
	direct, _ := clientOf(t, cluster.kubeconfig)
	proxied, _ := clientOf(t, p.login("fast@example.com").kubeconfig("shop"))
	const rounds, most = 2000, 1.3
	var took [2][]time.Duration
	for range rounds {
		for i, client := range []*kubernetes.Clientset{direct, proxied} {
			began := time.Now()
			if _, err := client.CoreV1().Namespaces().Get(t.Context(), shop, metav1.GetOptions{}); err != nil {
				t.Fatal(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	median := func(of []time.Duration) time.Duration { slices.Sort(of); return of[len(of)/2] }
	near, far := median(took[0]), median(took[1])
	t.Logf("GET of a namespace: %s direct, %s through the portal, %.2f ×", near, far, float64(far)/float64(near))
	if float64(far) > most*float64(near) {
		t.Errorf("requests through the portal take more than %v × direct ones", most)
	}
}

package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aro-rp/aro/store"
)

// clustersContainer is where clusters are.
func clustersContainer() *store.Container {
	for _, c := range store.Containers() {
		if c.Name == "Clusters" {
			return c
		}
	}
	panic("no container of clusters")
}

// fillers is how many writes wait at the same time, so that many share a sync.
const fillers = 128

// fill creates n clusters. They are copies of one that differ in what is unique, without
// its sealed secrets, which are bound to its place: no reader asks for them.
func (d *database) fill(b *testing.B, n int) {
	b.Helper()
	const first = "cluster-000000"
	doc := cluster(b, clusterID(0))
	if err := d.store.Clusters.Create(b.Context(), doc); err != nil {
		b.Fatal(err)
	}
	pattern, err := d.driver.Read(b.Context(), clustersContainer(), doc.Partition, doc.ID)
	if err != nil {
		b.Fatal(err)
	}
	numbers := make(chan int)
	var writers sync.WaitGroup
	for range fillers {
		writers.Go(func() {
			for i := range numbers {
				next := cluster(b, clusterID(i))
				body := bytes.ReplaceAll(pattern.Body, []byte(first), []byte(clusterID(i).Name))
				body = bytes.ReplaceAll(body, []byte(doc.ManagedResourceGroup), []byte(next.ManagedResourceGroup))
				body = bytes.ReplaceAll(body, []byte(doc.ClientIdentity), []byte(next.ClientIdentity))
				_, err := d.driver.Create(b.Context(), clustersContainer(), store.Record{Partition: next.Partition, ID: next.ID, Body: body})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := 1; i < n; i++ {
		numbers <- i
	}
	close(numbers)
	writers.Wait()
}

// keyFile reads the keys at path, and makes one if there is none.
func keyFile(b *testing.B, path string) []byte {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		text = []byte(store.NewKey() + "\n")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return text
}

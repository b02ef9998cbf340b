package hostile

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// peakMemory bounds the resident memory of a server whose lists many clients read,
// in MiB. It needs about 110; with lists that decrypt every secret, about 240.
const peakMemory = 192

// TestListsOfLargeSecretsFitInMemory: 60 clients at once list 100 clusters, each with
// a pull secret of the largest size that is accepted.
func TestListsOfLargeSecretsFitInMemory(t *testing.T) {
	t.Parallel()
	const clients, clusters, largest = 60, 100, 32 << 10
	process, client := plain(t)
	create := func(name, secret string) *harness.Reply {
		id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "large", Name: name}
		body := harness.Set(harness.Body(harness.Newest, id, location), "properties.clusterProfile.pullSecret", secret)
		reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	if reply := create("larger", pullSecret(largest+1)); reply.Status != http.StatusBadRequest || !strings.Contains(reply.Message(), "32768") {
		t.Errorf("one byte more: %s; want 400 that says how many are accepted", reply)
	}
	for n := range clusters {
		if reply := create(fmt.Sprintf("c%03d", n), pullSecret(largest)); reply.Status != http.StatusCreated {
			t.Fatal(reply)
		}
	}
	before, began := peak(t, process), time.Now()
	var readers sync.WaitGroup
	for range clients {
		readers.Go(func() {
			reply, err := client.Do(t.Context(), harness.Request{Method: http.MethodGet, Path: listOfClusters, Version: harness.Newest})
			if err != nil {
				t.Error(err)
				return
			}
			list, _ := reply.JSON["value"].([]any)
			if reply.Status != http.StatusOK || len(list) != clusters {
				t.Errorf("%d with %d clusters", reply.Status, len(list))
			}
		})
	}
	readers.Wait()
	took, after := time.Since(began), peak(t, process)
	t.Logf("%d clients listed %d clusters with pull secrets of %d KiB in %s; the server's peak resident memory: %d MiB, %d MiB before",
		clients, clusters, largest>>10, took.Round(time.Millisecond), after, before)
	if after > peakMemory {
		t.Errorf("the server's peak is %d MiB, at most %d", after, peakMemory)
	}
}

// pullSecret is a valid one of exactly size bytes.
func pullSecret(size int) string {
	const frame = `{"auths":{"registry.example.com":{"auth":"%s"}},"x":"%s"}`
	login := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("user:password", 16)))
	return fmt.Sprintf(frame, login, strings.Repeat("x", size-len(fmt.Sprintf(frame, login, ""))))
}

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peak is the most memory that the process has had so far, in MiB.
func peak(t *testing.T, p *harness.Process) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.ID()), "status"))
	if err != nil {
		t.Skip("the system does not tell a process's memory: ", err)
	}
	found := peakLine.FindSubmatch(status)
	if found == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

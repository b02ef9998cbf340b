package cosmos_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/storetest"
)

func TestContract(t *testing.T) {
	endpoint, transport := startEmulator(t), newComplete()
	storetest.Run(t, func(t *testing.T) store.Keeper { return open(t, endpoint, transport) })
}

// TestContractWithAccount runs the suite against a real account, given as
// "endpoint;key" in ARO_TEST_COSMOS. Each test gets a database of its own.
func TestContractWithAccount(t *testing.T) {
	endpoint, key, found := strings.Cut(os.Getenv("ARO_TEST_COSMOS"), ";")
	if !found {
		t.Skip("ARO_TEST_COSMOS names no account")
	}
	storetest.Run(t, func(t *testing.T) store.Keeper {
		o := cosmos.Options{Endpoint: endpoint, Key: key, Database: "aro-test-" + rand.Text()[:8]}
		t.Cleanup(func() { dropDatabase(t, o) })
		return prepared(t, o)
	})
}

func dropDatabase(t *testing.T, o cosmos.Options) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	key, err := azcosmos.NewKeyCredential(o.Key)
	must(t, err)
	client, err := azcosmos.NewClientWithKey(o.Endpoint, key, nil)
	must(t, err)
	database, err := client.NewDatabase(o.Database)
	must(t, err)
	if _, err := database.Delete(ctx, nil); err != nil {
		t.Errorf("database %s stays behind: %v", o.Database, err)
	}
}

// open makes a new database on the emulator.
func open(t *testing.T, endpoint string, transport policy.Transporter) *cosmos.Keeper {
	t.Helper()
	return prepared(t, cosmos.Options{
		Endpoint:  endpoint,
		Database:  rand.Text(),
		Key:       base64.StdEncoding.EncodeToString([]byte("the emulator takes any key")),
		Transport: transport,
	})
}

func prepared(t *testing.T, o cosmos.Options) *cosmos.Keeper {
	t.Helper()
	k, err := cosmos.Open(t.Context(), o)
	must(t, err)
	must(t, k.Prepare(t.Context()))
	must(t, k.Prepare(t.Context())) // a second time changes nothing
	t.Cleanup(func() { must(t, k.Close()) })
	return k
}

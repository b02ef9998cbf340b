package cosmos_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos"
	"github.com/aro-rp/aro/store/cosmos/cosmostest"
	"github.com/aro-rp/aro/store/storetest"
)

func TestContract(t *testing.T) {
	account := startAccount(t)
	storetest.Run(t, func(t *testing.T) store.Driver { return account.open(t, nil) })
}

// TestContractWithAccount runs the suite against a real account, given as
// "endpoint;key" in ARO_TEST_COSMOS. Each test gets a database of its own.
func TestContractWithAccount(t *testing.T) {
	endpoint, key, found := strings.Cut(os.Getenv("ARO_TEST_COSMOS"), ";")
	if !found {
		t.Skip("ARO_TEST_COSMOS names no account")
	}
	storetest.Run(t, func(t *testing.T) store.Driver {
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

// account is an account on the emulator.
type account struct{ endpoint, key string }

func startAccount(t *testing.T) account {
	t.Helper()
	endpoint, key := cosmostest.Start(t)
	return account{endpoint, key}
}

// open makes a new database. A nil transport is the client's own.
func (a account) open(t *testing.T, transport policy.Transporter) *cosmos.Driver {
	t.Helper()
	return prepared(t, cosmos.Options{Endpoint: a.endpoint, Key: a.key, Database: rand.Text(), Transport: transport})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func prepared(t *testing.T, o cosmos.Options) *cosmos.Driver {
	t.Helper()
	k, err := cosmos.Open(t.Context(), o)
	must(t, err)
	must(t, k.Prepare(t.Context()))
	must(t, k.Prepare(t.Context())) // a second time changes nothing
	t.Cleanup(func() { must(t, k.Close()) })
	return k
}

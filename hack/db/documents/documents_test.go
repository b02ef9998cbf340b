package documents_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/azure/login/logintest"
	"github.com/aro-rp/aro/hack/db/documents"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/cosmos/cosmostest"
	"github.com/aro-rp/aro/store/database"
)

func TestSecretsOfSQLiteShowOnlyWhenAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aro.db")
	key := keyFile(t, path+".keys")
	testSecrets(t, documents.Flags{Store: "sqlite:" + path}, key)
}

func TestSecretsOfCosmosShowOnlyWhenAskedFor(t *testing.T) {
	endpoint, account := cosmostest.Start(t)
	path := filepath.Join(t.TempDir(), "keys")
	key := keyFile(t, path)
	flags := documents.Flags{Store: "cosmos:" + endpoint + "?database=aro", CosmosKey: model.Secret(account)}
	if _, err := flags.Open(t.Context(), true); err == nil || !strings.Contains(err.Error(), "--keys: it is missing") {
		t.Errorf("without keys: got %v", err)
	}
	flags.Keys = path
	testSecrets(t, flags, key)
}

func TestKeysMayBeInTheServicesVault(t *testing.T) {
	key := store.NewKey()
	azure := logintest.Start(t, map[string]string{
		"GET /vaults/aro-svc/secrets/keys/": `{"id":"ORIGIN/vaults/aro-svc/secrets/keys/1","value":"` + key + `"}`,
		"GET /vaults/named/secrets/keys/":   `{"id":"ORIGIN/vaults/named/secrets/keys/1","value":"` + key + `"}`,
	})
	for vault, asked := range map[string]string{"": "GET /vaults/aro-svc/secrets/keys/", azure.Cloud + "/vaults/named": "GET /vaults/named/secrets/keys/"} {
		flags := documents.Flags{Azure: azure.Flags, Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db"), Keys: "keyvault:keys", Vault: vault}
		azure.Requests = nil
		testSecrets(t, flags, key)
		if len(azure.Requests) != 1 || azure.Requests[0] != asked {
			t.Errorf("it was asked %v, want %s once: only secrets need keys", azure.Requests, asked)
		}
	}
}

func TestKeysThatCannotBeReadAreExplained(t *testing.T) {
	azure := logintest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "aro.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	microsofts := login.Flags{Cloud: "public"}
	for name, test := range map[string]struct {
		azure login.Flags
		keys  string
		want  string
	}{
		"in a vault that is not named": {microsofts, "keyvault:keys", "--vault is missing"},
		"absent from the vault":        {azure.Flags, "keyvault:others", `"others"`},
		"in no file":                   {microsofts, path + ".absent", "no such file"},
	} {
		_, err := documents.Flags{Azure: test.azure, Store: "sqlite:" + path, Keys: test.keys}.Open(t.Context(), true)
		if err == nil || !strings.Contains(err.Error(), "--keys: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func keyFile(t *testing.T, path string) (key string) {
	t.Helper()
	key = store.NewKey()
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	return key
}

// testSecrets writes a document as the service does, and reads it as tools do.
func testSecrets(t *testing.T, flags documents.Flags, key string) {
	t.Helper()
	const canary = "canary-4f0c"
	keys, err := store.ParseKeyring([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	driver, err := database.Open(t.Context(), database.Options{Name: flags.Store, CosmosKey: flags.CosmosKey, Prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	written := store.New(driver, keys)
	id := arm.ClusterID{SubscriptionID: "00000000-0000-0000-0000-0000000000a1", ResourceGroup: "g", Name: "c"}
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Internal.KubeadminPassword, doc.Cluster.Tags = id.String(), canary, map[string]string{"a": "b"}
	if err := written.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	if err := written.Close(); err != nil {
		t.Fatal(err)
	}
	for _, secrets := range []bool{false, true} {
		s, err := flags.Open(t.Context(), secrets)
		if err != nil {
			t.Fatal(err)
		}
		read, err := documents.Read(t.Context(), s.Clusters, id.Partition(), id.Key(), secrets)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(documents.Plain(read))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), canary) != secrets || !strings.Contains(string(text), `"tags":{"a":"b"}`) || !strings.Contains(string(text), id.String()) {
			t.Errorf("with secrets %v: %s", secrets, text)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoDatabaseIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent.db")
	if _, err := (documents.Flags{Store: "sqlite:" + path}).Open(t.Context(), false); err == nil {
		t.Error("an absent database was opened")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
}

func TestAClusterIsFoundByNameAndByID(t *testing.T) {
	driver, err := database.Open(t.Context(), database.Options{Name: "sqlite:" + filepath.Join(t.TempDir(), "aro.db"), Prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(driver, keys)
	defer func() { _ = s.Close() }()
	ids := map[string]string{}
	for _, name := range []string{"one/demo", "one/twice", "two/twice"} {
		group, cluster, _ := strings.Cut(name, "/")
		id := arm.ClusterID{SubscriptionID: "00000000-0000-0000-0000-0000000000a1", ResourceGroup: group, Name: cluster}
		doc := store.NewCluster(id)
		doc.Cluster.ID, ids[name] = id.String(), id.String()
		if err := s.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Demo", ids["one/demo"]} {
		if id, err := documents.FindCluster(t.Context(), s, name); err != nil || id.String() != ids["one/demo"] {
			t.Errorf("%s: got %s, %v", name, id, err)
		}
	}
	for name, want := range map[string]string{"none": `no cluster is named "none"`, "twice": ids["two/twice"]} {
		if _, err := documents.FindCluster(t.Context(), s, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

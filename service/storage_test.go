package service

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/store"
)

// open checks the configuration and opens its store.
func open(t *testing.T, cfg Config) (*store.Store, error) {
	t.Helper()
	var f Faults
	if cfg.Check(&f); f.Err() != nil {
		return nil, f.Err()
	}
	documents, _, err := openStore(t.Context(), &cfg, nil, Caller{})
	return documents, err
}

func TestTheDatabaseFlagsSayWhatIsMissing(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	const cosmosURL = "cosmos:https://127.0.0.1:1?database=aro"
	for reason, test := range map[string]struct {
		config Config
		want   []string
	}{
		"an unknown kind is rejected with the known ones": {Config{Location: "eastus", Database: Database{Store: "postgres://x"}}, []string{"sqlite:PATH", "cosmos:ENDPOINT?database=NAME"}},
		"cosmos has no place for a default key file":      {Config{Location: "eastus", Database: Database{Store: cosmosURL, CosmosKey: "a2V5"}}, []string{"--encryption-keys is missing", "cosmos:", "made if absent"}},
		"production makes no keys":                        {Config{Location: "eastus", Database: Database{Store: "sqlite:aro.db"}, Production: true}, []string{"--encryption-keys is missing", "production", "32 bytes"}},
		"an address without a scheme is shown a whole":    {Config{Location: "eastus", Database: Database{Store: "cosmos:localhost:8081?database=aro"}, EncryptionKeys: keys}, []string{"https://ACCOUNT"}},
		"the database has no default":                     {Config{Location: "eastus", Database: Database{Store: "cosmos:https://127.0.0.1:1"}, EncryptionKeys: keys}, []string{"?database=NAME"}},
		"an Azure credential is not sent in the clear":    {Config{Location: "eastus", Database: Database{Store: "cosmos:http://127.0.0.1:1?database=aro"}, EncryptionKeys: keys}, []string{"plain http", "--cosmos-key"}},
		"production sends no documents in the clear":      {Config{Location: "eastus", Database: Database{Store: "cosmos:http://127.0.0.1:1?database=aro", CosmosKey: "a2V5"}, EncryptionKeys: keys, Production: true}, []string{"plain http", "production"}},
		"a key that is none is refused without its text":  {Config{Location: "eastus", Database: Database{Store: cosmosURL, CosmosKey: "canary!"}, EncryptionKeys: keys}, []string{"key is not base64"}},
		"production does not make an absent key file":     {Config{Location: "eastus", Database: Database{Store: cosmosURL, CosmosKey: "a2V5"}, EncryptionKeys: keys, Production: true}, []string{"--encryption-keys", keys, "no such file"}},
	} {
		t.Run(reason, func(t *testing.T) {
			documents, err := open(t, test.config)
			if err == nil {
				_ = documents.Close()
				t.Fatal("it opened")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("error %q shows the key", err)
			}
		})
	}
}

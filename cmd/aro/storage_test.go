package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDatabaseFlagsSayWhatIsMissing(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	const cosmosURL = "cosmos:https://127.0.0.1:1?database=aro"
	for reason, test := range map[string]struct {
		command rpCommand
		want    []string
	}{
		"an unknown kind is told the known ones":         {rpCommand{storeFlags: storeFlags{Store: "postgres://x"}}, []string{"sqlite:PATH", "cosmos:ENDPOINT?database=NAME"}},
		"cosmos has no place for a default key file":     {rpCommand{storeFlags: storeFlags{Store: cosmosURL, CosmosKey: "a2V5"}}, []string{"--encryption-keys is missing", "cosmos:", "made if absent"}},
		"production makes no keys":                       {rpCommand{storeFlags: storeFlags{Store: "sqlite:aro.db"}, Production: true}, []string{"--encryption-keys is missing", "production", "32 bytes"}},
		"an address without a scheme is shown a whole":   {rpCommand{storeFlags: storeFlags{Store: "cosmos:localhost:8081?database=aro"}, EncryptionKeys: keys}, []string{"https://ACCOUNT"}},
		"the database has no default":                    {rpCommand{storeFlags: storeFlags{Store: "cosmos:https://127.0.0.1:1"}, EncryptionKeys: keys}, []string{"?database=NAME"}},
		"an Azure credential is not sent in the clear":   {rpCommand{storeFlags: storeFlags{Store: "cosmos:http://127.0.0.1:1?database=aro"}, EncryptionKeys: keys}, []string{"plain http", "--cosmos-key"}},
		"production sends no documents in the clear":     {rpCommand{storeFlags: storeFlags{Store: "cosmos:http://127.0.0.1:1?database=aro", CosmosKey: "a2V5"}, EncryptionKeys: keys, Production: true}, []string{"plain http", "production"}},
		"a key that is none is refused without its text": {rpCommand{storeFlags: storeFlags{Store: cosmosURL, CosmosKey: "canary!"}, EncryptionKeys: keys}, []string{"key is not base64"}},
		"production does not make an absent key file":    {rpCommand{storeFlags: storeFlags{Store: cosmosURL, CosmosKey: "a2V5"}, EncryptionKeys: keys, Production: true}, []string{"--encryption-keys", keys, "no such file"}},
	} {
		t.Run(reason, func(t *testing.T) {
			documents, _, err := test.command.openStore(t.Context())
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

package vault_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

type object = map[string]any

// key sends a call about keys and wants a status.
func (w *fixture) key(t *testing.T, credential azcore.TokenCredential, method, path string, body any, status int) object {
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+"/vaults/aro-cls/"+path+"?api-version=7.4", &content)
	if err != nil {
		t.Fatal(err)
	}
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := object{}
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	if resp.StatusCode != status {
		t.Fatalf("%s %s: %s %v, want %d", method, path, resp.Status, answer, status)
	}
	return answer
}

func TestKeysSignAndEncryptAndComeBack(t *testing.T) {
	w := newFixture(t)
	all := w.credential(t, grant{"keys/", vaultID})
	version := func(bundle object) string {
		kid := bundle["key"].(object)["kid"].(string)
		return kid[strings.LastIndex(kid, "/")+1:]
	}
	hashed := sha256.Sum256([]byte("text"))
	digest := base64.RawURLEncoding.EncodeToString(hashed[:])
	for kind, algorithms := range map[string][]string{"RSA": {"RS256", "PS256"}, "EC": {"ES256"}} {
		path := "keys/" + kind
		made := w.key(t, all, http.MethodPost, path+"/create", object{"kty": kind, "tags": object{"a": "1"}}, http.StatusOK)
		path += "/" + version(made)
		for _, algorithm := range algorithms {
			signed := w.key(t, all, http.MethodPost, path+"/sign", object{"alg": algorithm, "value": digest}, http.StatusOK)
			for value, want := range map[string]bool{signed["value"].(string): true, base64.RawURLEncoding.EncodeToString(make([]byte, 64)): false} {
				got := w.key(t, all, http.MethodPost, path+"/verify", object{"alg": algorithm, "digest": digest, "value": value}, http.StatusOK)
				if got["value"] != want {
					t.Errorf("%s: the signature is %v, want %v", algorithm, got["value"], want)
				}
			}
		}
		w.key(t, all, http.MethodPost, path+"/sign", object{"alg": "XX999", "value": digest}, http.StatusBadRequest)
	}
	rsa := "keys/RSA/" + version(w.key(t, all, http.MethodGet, "keys/RSA", nil, http.StatusOK))
	for _, algorithm := range []string{"RSA-OAEP", "RSA-OAEP-256", "RSA1_5"} {
		for lock, unlock := range map[string]string{"encrypt": "decrypt", "wrapkey": "unwrapkey"} {
			hidden := w.key(t, all, http.MethodPost, rsa+"/"+lock, object{"alg": algorithm, "value": "dGV4dA"}, http.StatusOK)
			if got := w.key(t, all, http.MethodPost, rsa+"/"+unlock, object{"alg": algorithm, "value": hidden["value"]}, http.StatusOK); got["value"] != "dGV4dA" {
				t.Errorf("%s %s: %v", algorithm, unlock, got)
			}
		}
	}
	w.key(t, all, http.MethodPatch, "keys/EC", object{"key_ops": []string{"verify"}, "attributes": object{"enabled": true}}, http.StatusOK)
	ec := "keys/EC/" + version(w.key(t, all, http.MethodGet, "keys/EC", nil, http.StatusOK))
	w.key(t, all, http.MethodPost, ec+"/sign", object{"alg": "ES256", "value": digest}, http.StatusForbidden)
	if n := len(w.key(t, all, http.MethodGet, "keys", nil, http.StatusOK)["value"].([]any)); n != 2 {
		t.Errorf("%d keys", n)
	}

	w.key(t, all, http.MethodDelete, "keys/RSA", nil, http.StatusOK)
	w.key(t, all, http.MethodGet, "keys/RSA", nil, http.StatusNotFound)
	w.key(t, all, http.MethodPost, "keys/RSA/create", object{"kty": "RSA"}, http.StatusConflict)
	w.key(t, all, http.MethodPost, "deletedkeys/RSA/recover", nil, http.StatusOK)
	if got := version(w.key(t, all, http.MethodGet, "keys/RSA", nil, http.StatusOK)); "keys/RSA/"+got != rsa {
		t.Error("another key came back")
	}
	w.key(t, all, http.MethodDelete, "keys/RSA", nil, http.StatusOK)
	w.key(t, all, http.MethodDelete, "deletedkeys/RSA", nil, http.StatusNoContent)
	w.key(t, all, http.MethodGet, "deletedkeys/RSA", nil, http.StatusNotFound)

	other := w.credential(t)
	w.key(t, other, http.MethodPost, "keys/mine/create", object{"kty": "RSA"}, http.StatusForbidden)
}

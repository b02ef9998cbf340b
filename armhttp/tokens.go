package armhttp

import (
	"context"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
)

// tokenPurpose separates the keys of tokens from keys for other purposes.
const tokenPurpose = "continuation tokens"

// Tokens encrypts the store's continuations, so that clients cannot read them or
// use them for another list.
type Tokens struct{ Keys *store.Keyring }

// PageScope identifies the list of a token (G07).
type PageScope struct {
	Tenant, Subscription, Group string
}

func (p PageScope) bytes() []byte {
	return []byte(p.Tenant + "\x00" + p.Subscription + "\x00" + p.Group)
}

func (t Tokens) sealer() Sealer { return Sealer{t.Keys, tokenPurpose} }

// Seal encrypts a continuation of the list to a token.
func (t Tokens) Seal(continuation string, scope PageScope) (string, error) {
	return t.sealer().Seal(continuation, scope.bytes())
}

// Open decrypts a token. A token that no key decrypts may have been encrypted with
// a newer key by another process.
func (t Tokens) Open(ctx context.Context, token string, scope PageScope) (string, error) {
	continuation, ok := t.sealer().Open(ctx, token, scope.bytes())
	if !ok {
		return "", badToken()
	}
	return continuation, nil
}

func badToken() *arm.Error {
	return arm.InvalidParameter.At("$skipToken", "The $skipToken is not valid for this list. Use nextLink unchanged, or start at the first page.")
}

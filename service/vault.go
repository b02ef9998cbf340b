package service

import (
	"context"
	"crypto/tls"

	"github.com/aro-rp/aro/model"
)

// Vault reads a key vault, and refreshes cached certificates.
type Vault interface {
	Load(ctx context.Context) error
	Run(ctx context.Context) error
	Text(ctx context.Context, name string) (model.Secret, error)
	Certificate(ctx context.Context, name string) (*tls.Certificate, error)
}

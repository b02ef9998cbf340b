// Package openapi holds the API descriptions: one Swagger file for each
// api-version and one for the admin API, the overlays that add what only the
// server needs to know, and the accepted findings of the linters. Its Go code only
// hands the descriptions out; the tests keep them sound.
package openapi

import "embed"

// Files are the descriptions that customers see, with their examples, by the paths
// that they have in this folder.
//
//go:embed arm common-types
var Files embed.FS

// Admin is the description of the API of those who run the service.
//
//go:embed admin/admin.json
var Admin []byte

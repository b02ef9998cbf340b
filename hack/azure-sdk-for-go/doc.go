// Package sdk replaces the root package of azure-sdk-for-go v68: azcosmos imports it
// under a build tag, which only go mod tidy follows. The module is a download of 69 MB.
package sdk

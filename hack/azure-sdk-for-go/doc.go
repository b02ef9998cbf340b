// Package sdk stands for the root package of azure-sdk-for-go v68, of which nothing is
// used: azcosmos imports it under a build tag, for go mod tidy alone. The module itself
// is a download of 69 MB.
package sdk

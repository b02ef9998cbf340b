// Package aro is the root of the Go clients of the Azure resource provider
// Microsoft.RedHatOpenShift, managed OpenShift clusters. It holds no code: each
// api-version has a package of its own below it, such as aro20250725, with a
// package fake for the tests of programs that use it.
package aro

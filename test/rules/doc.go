// Package rules checks the source tree: imports between packages, and limits that
// keep packages and functions small.
//
// It checks source, never behaviour. A limit is raised in a commit of its own, with
// the reason.
package rules

// Package rules holds the tree to its drawing: who may import whom, and the
// budgets that keep packages and functions small enough to read.
//
// It judges source, never behaviour. A number here is raised in a commit of its
// own, with the reason.
package rules

// Package work measures what one process does with the documents of finished
// clusters. It uses nothing of the service but what earlier commits have too, so that
// hack/bench/baseline can run the same work on two of them by turns.
package work

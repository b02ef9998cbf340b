// Package work measures what one process does with the documents of finished
// clusters. It uses only functions of the service that earlier commits have too, so
// that hack/bench/baseline can run it alternately on two of them.
package work

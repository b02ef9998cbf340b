// Package concurrency proves that many writers of one cluster, through several
// processes on one store, never lose an update and always hear why they lost.
package concurrency

// Package fleet tests monitors as processes on many clusters: how they share them, what
// becomes of the clusters of one that is killed, and how many they check in which time.
//
// Clusters are documents, and one stub of an API server for all of them. A monitor is this
// test's program, started again.
package fleet

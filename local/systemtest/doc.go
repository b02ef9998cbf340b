// Package systemtest runs the whole product as a newcomer does: the real
// programs, and the commands that the README gives. It tests nothing that a
// smaller test can.
package systemtest

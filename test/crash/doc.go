// Package crash proves that the death of a worker does not harm a cluster: real
// processes on one store are killed with SIGKILL at every step boundary and at
// random moments under load, and stopped with SIGTERM in the middle of a step.
//
// Results are checked from outside: the responses of the API, the record of the
// control planes, the log of finished steps, and finally the documents.
package crash

// Package crash proves that no worker's death harms a cluster: real processes
// on one store are killed with SIGKILL at every step boundary and at random
// moments under load, and stopped with SIGTERM in the middle of a step.
//
// What must hold is judged from outside: the answers of the API, the record of
// the control planes, the log of finished steps, and at last the documents.
package crash

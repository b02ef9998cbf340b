// Package damage proves that damaged records, wrong keys and the like stay their
// own trouble: real processes, server and worker apart, on one SQLite file into
// which the tests write what no release of the service would.
package damage

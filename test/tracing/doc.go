// Package tracing tests that one trace shows an operation from its request to the calls to
// Azure. The provider of traces is one for the process, so these tests have a process.
package tracing

package bench

import (
	"syscall"
	"testing"
	"time"
)

// reportCPU reports the processor time of an operation, which other programs on
// the machine disturb less than its duration. Call what it returns at the end.
func reportCPU(b *testing.B) func() {
	before := cpuTime()
	return func() {
		b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails on bad arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

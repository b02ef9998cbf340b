package fleet

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	speed    = flag.Bool("speed", false, "measure monitors on many clusters")
	clusters = flag.Int("clusters", 50_000, "clusters of -speed")
	interval = flag.Duration("interval", 5*time.Minute, "time between two checks of a cluster, of -speed")
	profile  = flag.String("profile", "", "begin of the names of files to which monitors of -speed write profiles")
	window   = flag.Duration("window", 3*time.Minute, "time of -speed, after one interval")
)

// usage is what a process has used.
type usage struct {
	cpu      time.Duration
	resident int // MiB
}

// used reads /proc.
func used(t *testing.T, pid int) (u usage) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
	for _, ticks := range fields[12:14] { // utime and stime of proc(5), in hundredths of a second
		n, _ := strconv.Atoi(ticks)
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	pages, _ := strconv.Atoi(fields[22])
	u.resident = pages * os.Getpagesize() >> 20
	return u
}

// profiled writes a profile of the processor from one SIGUSR1 to the next, and then one of the heap.
func profiled(name string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		<-signals
		file, err := os.Create(name + ".cpu")
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		<-signals
		pprof.StopCPUProfile()
		heap, err2 := os.Create(name + ".heap")
		if err2 == nil {
			err2 = pprof.WriteHeapProfile(heap)
		}
		if err := errors.Join(err, err2, file.Close(), heap.Close()); err != nil {
			fmt.Fprintln(os.Stderr, "panic: profiles:", err)
		}
	}()
}

// TestSpeed prints what three monitors do on many clusters, a tenth of which are slow.
// Processor time is counted for the monitors only, so that it does not depend on what else
// the machine does, and only after each cluster has been checked once: the first check reads
// the document and stores a result.
func TestSpeed(t *testing.T) {
	if !*speed {
		t.Skip("measures for minutes: -args -speed")
	}
	began := time.Now()
	f := newFleet(t, *clusters, settings{Interval: *interval, Lease: 40 * time.Second, Feed: 10 * time.Second, Budget: 50 * time.Second, Socket: "mdm", Profile: *profile})
	t.Logf("%d documents written in %s", *clusters, time.Since(began).Round(time.Second))
	for _, name := range []string{"a", "b", "c"} {
		f.start(name)
	}
	f.shared(3)
	f.eventually("the first check", func() bool { return f.api.checks.Load() > 0 })
	time.Sleep(*interval)
	before, checks, at := map[string]usage{}, f.api.checks.Load(), time.Now()
	for name, process := range f.monitors {
		before[name] = used(t, process.Pid)
		f.toggleProfile(process)
	}
	stubs := used(t, os.Getpid())
	time.Sleep(*window)
	n, took, cpu := f.api.checks.Load()-checks, time.Since(at), time.Duration(0)
	for name, process := range f.monitors {
		after := used(t, process.Pid)
		cpu += after.cpu - before[name].cpu
		f.toggleProfile(process)
		t.Logf("monitor %s: %d MiB resident, %s of processor time", name, after.resident, after.cpu-before[name].cpu)
	}
	rest := used(t, os.Getpid()).cpu - stubs.cpu
	t.Logf("a check takes %s of processor time of the monitors, and %s of that of the stand-ins", cpu/time.Duration(n), rest/time.Duration(n))
	perCore := float64(n) / cpu.Seconds()
	t.Logf("%d checks in %s: %.1f/s, %.0f for each second of a core of the monitors; %d connections open", n, took.Round(time.Second), float64(n)/took.Seconds(), perCore, f.api.connections.Load())
	t.Logf("%d clusters every %s need %.1f cores", *clusters, *interval, float64(*clusters)/interval.Seconds()/perCore)
}

func (f *fleet) toggleProfile(p *os.Process) {
	if f.settings.Profile != "" {
		_ = p.Signal(syscall.SIGUSR1)
	}
}

package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// growing are the files that may be written to as long as an environment runs, and
// whose number may change.
var growing = []string{
	"/aro.db*",         // the provider's database: what ended is kept for a while
	"/azure/state.db*", // the local Azure's: applications, activity, deleted objects of vaults
	"/logs/rp.log",
	"/aro-local.log",
}

// shelf is a directory of blobs. There are 256 of them, made when first needed.
var shelf = regexp.MustCompile(`^/azure/blob/[0-9a-f]{2}$`)

func grows(path string) bool {
	return slices.ContainsFunc(growing, func(pattern string) bool {
		fits, _ := filepath.Match(pattern, path)
		return fits
	})
}

// maxLog is the most that SQLite's log may take: 4000 pages of 4 KiB and their headers,
// and what a transaction or two add before it begins again.
const maxLog = 24 << 20

// files are those of the data directory, but for shelves and what grows; written
// are the bytes of the latter.
func (w *environment) files(t *testing.T) (all []string, written int64) {
	t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, w.dir)
		if !grows(name) {
			if !entry.IsDir() || !shelf.MatchString(name) {
				all = append(all, name)
			}
			return nil
		}
		info, err := entry.Info()
		switch {
		case err != nil: // it went meanwhile
		case strings.HasSuffix(name, "-wal"):
			// SQLite writes its log from the beginning again when it is long enough.
			if info.Size() > maxLog {
				t.Errorf("%s has %d bytes, at most %d are right", name, info.Size(), maxLog)
			}
		default:
			written += info.Size()
		}
		return nil //nolint:nilerr // see above
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, written
}

// running are the arguments of the processes of this environment but aro-local: its
// descendants, and those whose parent is gone but whose arguments tell.
func (w *environment) running() map[int]string {
	arguments, parents := map[int]string{}, map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it ended meanwhile
		}
		text, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		arguments[pid] = string(bytes.TrimSpace(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	found := map[int]string{}
	for pid, text := range arguments {
		if pid == os.Getpid() || pid == w.process.Pid {
			continue
		}
		descends := strings.Contains(text, w.dir+"/")
		for up := parents[pid]; up > 1 && !descends; up = parents[up] {
			descends = up == w.process.Pid
		}
		if descends {
			found[pid] = text
		}
	}
	return found
}

// listening is the state of a socket in /proc/net/tcp.
const listening = "0A"

// opened are the addresses on which the processes of this environment listen, and how
// many files all of them have open.
func (w *environment) opened(t *testing.T) (addresses []string, files int) {
	t.Helper()
	sockets := map[string]string{} // addresses by inode
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // a machine without IPv6 does without
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == listening {
				sockets["socket:["+fields[9]+"]"] = fields[1]
			}
		}
	}
	if len(sockets) == 0 {
		t.Fatal("/proc/net tells of no socket")
	}
	processes := w.running()
	processes[w.process.Pid] = "aro-local"
	for pid := range processes {
		folder := fmt.Sprintf("/proc/%d/fd", pid)
		open, _ := os.ReadDir(folder) // none of a process that ended
		files += len(open)
		for _, file := range open {
			target, _ := os.Readlink(filepath.Join(folder, file.Name()))
			if address, found := sockets[target]; found {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses, files
}

// footprint is all that an environment takes up.
func (w *environment) footprint(ctx context.Context, t *testing.T) (all []string) {
	t.Helper()
	files, _ := w.files(t)
	ports, _ := w.opened(t)
	for kind, list := range map[string][]string{"resource": w.inventory(ctx, t), "process": w.processes(), "port": ports, "file": files} {
		for _, one := range list {
			all = append(all, kind+" "+one)
		}
	}
	slices.Sort(all)
	return all
}

// isAsBefore waits until nothing is there but what was, and all of that.
func (w *environment) isAsBefore(t *testing.T, before []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var more, less []string
	err := until(ctx, func() (bool, error) {
		after := w.footprint(ctx, t)
		more, less = minus(after, before), minus(before, after)
		return len(more)+len(less) == 0, nil
	})
	if err != nil {
		t.Errorf("not as before: too much is\n  %s\nmissing is\n  %s", lines(more), lines(less))
	}
}

// lines are the first of a list, each in a line.
func lines(list []string) string {
	const most = 15
	if rest := len(list) - most; rest > 0 {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(list, "\n  ")
}

// minus takes away as many of each as there are in without.
func minus(all, without []string) []string {
	count := map[string]int{}
	for _, one := range without {
		count[one]++
	}
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool {
		count[one]--
		return count[one] >= 0
	})
}

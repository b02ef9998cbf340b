package controlplane

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// unload lets go of the pages of this program's file, most of which only the start
// needed: those that are needed again are mapped again. Without it each cluster is
// resident with nearly all of Kubernetes' code.
func unload() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	content, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	var from, to uintptr
	candidate := false
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		line := lines.Text()
		// Names of figures may begin with hexadecimal digits, so they must not be read into from.
		var begin, end uintptr
		var may string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &may); n == 3 {
			from, to = begin, end
			candidate = strings.HasSuffix(line, self) && !strings.Contains(may, "w")
			continue
		}
		// Pages that the linker wrote to before it protected them are not in the file.
		if !candidate || strings.Join(strings.Fields(line), " ") != "Anonymous: 0 kB" {
			continue
		}
		if _, _, failure := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); failure != 0 {
			return failure
		}
	}
	return nil
}

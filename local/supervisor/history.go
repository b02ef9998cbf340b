package supervisor

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// history is how a program's starts have ended so far.
type history struct {
	early    int   // ends in a row that came soon after the start
	failures int   // ends in a row by itself, before the program was ready
	wasReady bool  // at least once
	repeated bool  // the last two failures had the same reason
	last     error // the last failure
}

// delay is how long to wait before the next start of a program that ran for a time.
func (h *history) delay(ran time.Duration) time.Duration {
	if ran >= healthyAfter {
		h.early = 0
	}
	return min(firstDelay<<min(h.early, 10), maxDelay)
}

func (h *history) add(ready, killed bool, err error) {
	if ready {
		h.failures, h.wasReady = 0, true
	}
	if killed {
		return
	}
	h.early++
	if !ready {
		h.failures++
		h.repeated = h.last != nil && h.last.Error() == err.Error()
		h.last = err
	}
}

// hopeless reports whether another start would not help either.
func (h *history) hopeless(limit int) bool {
	if limit == 0 {
		return false
	}
	return h.failures >= limit || h.failures >= 2 && h.repeated && !h.wasReady
}

// maxReason bounds how much of the end of a log is read for the reason.
const maxReason = 16 << 10

// why returns the exit together with the last line that the program wrote since its log had the
// size before, which is where programs report why they end.
func (p *Process) why(exit error, before int64) error {
	if reason := p.reason(before); reason != "" {
		return fmt.Errorf("%s (%w)", reason, exit)
	}
	return exit
}

func (p *Process) reason(before int64) string {
	file, err := os.Open(p.LogFile)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	length := size(p.LogFile)
	if length < before { // a new file
		before = 0
	}
	end := io.NewSectionReader(file, max(before, length-maxReason), maxReason)
	text, err := io.ReadAll(end)
	if err != nil {
		return ""
	}
	written := strings.TrimSpace(string(text))
	line := written[strings.LastIndexByte(written, '\n')+1:]
	var record struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(line), &record) == nil && record.Error != "" {
		return record.Error
	}
	line = strings.TrimPrefix(line, filepath.Base(p.Path)+": ")
	return strings.TrimPrefix(line, "error: ")
}

// size is that of a file, 0 if there is none.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

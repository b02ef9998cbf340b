package hypervisor

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"
)

// maxBootLog is how much of its console a machine remembers.
const maxBootLog = 64 << 10

// bootLog is the serial console of a machine: lines with times, the oldest of
// which give way. No line may hold a secret.
type bootLog struct {
	path string
	mu   sync.Mutex
}

// printf writes one line. A console that cannot be written stops no machine.
func (l *bootLog) printf(format string, args ...any) {
	line := time.Now().UTC().Format("2006-01-02T15:04:05.000Z ") + fmt.Sprintf(format, args...) + "\n"
	l.mu.Lock()
	defer l.mu.Unlock()
	if info, err := os.Stat(l.path); err == nil && info.Size()+int64(len(line)) > maxBootLog {
		l.shorten()
	}
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = file.WriteString(line)
	_ = file.Close()
}

// shorten forgets the older half, up to the end of a line.
func (l *bootLog) shorten() {
	content, err := os.ReadFile(l.path)
	if err != nil {
		return
	}
	content = content[len(content)/2:]
	if end := bytes.IndexByte(content, '\n'); end >= 0 {
		content = content[end+1:]
	}
	_ = os.WriteFile(l.path, content, 0o600)
}

func (l *bootLog) read() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	content, _ := os.ReadFile(l.path)
	return content
}

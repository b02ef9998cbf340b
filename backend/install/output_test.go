package install

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestNoPartOfASecretIsLoggedHoweverItsLineIsCut(t *testing.T) {
	const auth = "c2VjcmV0OnRoYXQgaXMgbG9uZw=="
	for name, test := range map[string]struct{ said, want string }{
		"over the end of what is shown": {strings.Repeat("a", maxLine-10) + auth + "\n", "aaaa[secret]"},
		"over the end of what is kept":  {strings.Repeat("a", maxWhole-10) + auth + "\n", "too long"},
		"in the last line, unfinished":  {"first\n" + auth[:len(auth)/2], "first"},
		"after a line too long":         {strings.Repeat("a", 3*maxWhole) + "\nnext " + auth + "\n", "next [secret]"},
	} {
		for _, size := range []int{1, 7, maxLine + 1, 4 * maxWhole} {
			var log bytes.Buffer
			r := &relay{ctx: t.Context(), log: slog.New(slog.NewTextHandler(&log, nil)), hide: []string{auth}}
			for rest := []byte(test.said); len(rest) > 0; {
				n, err := r.Write(rest[:min(size, len(rest))])
				if err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if strings.Contains(log.String(), auth[:5]) || !strings.Contains(log.String(), test.want) {
				t.Errorf("%s, by %d bytes: logged %.300s", name, size, &log)
			}
			if cap(r.begun) > 4*maxWhole {
				t.Errorf("%s, by %d bytes: %d bytes are kept", name, size, cap(r.begun))
			}
		}
	}
}

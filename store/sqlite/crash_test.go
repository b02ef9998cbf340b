package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

// The test binary runs itself again as a second process: with the path of a
// database in childDatabase it writes until it is killed.
const (
	childDatabase = "ARO_TEST_SQLITE_CHILD"
	childName     = "ARO_TEST_SQLITE_NAME"
	childUpdates  = 200
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childDatabase); path != "" {
		if err := child(path, os.Getenv(childName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child raises the shared counter childUpdates times, or, with a name that begins
// with "endless", creates documents without end and prints each acknowledged one.
func child(path, name string) error {
	ctx := context.Background()
	s, err := openStore(ctx, path)
	if err != nil {
		return err
	}
	defer s.Close()
	if !strings.HasPrefix(name, "endless") {
		return raise(ctx, s)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	for w := range 4 {
		group.Go(func() {
			for i := 0; ; i++ {
				doc := &store.ClusterDocument{Meta: store.Meta{Partition: name, ID: fmt.Sprintf("%d-%d", w, i)}}
				doc.Cluster.Location = strings.Repeat("x", 3000)
				if err := s.Clusters.Create(ctx, doc); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(doc.ID)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return nil
}

func raise(ctx context.Context, s *store.Store) error {
	for range childUpdates {
		_, err := s.Clusters.Update(ctx, "shared", "counter", func(c *store.ClusterDocument) error {
			c.Cluster.Internal.Revision++
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func openStore(ctx context.Context, path string) (*store.Store, error) {
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		return nil, err
	}
	k, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return store.New(k, keys), nil
}

func startChild(t *testing.T, path, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childDatabase+"="+path, childName+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestProcessesShareAFile(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "aro.db")
	s, err := openStore(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Clusters.Create(ctx, &store.ClusterDocument{Meta: store.Meta{Partition: "shared", ID: "counter"}}); err != nil {
		t.Fatal(err)
	}
	var children []*exec.Cmd
	for i := range 2 {
		cmd, _ := startChild(t, path, fmt.Sprint("child", i))
		children = append(children, cmd)
	}
	if err := raise(ctx, s); err != nil {
		t.Error(err)
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	}
	got, err := s.Clusters.Get(ctx, "shared", "counter")
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(3 * childUpdates); got.Cluster.Internal.Revision != want {
		t.Errorf("three processes raised the counter to %d, not %d", got.Cluster.Internal.Revision, want)
	}
}

// TestAcknowledgedWritesSurviveAKill kills a process in the middle of its writes,
// again and again, while another process uses the same file.
func TestAcknowledgedWritesSurviveAKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "aro.db")
	bystander, err := openStore(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer bystander.Close()
	const kills = 5
	acknowledged := map[string][]string{}
	for round := range kills {
		name := fmt.Sprint("endless", round)
		cmd, lines := startChild(t, path, name)
		for n := 0; lines.Scan(); n++ {
			acknowledged[name] = append(acknowledged[name], lines.Text())
			if n == 40+13*round {
				_ = cmd.Process.Kill() // and read what it had printed before
			}
		}
		_ = cmd.Wait()
		if err := bystander.Ping(ctx); err != nil {
			t.Fatalf("after kill %d: %v", round, err)
		}
	}

	reopened, err := openStore(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer reopened.Close()
	for name, ids := range acknowledged {
		for _, id := range ids {
			doc, err := reopened.Clusters.Get(ctx, name, id)
			if err != nil || len(doc.Cluster.Location) != 3000 {
				t.Fatalf("%s/%s was acknowledged and is not there: %v", name, id, err)
			}
		}
		if len(ids) < 40 {
			t.Errorf("%s wrote only %d documents", name, len(ids))
		}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s, %v", verdict, err)
	}
}

func TestABusyProcessLetsOthersWrite(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "aro.db")
	s, err := openStore(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cmd, lines := startChild(t, path, "endless")
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	if !lines.Scan() {
		t.Fatal("the other process does not write")
	}
	go func() {
		for lines.Scan() { // a full pipe would stop it
		}
	}()
	var longest time.Duration
	for range 50 {
		begin := time.Now()
		if err := s.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begin))
	}
	t.Logf("the longest of 50 writes took %v", longest)
	if longest > 3*time.Second {
		t.Errorf("a write had to wait %v", longest)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, fill func(path string)) string {
		path := filepath.Join(dir, name)
		fill(path)
		return path
	}
	execute := func(script string) func(string) {
		return func(path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(script); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct{ path, want string }{
		"not a database": {file("text", func(p string) {
			_ = os.WriteFile(p, []byte(strings.Repeat("no database here\n", 100)), 0o600)
		}), "is not an SQLite database"},
		"another program's": {file("other", execute("CREATE TABLE t (x)")), "another program"},
		"a newer release's": {file("newer", func(p string) {
			open(t, p)
			execute("PRAGMA user_version = 99")(p)
		}), "newer release"},
		"a folder that is not there": {filepath.Join(dir, "missing", "aro.db"), "no such file or directory"},
		"a folder":                   {dir, "is a directory"},
	} {
		k, err := sqlite.Open(t.Context(), test.path)
		if err == nil {
			_ = k.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWriteWaitsForAnotherProcessAndNoLongerThanItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aro.db")
	s, err := openStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Ping(short); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the file is locked: %v", err)
	}
	if _, err := s.Clusters.Get(t.Context(), "p", "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a read waits for the writer: %v", err)
	}
	time.AfterFunc(200*time.Millisecond, func() { _, _ = conn.ExecContext(context.Background(), "ROLLBACK") })
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}

func TestAStartWaitsUntilOthersUnlockTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aro.db")
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if s, err := sqlite.Open(short, path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a start that may not wait: %v, %v", s, err)
	}
	// Longer than one attempt waits.
	time.AfterFunc(1500*time.Millisecond, func() { _, _ = conn.ExecContext(context.Background(), "ROLLBACK") })
	s, err := openStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestOnlyTheOwnerCanReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aro.db")
	open(t, path)
	for _, side := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + side)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", info.Name(), info.Mode())
		}
	}
}

func TestExpiredDocumentsLeaveTheFile(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "aro.db")
	s, err := openStore(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		doc := &store.OperationDocument{Meta: store.Meta{Partition: "p", ID: fmt.Sprint(i), TTL: 1}}
		if err := s.Operations.Create(ctx, doc); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := s.Operations.Get(ctx, "p", "2"); errors.Is(err, store.ErrNotFound) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the documents do not expire")
		}
	}
	_ = s.Close()
	open(t, path) // purges at once
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM Operations").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d expired documents are still there", n)
		}
	}
}

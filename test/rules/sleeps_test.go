package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowedSleeps are the functions of tests that may sleep outside a loop, with the
// reason why there is no condition to wait for.
func allowedSleeps() map[string]string {
	return map[string]string{
		"backend.measureWaiting":                                        "a measurement lasts for its time",
		"backend.TestDeleteCancelsWhatRuns":                             "a step takes its time to stop",
		"backend.TestAStepThatSavesInTimeKeepsItsLease":                 "a step and the database take their time",
		"local/cloud/resources.TestDeletionOfWhatHasNoStateIsWaitedFor": "a deletion takes its time",
		"test/cosmos.TestAnIdleBackendHardlyAsks":                       "a measurement lasts for its time",
		"test/fleet.TestSpeed":                                          "a measurement lasts for its time",
		"test/harness.apply":                                            "machines answer as late as the test says",
		"test/operator.TestSettledClusterIsLeftInPeace":                 "that nothing happens can only be seen by waiting",
		"test/operator.quiet":                                           "that nothing happens can only be seen by waiting",
		"test/simulated.TestADeleteOfAClusterThatNeverBecameOne":        "the delete may come at any moment of the create",
	}
}

// TestTestsWaitForConditions: a test that sleeps and then looks is slow on a fast machine
// and wrong on a slow one. Between two looks at a condition, which is in a loop, it may
// sleep, and so it may where time is synctest's.
func TestTestsWaitForConditions(t *testing.T) {
	allowed, used := allowedSleeps(), map[string]bool{}
	for _, p := range packages(t) {
		files := p.tests
		if strings.HasPrefix(p.name, "test/") {
			files = slices.Concat(p.files, p.tests)
		}
		for _, file := range files {
			if importsSynctest(file) {
				continue
			}
			for _, d := range file.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				name := p.name + "." + fn.Name.Name
				for _, at := range sleepsOutsideLoops(fn.Body) {
					used[name] = true
					if allowed[name] == "" {
						t.Errorf("%s: wait for a condition, or give the reason in allowedSleeps", filepath.Base(p.set.Position(at.Pos()).String())+" in "+name)
					}
				}
			}
		}
	}
	for name := range allowed {
		if !used[name] {
			t.Errorf("%s does not sleep any more: remove it from allowedSleeps", name)
		}
	}
}

func importsSynctest(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
}

// sleepsOutsideLoops are the calls of time.Sleep, and the receives from time.After, that no
// loop of the same function literal repeats.
func sleepsOutsideLoops(body *ast.BlockStmt) (calls []ast.Node) {
	var visit func(n ast.Node, inLoop bool)
	visit = func(n ast.Node, inLoop bool) {
		ast.Inspect(n, func(m ast.Node) bool {
			if m == n || m == nil {
				return true
			}
			switch m := m.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				visit(m, true)
				return false
			case *ast.FuncLit:
				visit(m, false)
				return false
			case *ast.CommClause: // what a select waits for beside other things
				for _, statement := range m.Body {
					visit(&ast.BlockStmt{List: []ast.Stmt{statement}}, inLoop)
				}
				return false
			case *ast.UnaryExpr:
				if call, ok := m.X.(*ast.CallExpr); ok && m.Op == token.ARROW && !inLoop {
					if s, ok := call.Fun.(*ast.SelectorExpr); ok && isName(s.X, "time") && s.Sel.Name == "After" {
						calls = append(calls, m)
					}
				}
			case *ast.CallExpr:
				if s, ok := m.Fun.(*ast.SelectorExpr); ok && isName(s.X, "time") && s.Sel.Name == "Sleep" && !inLoop {
					calls = append(calls, m)
				}
			}
			return true
		})
	}
	visit(body, false)
	return calls
}

func TestSleepsOutsideLoopsAreFound(t *testing.T) {
	for body, want := range map[string]int{
		"time.Sleep(d)":                                                   1,
		"<-time.After(d)":                                                 1,
		"for !done() { time.Sleep(d) }":                                   0,
		"for ; !done(); time.Sleep(d) { }":                                0,
		"for range 3 { go func() { time.Sleep(d) }() }":                   1,
		"select { case <-done: case <-time.After(d): t.Fatal() }":         0,
		"select { case <-done: time.Sleep(d); default: <-time.After(d) }": 2,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { "+body+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(sleepsOutsideLoops(file.Decls[0].(*ast.FuncDecl).Body)); got != want {
			t.Errorf("%s: %d were found, want %d", body, got, want)
		}
	}
}

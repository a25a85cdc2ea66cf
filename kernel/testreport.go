package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// testEvent is a line of `go test -json`.
type testEvent struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
	Key     string  // of an attribute
	Value   string
}

// testReport follows `go test -json`: it prints packages as they end, what failing tests have said, and in the end what was
// measured and every test that was skipped.
type testReport struct {
	out     io.Writer
	said    map[testID][]string // output of tests that have not ended
	skipped map[string][]string // names of tests, by the reason
	values  [][2]string         // attributes that tests have set, in their order
	failed  int
}

type testID struct{ pkg, test string }

func newTestReport(out io.Writer) *testReport {
	return &testReport{out: out, said: map[testID][]string{}, skipped: map[string][]string{}}
}

// read follows a stream to its end. Lines that are not events, such as errors of the go command, are printed as they are.
func (r *testReport) read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e testEvent
			if line[0] != '{' || json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(r.out, "%s\n", strings.TrimRight(string(line), "\n"))
			} else {
				r.see(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *testReport) see(e testEvent) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		if e.Test != "" {
			r.said[id] = append(r.said[id], e.Output)
		} else if !isNoise(e.Output) {
			fmt.Fprint(r.out, e.Output)
		}
	case "attr":
		r.values = append(r.values, [2]string{e.Key, e.Value})
	case "skip":
		if e.Test != "" {
			reason := reasonOf(r.said[id])
			r.skipped[reason] = append(r.skipped[reason], shortPackage(e.Package)+"."+e.Test)
		}
		delete(r.said, id)
	case "fail":
		if e.Test != "" {
			r.failed++
			fmt.Fprint(r.out, strings.Join(r.said[id], ""))
		} else if r.crashed(e.Package) {
			r.failed++
		}
		delete(r.said, id)
	case "pass":
		delete(r.said, id)
	}
}

// crashed prints what the tests have said that were under way when their program ended.
func (r *testReport) crashed(pkg string) (found bool) {
	for id, said := range r.said {
		if id.pkg == pkg {
			fmt.Fprint(r.out, strings.Join(said, ""))
			delete(r.said, id)
			found = true
		}
	}
	return found
}

// isNoise tells lines about a package that say nothing beyond its result.
func isNoise(line string) bool {
	return line == "PASS\n" || line == "FAIL\n" || strings.HasPrefix(line, "coverage:") || strings.HasPrefix(line, "?   \t")
}

// reasonOf is what a test has said when it was skipped, without the place in its source.
func reasonOf(said []string) string {
	for _, line := range slices.Backward(said) {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "--- ") || strings.HasPrefix(text, "=== ") {
			continue
		}
		if _, after, ok := strings.Cut(text, ".go:"); ok {
			if _, reason, ok := strings.Cut(after, ": "); ok {
				return reason
			}
		}
		return text
	}
	return "no reason is given"
}

// shortPackage is a package's path within this module.
func shortPackage(path string) string {
	const module = "github.com/seed-516990b0/golxmert/"
	return strings.TrimPrefix(path, module)
}

// finish prints what was measured, and all skips by their reason.
func (r *testReport) finish() {
	if len(r.values) > 0 {
		fmt.Fprintln(r.out, "\nmeasured:")
		width := 0
		for _, v := range r.values {
			width = max(width, len(v[0]))
		}
		for _, v := range r.values {
			fmt.Fprintf(r.out, "  %-*s %s\n", width, v[0], v[1])
		}
	}
	count := 0
	for _, tests := range r.skipped {
		count += len(tests)
	}
	switch count {
	case 0:
		fmt.Fprintln(r.out, "\nno test was skipped")
	case 1:
		fmt.Fprintln(r.out, "\n1 test was skipped:")
	default:
		fmt.Fprintf(r.out, "\n%d tests were skipped:\n", count)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.skipped)) {
		fmt.Fprintf(r.out, "  %s: %s\n", reason, strings.Join(r.skipped[reason], ", "))
	}
}

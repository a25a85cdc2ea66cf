package question_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestTheReadmesGoIsThatOfTheExamples, which run: each block of Go in README.md stands in example_test.go, line by line.
func TestTheReadmesGoIsThatOfTheExamples(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(goldentest.Root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```").FindAllSubmatch(readme, -1)
	if len(blocks) < 2 {
		t.Fatalf("README.md has %d blocks of Go", len(blocks))
	}
	for _, b := range blocks {
		var indented strings.Builder
		for line := range strings.Lines(string(b[1])) {
			indented.WriteString("\t" + line)
		}
		if !strings.Contains(string(examples), indented.String()) {
			t.Errorf("no example has\n%s", b[1])
		}
	}
}

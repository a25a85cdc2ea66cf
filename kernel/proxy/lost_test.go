package proxy

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

func TestNothingOfWhatIsDeclaredIsLost(t *testing.T) {
	c := startReal(t)
	const group = "const (\n\t_ = iota // nothing\n\tKB = 1 << (10 * iota)\n\tMB\n)"
	c.take([]step{
		{group, "ok", ""},
		{"const (\n\t_, Red = iota, \"red\"\n)", "error", "declaration: cell line 1: GoNB puts constants that stand in a row below each other, which changes what iota counts and which value is repeated: give each a line and a value of its own"},
		{"const (\n\t_ = iota\n\tOne\n\t_\n\tThree\n)\nconst low, high = 1, 9", "ok", ""},
		{"fmt.Println(KB, MB, One, Three, low, high)", "ok", "1024 1048576 1 3 1 9\n"},
		{group + "\nMB", "ok", "out: 1048576"},
		{"const (\n\t_ = iota\n\tKB\n\tTwo\n)\npanic(1)", "error", ""},
		{"fmt.Println(KB, MB)", "ok", "1024 1048576\n"},

		{"import _ \"image/png\"\nimport _ \"image/jpeg\"\nimport (\n\t\"bytes\"\n\t\"image\"\n\t\"image/color\"\n\t\"image/gif\"\n)\nvar file bytes.Buffer\nfmt.Println(gif.Encode(&file, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black}), nil))", "ok", "<nil>\n"},
		{"formats := 0\nfor _, magic := range []string{\"\\x89PNG\\r\\n\\x1a\\n\", \"\\xff\\xd8\"} {\n\tif _, _, err := image.DecodeConfig(strings.NewReader(magic)); err != image.ErrFormat {\n\t\tformats++\n\t}\n}\nformats", "ok", "out: 2"},

		{"func init() { fmt.Print(\"a\") }\nfunc init() { fmt.Print(\"b\") }", "error", "declaration: cell line 2: func init a second time, and GoNB keeps one: call it init_2, which is run as init too"},
		{"func init_1() { fmt.Print(\"a\") }\nfunc init_2() { fmt.Print(\"b\") }\nfmt.Println()", "ok", "ab\n"},
		{"%rm init_1 init_2", "ok", ". removed func init_1\n. removed func init_2\n"},

		{"//go:embed x.txt\nvar text string", "error", "declaration: cell line 1: //go:embed does not reach the compiler, as comments are not kept: os.ReadFile reads a file"},
		{"type A[T any] struct{}\ntype B[T any] struct{}\nfunc (A[T]) Name() string { return \"A\" }", "ok", ""},
		{"func (B[T]) Name() string { return \"B\" }", "error", "declaration: cell line 1: GoNB keeps one of A.Name and B.Name, as their types have parameters and their receivers are not pointers: make a receiver a pointer"},
		{"func (*B[T]) Name() string { return \"B\" }\nA[int]{}.Name() + (&B[int]{}).Name()", "ok", "out: AB"},
	})
}

func TestCHasAWayIntoCells(t *testing.T) {
	_, err := exec.LookPath("gcc")
	testneed.Require(t, "cc", err == nil, fmt.Sprint(err))
	c := startReal(t)
	c.take([]step{
		{"/*\nint twice(int n) { return 2 * n; }\n*/\nimport \"C\"\nC.twice(2)", "error", "declaration: cell line 4: the C above `import \"C\"` does not reach the compiler, as comments are not kept: " +
			"a package of its own can have it: a cell `!*mkdir -p cc`, one that begins with `%%writefile $GONB_TMP_DIR/cc/cc.go` and is that package, and `import \"golxmert.cell/cc\"`"},
		{"!*mkdir -p cc", "ok", ""},
	})
	if status, _ := c.run("%%writefile $GONB_TMP_DIR/cc/cc.go\npackage cc\n\n// int twice(int n) { return 2 * n; }\nimport \"C\"\n\nfunc Twice(n int) int { return int(C.twice(C.int(n))) }"); status != "ok" {
		t.Fatal(status)
	}
	c.take([]step{{"import \"golxmert.cell/cc\"\ncc.Twice(21)", "ok", "out: 42"}})
}

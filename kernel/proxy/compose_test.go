package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// TestComposedCells shows lines as GoNB gets them, each after the number of the line that it comes from.
func TestComposedCells(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"var a = 1\nfunc f() {}", "1 var a = 1|2 func f() {}"},
		{"import \"fmt\"\n%%\nfmt.Println()", "1 import \"fmt\"|2 func main() {|2 flag.Parse()|2 |3 fmt.Println()|0 }"},
		{"%% -a \"b c\"\nf()\n%main\ng()", "1 %args -a \"b c\"|1 func main() {|1 flag.Parse()|1 |2 f()|3 |4 g()|0 }"},
		{"%args -a\n%%\nf()", "1 %args -a|2 %args|2 func main() {|2 flag.Parse()|2 |3 f()|0 }"},
		{"%args -a\nf()", "1 %args -a|2 func main() {|2 flag.Parse()|2 f()|0 }"},
		{"%exec f -a\nfunc f() {}", "1 %args -a|1 func main() {|1 flag.Parse()|1 f()|1 }|2 func f() {}"},
		{"%%", "1 "},
		{"%lx status\n%env A=b\n%env AB=c\n%env C=", "1 |2 %env A b|3 %env AB=c|4 %env C \"\""},
		{"//gonb:%env A=b\n//gonb:%%\nf()", "1 %env A b|2 func main() {|2 flag.Parse()|2 |3 f()|0 }"},

		{"%%time\n%matplotlib inline\n%time f(1)\n%time", "1 |2 |3 func main() {|3 flag.Parse()|3       f(1)|4 |0 }"},
		{"%%time\n%%bash\nls", "2 %%bash|3 ls"},

		// statements without %%
		{"a := 2\nimport \"fmt\"\nfmt.Println(a)", "2 import \"fmt\"|1 func main() {|1 flag.Parse()|1 a := 2|2 |3 fmt.Println(a)|0 }"},
		{"// all of it\nvar a = 1\n\n// now\nf(a)\n!ls\n", "1 // all of it|2 var a = 1|3 |4 // now|5 func main() {|5 flag.Parse()|5 f(a)|6 !ls|7 |0 }"},
		{"var a = 1; f(a); var b = 2", "1 var a = 1;|1 func main() {|1 flag.Parse()|1            f(a); var b = 2|0 }"},
		{"x := 1; func f() {}; f()", "1         func f() {};|1 func main() {|1 flag.Parse()|1 x := 1;              f()|0 }"},
		{"f()\n\n// f does\n// it.\nfunc f() { // here\n!ls\n} // end\nvar b = 1\nfunc (b B) m() int { return 1 }",
			"3 // f does|4 // it.|5 func f() { // here|6 |7 } // end|9 func (b B) m() int { return 1 }|1 func main() {|1 flag.Parse()|1 f()|2 |3 |4 |5 |6 !ls|7 |8 var b = 1|9 |0 }"},
		{"func(n int) int { return n }(3)", "1 func main() {|1 flag.Parse()|1 func(n int) int { return n }(3)|0 }"},
		{"func() (a B) { return }()\nfunc (b B) C() {}", "2 func (b B) C() {}|1 func main() {|1 flag.Parse()|1 func() (a B) { return }()|2 |0 }"},
		{"/* a\nb */ f()", "1 /* a|2 b */|2 func main() {|2 flag.Parse()|2      f()|0 }"},
		{"L:\nfor i := range 3 {\n\tcontinue L\n}", "1 func main() {|1 flag.Parse()|1 L:|2 for i := range 3 {|3 \tcontinue L|4 }|0 }"},
		{"f()\n%% -a\nvar a int", "2 %args -a|1 func main() {|1 flag.Parse()|1 f()|2 |3 var a int|0 }"},
		{"%%\nimport \"os\"\ntype T int\nfunc (t T) m() {}\n%%\nf()", "2 import \"os\"|4 func (t T) m() {}|1 func main() {|1 flag.Parse()|1 |2 |3 type T int|4 |5 |6 f()|0 }"},
	} {
		var got []string
		for _, l := range parseCell(c.code).composeForGoNB(redirection{mayAsk: true}, showing{}) {
			got = append(got, fmt.Sprintf("%d %s", l.from, strings.TrimRight(l.text, " ")))
		}
		if text := strings.Join(got, "|"); strings.ReplaceAll(text, "!exec <''; eval 'ls'", "!ls") != c.want {
			t.Errorf("%q becomes\n%s, expected\n%s", c.code, text, c.want)
		}
		checkSent(t, c.code)
	}
}

func TestKindsOfItems(t *testing.T) {
	for code, want := range map[string]itemKind{
		"f()": statement, "x": statement, "1 + 2": statement, "x, y := f()": statement, "x++": statement, "<-c": statement, "c <- 1": statement,
		"go f()": statement, "defer f()": statement, "if a {}": statement, "switch {}": statement, "select {}": statement, "{ f() }": statement,
		"return": statement, "goto L": statement, "L: f()": statement, "struct{}{}": statement, "map[string]int{\"a\": 1}": statement, "[]int{1}": statement,
		"func() {}()": statement, "func(a, b int) (c T) { return }(1, 2)": statement, "func(f func(int) int) func() { return nil }": statement, "*p = 1": statement,
		"func f() {}": funcItem, "func f[T any](t T) {}": funcItem, "func (t *T) m() {}": funcItem, "func (T[K]) m() (a int) { return }": funcItem,
		"func (t interface{ m() }) m() {}": funcItem, "import \"fmt\"": importItem, "import (\n\"fmt\"\n_ \"os\"\n)": importItem,
		"var x = 1": declarationItem, "const (\na = iota\nb\n)": declarationItem, "type T struct {\n\tA int\n}": declarationItem,
	} {
		if list := parseCell(code).takeApart(); len(list) != 1 || list[0].kind != want || list[0].isOpen {
			t.Errorf("%q is %+v, expected one of kind %d", code, list, want)
		}
	}
}

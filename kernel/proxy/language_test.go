package proxy

import (
	"fmt"
	"strings"
	"testing"
)

// TestCompletionKnowsWhatCellsMayBe asks at the place of ‸.
func TestCompletionKnowsWhatCellsMayBe(t *testing.T) {
	c := startReal(t)
	c.run("// Greet greets.\nfunc Greet(name string, times int) string { return name }\ntype Person struct { Name string; Age int }\nvar someone Person")
	for _, q := range []struct{ code, matches string }{
		{"Gre‸", "[Greet]"},
		{"x := 1\nGre‸", "[Greet]"},
		{"x := someone\nx.N‸", "[Name]"},
		{"import \"strings\"\nx := 1\nstrings.ToUp‸", "[ToUpper ToUpperSpecial]"},
		{"x := 1\nimport \"strings\"\nstrings.ToUp‸", "[ToUpper ToUpperSpecial]"},
		{"fmt.Println(laterTh‸)\n\nfunc laterThanAll() int { return 1 }", "[laterThanAll]"},
		{"fmt.Println(1)\nfunc (p Person) older() int {\n\treturn p.Ag‸\n}\nfmt.Println(2)", "[Age]"},
		{"x := 1; func inLine(p Person) { p.Ag‸ }", "[Age]"},
		{"%time Gre‸", "[Greet]"},
		{"%%time\r\nx := 1\r\nGre‸", "[Greet]"},
		{"%%\nx := `\n%%\n`\nGre‸", "[Greet]"},
		{"%%\nx := `\n%g‸\n`\n_ = x", "[]"},
		{"%%ti‸", "[%%time]"},
		{"%%bash\nGre‸", "[]"},
	} {
		before, after, _ := strings.Cut(q.code, "‸")
		reply := c.reply(c.request(c.shell, "complete_request", map[string]any{"code": before + after, "cursor_pos": len([]rune(before))}))
		if fmt.Sprint(reply["matches"]) != q.matches || reply["cursor_end"] != float64(len([]rune(before))) {
			t.Errorf("%q: %v to %v, expected %s", q.code, reply["matches"], reply["cursor_end"], q.matches)
		}
	}
	for code, want := range map[string]string{
		"Gre‸et(\"a\", 1)": "Greet greets.", "x := 1\nfunc f() { Greet‸ }\n_ = x": "Greet greets.", "%time Greet‸(\"a\", 1)": "Greet greets.", "%matplotlib‸ inline": "lx.Show draws figures",
		"%%time‸": "%%time on a cell's first line",
	} {
		before, after, _ := strings.Cut(code, "‸")
		reply := c.reply(c.request(c.shell, "inspect_request", map[string]any{"code": before + after, "cursor_pos": len([]rune(before)), "detail_level": 0}))
		if text := fmt.Sprint(reply["data"]); reply["found"] != true || !strings.Contains(text, want) {
			t.Errorf("%q: %v", code, reply)
		}
	}
}

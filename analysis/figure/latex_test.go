package figure_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/internal/testneed"
)

func ExampleWrite_latex() {
	t := analysis.Table{
		Meta:    analysis.Meta{Method: "hit rate", Unit: "share", Features: "val_obj36.tsv", N: 640, Level: 0.95, Seed: 3},
		Columns: []string{"method", "hit rate", "low", "high", "p_value", "best"},
		Rows:    [][]any{{"bi-modal", 0.8125, 0.78, 0.84, 1.5e-5, "*"}, {"R&D 50%", -0.25, -0.3, -0.2, math.NaN(), ""}},
	}
	figure.Write(os.Stdout, "tex", t, figure.Options{})
	// Output:
	// % \usepackage[T1]{fontenc}
	// % \usepackage{booktabs}
	//
	// % method: hit rate
	// % unit: share
	// % features: val_obj36.tsv
	// % examples: 640
	// % intervals: 95 %
	// % seed: 3
	// \begin{table}
	// \centering
	// \caption{hit rate (share). features val\_obj36.tsv $\cdot$ n = 640 $\cdot$ 95 \% intervals $\cdot$ seed 3}
	// \begin{tabular}{@{}lrrl@{}}
	// \toprule
	// method & hit rate [95 \% interval] & p\_value & best \\
	// \midrule
	// bi-modal & 0.812 [0.780, 0.840] & 1.5$\times10^{-5}$ & {*} \\
	// R\&D 50\% & $-$0.250 [$-$0.300, $-$0.200] & -- &  \\
	// \bottomrule
	// \end{tabular}
	// \end{table}
}

func latex(t testing.TB, r analysis.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := figure.Write(&b, "tex", r, figure.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostileTexts are labels with what LaTeX reads as something else: every printable ASCII character alone, doubled and between letters;
// control characters; broken UTF-8; commands; line breaks and what options of them look like.
func hostileTexts() []string {
	texts := []string{
		`\end{tabular}`, `\input{/etc/passwd}`, `100% {x`, "two\nlines\r\n% three", "cut \xff off", "a\x00b", "tab\tbed", "---", "----", ",,,", "''", "``", "?`!`", "[1pt]", "*", "*[1]", "<<>>", "x^2_i ~ $y$", "#1", "a & b", `"quoted"`,
		"Ærø, Žižek, Łódź, Ñandú, ıİ, ß", "0.5 ± 0.1 µm · 3 × 10 → ∞ ≤ ½ σ²", "红色的星", "звезда", "كلب", "e\u0301", "👩‍👩‍👧", "\u2028\u2029", "\u202e", "\u00ad", "\ufeff",
	}
	for c := rune(' '); c < 0x7f; c++ {
		texts = append(texts, string(c), strings.Repeat(string(c), 2), "x"+string(c)+"y")
	}
	for c := rune(0xA0); c < 0x250; c++ {
		texts = append(texts, string(c))
	}
	return texts
}

// hostile is a table of such labels in every place that a label can have.
func hostile() analysis.Table {
	t := analysis.Table{Meta: analysis.Meta{Method: "what % is #1?\n\\bad", Notes: hostileTexts()[:20], Params: map[string]string{"x\ny": "z\n\\end"}}, Columns: []string{`\col{`, "low", "50%"}}
	t.Target, t.Unit = "}", "$"
	for i, text := range hostileTexts() {
		t.Rows = append(t.Rows, []any{text, float64(i) * 1e-7, text})
	}
	return t
}

// latexFaults reads LaTeX as strictly as LaTeX does, without the meaning of commands: braces, environments and formulas that match, in
// tables as many entries in each row as there are columns, and no character that only a text has, such as a lone & outside a table.
func latexFaults(text string) (faults []string) {
	fault := func(what string) { faults = append(faults, what) }
	var inside []string
	depth, formula, columns, entries := 0, false, 0, 0
	for n, line := range strings.Split(text, "\n") {
		for i := 0; i < len(line); i++ {
			switch c := line[i]; c {
			case '%':
				i = len(line)
			case '{':
				depth++
			case '}':
				if depth--; depth < 0 {
					fault("a brace that closes nothing: " + line)
				}
			case '$':
				formula = !formula
			case '&':
				entries++
			case '#', '~', '^', '_':
				defining := strings.HasPrefix(line, `\providecommand`)
				if !formula && !defining && c != '~' {
					fault(string(c) + " outside a formula: " + line)
				}
			case '\\':
				command := regexp.MustCompile(`^\\([A-Za-z]+|.)`).FindString(line[i:])
				i += len(command) - 1
				switch argument := regexp.MustCompile(`^\{([a-z]+)\}(\{@\{\}([lr]+)@\{\}\})?`).FindStringSubmatch(line[min(i+1, len(line)):]); command {
				case `\begin`:
					inside = append(inside, argument[1])
					if argument[3] != "" {
						columns = len(argument[3])
					}
				case `\end`:
					if len(inside) == 0 || inside[len(inside)-1] != argument[1] {
						fault("an end of what has not begun: " + line)
						continue
					}
					inside = inside[:len(inside)-1]
				case `\\`:
					if next := strings.TrimLeft(line[i+1:]+"\n"+strings.Join(strings.Split(text, "\n")[n+1:][:1], ""), " \n"); strings.HasPrefix(next, "*") || strings.HasPrefix(next, "[") {
						fault("an option of a line break: " + next)
					}
					if !strings.HasPrefix(line, `\caption`) && entries != columns-1 {
						fault("a row of other entries than there are columns: " + line)
					}
					entries = 0
				}
			}
		}
	}
	if depth != 0 || formula || len(inside) > 0 {
		fault("something that is not closed")
	}
	return faults
}

func TestLaTeXHasNoCharacterOfALabelThatMeansSomething(t *testing.T) {
	text := latex(t, hostile())
	if faults := latexFaults(text); faults != nil {
		t.Errorf("%d faults, such as %s", len(faults), faults[0])
	}
	for line := range strings.Lines(text) {
		for _, c := range strings.TrimSuffix(line, "\n") {
			if unicode.IsControl(c) {
				t.Fatalf("a control character in %q", line)
			}
		}
	}
	for _, bad := range []string{`\input{`, `\bad`, "\n---"} {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "%") && strings.Contains(line, bad) {
				t.Errorf("%s stands in %q", bad, line)
			}
		}
	}
	// The reader finds what it should.
	for _, broken := range []string{"{", "}", "$x", "a_b", `\begin{table}`, `\end{table}`, "\\begin{tabular}{@{}ll@{}}\na \\\\\n\\end{tabular}", "\\begin{tabular}{@{}l@{}}\na \\\\\n[b \\\\\n\\end{tabular}"} {
		if latexFaults(broken) == nil {
			t.Errorf("no fault in %q", broken)
		}
	}
}

// everyKind are results of each kind that is set as tables.
func everyKind() map[string]analysis.Result {
	curve := analysis.Curve{Meta: analysis.Meta{Method: "a curve"}, XName: "level", YName: "share", X: []float64{0, 1}, Series: []analysis.CurveSeries{
		{Name: "a", Y: []float64{0.5, 0.25}, Low: []float64{0.4, 0.2}, High: []float64{0.6, 0.3}}, {Name: "b", Y: []float64{1, math.NaN()}}}}
	matrix := analysis.Matrix{Meta: analysis.Meta{Method: "a matrix"}, Rows: analysis.Axis{Name: "layer", Labels: []string{"l.0", "l.1"}}, Cols: analysis.Axis{Name: "head"},
		Panels: []analysis.MatrixPanel{{Name: "p", Values: [][]float64{{1, 2}, {3, 4}}}, {Name: "q", Values: [][]float64{{5, 6}, {7, 8}}}}}
	bars := analysis.Bars{Meta: analysis.Meta{Method: "bars"}, XName: "nats", Bars: []analysis.Bar{{Name: "x", Values: []float64{1}, Error: 0.5}, {Name: "y", Values: []float64{2}}}}
	return map[string]analysis.Result{"table": hostile(), "curve": curve, "matrix": matrix, "bars": bars, "scores": explained().Scores, "explanation": explained(),
		"collection": analysis.Collection{Results: []analysis.Result{curve, analysis.Scatter{}, &matrix}}}
}

func TestEachKindOfResultIsSetAsTablesOrSaysWhyNot(t *testing.T) {
	rows := map[string][]string{
		"curve":      {`level & a [low, high] & b \\`, `0 & 0.500 [0.400, 0.600] & 1 \\`, `1 & 0.250 [0.200, 0.300] & -- \\`},
		"matrix":     {`a matrix, p}`, `layer & 0 & 1 \\`, `l.0 & 1 & 2 \\`, `a matrix, q}`, `l.1 & 7 & 8 \\`},
		"bars":       {`x & 1 & 0.500 \\`, `y & 2 & -- \\`},
		"scores":     {`region & object & value \\`, `0 & a \textquotedbl{}red\textquotedbl{}, round \#1 & `, `7 & `},
		"collection": {`level & a [low, high] & b \\`, `l.1 & 7 & 8 \\`},
		"table":      {`\begin{longtable}`},
	}
	for name, r := range everyKind() {
		text := latex(t, r)
		for _, want := range rows[name] {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s:\n%s", name, want, text)
			}
		}
		if faults := latexFaults(text); faults != nil {
			t.Errorf("%s: %s", name, faults[0])
		}
		if strings.Contains(text, "PAD") {
			t.Errorf("%s has padding", name)
		}
	}
	for _, r := range []analysis.Result{analysis.Scatter{}, analysis.Maps{}, analysis.Collection{}} {
		if err := figure.Write(&bytes.Buffer{}, "tex", r, figure.Options{}); !errors.Is(err, layout.ErrNoTable) || !strings.Contains(err.Error(), "take .csv") {
			t.Errorf("%T: %v", r, err)
		}
	}
	for _, kind := range analysis.Kinds() { // none is forgotten
		if _, err := layout.Tables(kind.Zero); everyKind()[kind.Name] == nil && !errors.Is(err, layout.ErrNoTable) {
			t.Errorf("%s is neither set as a table nor refused: %v", kind.Name, err)
		}
	}
}

// TestLaTeXSetsTheTables as a paper does.
func TestLaTeXSetsTheTables(t *testing.T) {
	program, err := exec.LookPath("pdflatex")
	testneed.Require(t, "latex", err == nil, "no pdflatex on the path (Debian: texlive-latex-recommended)")
	dir := t.TempDir()
	paper := "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs}\n\\usepackage{longtable}\n\\begin{document}\n"
	for name, r := range everyKind() {
		if err := figure.Save(filepath.Join(dir, name+".tex"), r, figure.Options{}); err != nil {
			t.Fatal(err)
		}
		paper += `\input{` + name + "}\n\\clearpage\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "paper.tex"), []byte(paper+"\\end{document}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-3000):])
	}
	if _, err := os.Stat(filepath.Join(dir, "paper.pdf")); err != nil {
		t.Error(err)
	}
}

package figure

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// This file writes results as LaTeX tables in the style of package booktabs, to be taken into a paper by \input. Numbers are
// rounded as in figures; .csv has all digits.

// latexWriter writes the tables of a result, see [layout.Tables].
func latexWriter(r analysis.Result, opt Options) (func(w io.Writer) error, error) {
	tables, err := layout.Tables(r)
	if err != nil {
		return nil, fmt.Errorf("%w: take .csv or .json", err)
	}
	for _, t := range tables {
		if err := checkTable(t); err != nil {
			return nil, err
		}
	}
	return func(w io.Writer) error {
		out := bufio.NewWriter(w)
		writeLaTeX(out, tables, opt)
		return out.Flush()
	}, nil
}

// anyLetter is defined in files that need it: LuaLaTeX and XeLaTeX set a letter of any script that their font has; pdfLaTeX, which
// stops at most of them, sets its number. Whoever loads a package for that script defines it before.
const anyLetter = `\providecommand\anyletter[2]{\ifdefined\Umathchar#1\else\texttt{#2}\fi}`

func writeLaTeX(w *bufio.Writer, tables []analysis.Table, opt Options) {
	var body strings.Builder
	long := false
	for _, t := range tables {
		body.WriteByte('\n')
		long = long || len(t.Rows) > tableRows
		latexTable(&body, t, opt)
	}
	w.WriteString("% \\usepackage[T1]{fontenc}\n% \\usepackage{booktabs}\n")
	if long {
		w.WriteString("% \\usepackage{longtable}\n")
	}
	if strings.Contains(body.String(), `\anyletter{`) {
		w.WriteString(anyLetter + "\n")
	}
	w.WriteString(body.String())
}

// latexTable writes one table: one that floats, or, of more rows than a page has, one that breaks.
func latexTable(w *strings.Builder, t analysis.Table, opt Options) {
	for _, f := range layout.Facts(t.Meta) {
		value := f.Value
		if f.Full != "" {
			value = f.Full
		}
		fmt.Fprintf(w, "%% %s: %s\n", oneLine(f.Name), oneLine(value))
	}
	laid := layout.NewTable(t, len(t.Rows))
	var columns strings.Builder
	var names []string
	for _, c := range laid.Columns {
		if c.Number {
			columns.WriteByte('r')
		} else {
			columns.WriteByte('l')
		}
		names = append(names, latexCell(c.Name, false))
	}
	caption := latexText(laid.Title)
	if from := layout.Provenance(t.Meta); from != "" && !opt.Bare {
		caption += ". " + latexText(from)
	}
	head := `\toprule` + "\n" + strings.Join(names, " & ") + ` \\` + "\n" + `\midrule` + "\n"
	var rows strings.Builder
	for i := range laid.Rows {
		for j, c := range laid.Columns {
			if j > 0 {
				rows.WriteString(" & ")
			}
			rows.WriteString(latexCell(c.Texts[i], c.Number))
		}
		rows.WriteString(" \\\\\n")
	}
	if laid.Rows > tableRows {
		fmt.Fprintf(w, "\\begin{longtable}{@{}%s@{}}\n\\caption{%s}\\\\\n%s\\endfirsthead\n%s\\endhead\n\\bottomrule\n\\endfoot\n%s\\end{longtable}\n", &columns, caption, head, head, &rows)
		return
	}
	fmt.Fprintf(w, "\\begin{table}\n\\centering\n\\caption{%s}\n\\begin{tabular}{@{}%s@{}}\n%s%s\\bottomrule\n\\end{tabular}\n\\end{table}\n", caption, &columns, head, &rows)
}

// power is a number with an exponent, as [layout.Number] writes it.
var power = regexp.MustCompile(`([0-9])e([+−]?)0*([0-9]+)`)

// latexCell is an entry of a table. A row that begins with a star or a bracket would be read as an option of the line break before
// it.
func latexCell(text string, number bool) string {
	s := ""
	if number {
		for at := power.FindStringSubmatchIndex(text); at != nil; at = power.FindStringSubmatchIndex(text) {
			sign := ""
			if text[at[4]:at[5]] == "−" {
				sign = "-"
			}
			s += latexText(text[:at[3]]) + `$\times10^{` + sign + text[at[6]:at[7]] + `}$`
			text = text[at[1]:]
		}
	}
	s += latexText(text)
	if strings.HasPrefix(s, "*") || strings.HasPrefix(s, "[") {
		s = "{" + s[:1] + "}" + s[1:]
	}
	return s
}

// latexSigns are characters that LaTeX reads as commands or sets as something else, and signs that it has commands for. Pairs of hyphens and
// commas are kept from becoming other signs: 0 stands between them.
var latexSigns = strings.NewReplacer(
	`\`, `\textbackslash{}`, `{`, `\{`, `}`, `\}`, `$`, `\$`, `&`, `\&`, `#`, `\#`, `%`, `\%`, `_`, `\_`, `^`, `\textasciicircum{}`, `~`, `\textasciitilde{}`,
	`<`, `\textless{}`, `>`, `\textgreater{}`, `|`, `\textbar{}`, `"`, `\textquotedbl{}`, "`", `\textasciigrave{}`, `'`, `\textquotesingle{}`, "\x00", `{}`, "?`", `?\textasciigrave{}`, "!`", `!\textasciigrave{}`,
	"−", `$-$`, "–", `--`, "—", `---`, "×", `$\times$`, "·", `$\cdot$`, "±", `$\pm$`, "°", `$^\circ$`, "…", `\dots{}`, "→", `$\rightarrow$`, "←", `$\leftarrow$`, "≤", `$\leq$`, "≥", `$\geq$`,
	"½", `$\frac12$`, "∞", `$\infty$`, "√", `$\surd$`, "²", `$^2$`, "³", `$^3$`, "α", `$\alpha$`, "β", `$\beta$`, "γ", `$\gamma$`, "δ", `$\delta$`, "Δ", `$\Delta$`, "λ", `$\lambda$`, "μ", `$\mu$`, "µ", `$\mu$`,
	"σ", `$\sigma$`, "Σ", `$\Sigma$`, "φ", `$\varphi$`, "ρ", `$\rho$`, "τ", `$\tau$`,
	"“", `\textquotedblleft{}`, "”", `\textquotedblright{}`, "‘", `\textquoteleft{}`, "’", `\textquoteright{}`, "\u00a0", "~", "\u202f", `\,`, "\u2009", `\,`,
)

// oneLine is a text without control characters, such as the end of a comment.
func oneLine(s string) string {
	return strings.ToValidUTF8(strings.Join(strings.FieldsFunc(s, unicode.IsControl), " "), "\ufffd")
}

// latexText is a text as LaTeX sets it: nothing in it is a command, and no line break ends it.
func latexText(s string) string {
	s = oneLine(s)
	for _, ligature := range []string{"--", ",,"} { // twice: the second of three begins a pair of its own
		for range 2 {
			s = strings.ReplaceAll(s, ligature, ligature[:1]+"\x00"+ligature[1:])
		}
	}
	var out strings.Builder
	for _, c := range latexSigns.Replace(s) {
		if c < unicode.MaxASCII || latinLetter(c) {
			out.WriteRune(c)
			continue
		}
		fmt.Fprintf(&out, `\anyletter{%c}{U+%04X}`, c, c)
	}
	return out.String()
}

// latinLetter says whether a letter is one that LaTeX itself knows in its encoding T1.
func latinLetter(c rune) bool {
	return unicode.Is(unicode.Latin, c) && c >= 0xC0 && c <= 0x17E && !strings.ContainsRune("ĦħĸĿŀŉŦŧ", c)
}

package cite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

func Example() {
	curve := analysis.Curve{Meta: analysis.Meta{
		Method: "head pruning", Target: "predicted answer", Unit: "probability", N: 640, Level: 0.95, Seed: 3, Features: "val2014_obj36.tsv",
		Params: map[string]string{"data": "minival"}, Notes: []string{"Ties go to the first."},
		Model: lxmert.Provenance{Weights: "BEST.pth", Hash: "sha256:12ab", Backend: "xla:cpu", DType: "float32", Version: "v0.1.0",
			Sizes: "9 language, 5 object-relationship and 5 cross-modality layers of 12 heads, 768 wide", Libraries: "GoMLX v0.28.8, PJRT API 0.81"},
	}}
	fmt.Print(Of([]analysis.Result{curve}))
	// Output:
	// head pruning; of predicted answer; unit probability; n = 640; 95 % intervals; seed 3; data = minival
	// Ties go to the first.
	// weights BEST.pth; hash sha256:12ab; 9 language, 5 object-relationship and 5 cross-modality layers of 12 heads, 768 wide; computed by xla:cpu float32; with golxmert v0.1.0; with GoMLX v0.28.8, PJRT API 0.81
	// features of regions: val2014_obj36.tsv
	//
	// Cite as \cite{golxmert,tan2019lxmert,michel2019sixteen}.
	//
	// @misc{golxmert,
	//   author = {{The golxmert authors}},
	//   title = {golxmert: {LXMERT} in {Go}},
	//   howpublished = {\url{https://github.com/seed-516990b0/golxmert}},
	//   note = {Version v0.1.0},
	// }
	//
	// @inproceedings{tan2019lxmert,
	//   author = {Tan, Hao and Bansal, Mohit},
	//   title = {{LXMERT}: Learning Cross-Modality Encoder Representations from Transformers},
	//   booktitle = {Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing and the 9th International Joint Conference on Natural Language Processing (EMNLP-IJCNLP)},
	//   year = {2019}
	// }
	//
	// @inproceedings{michel2019sixteen,
	//   author = {Michel, Paul and Levy, Omer and Neubig, Graham},
	//   title = {Are Sixteen Heads Really Better than One?},
	//   booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
	//   year = {2019}
	// }
}

// entry is a BibTeX entry as it was read.
type entry struct {
	kind, key string
	fields    map[string]string
}

// parse reads entries as BibTeX does, and fails on whatever BibTeX warns of: braces that do not match, keys and fields that come twice.
func parse(text string) (entries []entry, err error) {
	seen := map[string]bool{}
	for {
		at := strings.IndexByte(text, '@')
		if at < 0 {
			return entries, nil
		}
		head := regexp.MustCompile(`^@([a-z]+)\{([A-Za-z0-9]+),\s*`).FindStringSubmatch(text[at:])
		if head == nil {
			return nil, fmt.Errorf("not the begin of an entry: %.40q", text[at:])
		}
		e := entry{head[1], head[2], map[string]string{}}
		if seen[e.key] {
			return nil, fmt.Errorf("%s comes twice", e.key)
		}
		seen[e.key] = true
		text = text[at+len(head[0]):]
		for !strings.HasPrefix(text, "}") {
			name := regexp.MustCompile(`^([a-z]+) = \{`).FindStringSubmatch(text)
			if name == nil {
				return nil, fmt.Errorf("%s: not a field: %.40q", e.key, text)
			}
			text = text[len(name[0]):]
			depth, end := 1, 0
			for ; end < len(text) && depth > 0; end++ {
				switch {
				case text[end] == '{':
					depth++
				case text[end] == '}':
					depth--
				}
			}
			if depth > 0 || e.fields[name[1]] != "" {
				return nil, fmt.Errorf("%s: the field %s does not end, or comes twice", e.key, name[1])
			}
			e.fields[name[1]] = text[:end-1]
			rest := regexp.MustCompile(`^(,\s*|\s*)`).FindString(text[end:])
			if text = text[end+len(rest):]; !strings.Contains(rest, ",") && !strings.HasPrefix(text, "}") {
				return nil, fmt.Errorf("%s: no comma after %s", e.key, name[1])
			}
		}
		entries = append(entries, e)
	}
}

// plain is a text of BibTeX as it is printed.
func plain(s string) string {
	for accent, letter := range map[string]string{`{\v{n}}`: "ň", `{\'a}`: "á", `{\v{s}}`: "š", `{\v{S}}`: "Š", `{\'y}`: "ý", `{\'e}`: "é", `{\'o}`: "ó"} {
		s = strings.ReplaceAll(s, accent, letter)
	}
	return strings.NewReplacer("{", "", "}", "", `\&`, "&").Replace(s)
}

func TestEntriesAreBibTeXWithAllThatAPaperPrints(t *testing.T) {
	entries, err := parse(references)
	if err != nil {
		t.Fatal(err)
	}
	need := map[string][]string{"inproceedings": {"author", "title", "booktitle", "year"}, "article": {"author", "title", "journal", "volume", "pages", "year"}, "misc": {"author", "title", "howpublished", "year"}}
	var used []string
	for _, m := range methods() {
		used = append(used, m.keys...)
	}
	for _, e := range entries {
		for _, field := range need[e.kind] {
			if e.fields[field] == "" {
				t.Errorf("%s has no %s", e.key, field)
			}
		}
		first, _, _ := strings.Cut(plain(e.fields["author"]), ",")
		if ascii := regexp.MustCompile(`[^a-z]`).ReplaceAllString(strings.NewReplacer("ň", "n", "á", "a").Replace(strings.ToLower(first)), ""); need[e.kind] == nil || !strings.HasPrefix(e.key, ascii+e.fields["year"]) {
			t.Errorf("%s is a %s of %s, %s", e.key, e.kind, first, e.fields["year"])
		}
		if !slices.Contains(used, e.key) {
			t.Errorf("no method uses %s", e.key)
		}
		if again, err := parse(Entries()[e.key]); err != nil || len(again) != 1 || again[0].key != e.key {
			t.Errorf("%s is cut out as %v, %v", e.key, again, err)
		}
	}
	if len(Entries()) != len(entries) {
		t.Errorf("%d entries are cut out of %d", len(Entries()), len(entries))
	}
	for _, broken := range []string{"@misc{a,\n title = {b}\n", "@misc{a,\n title = {b\n}\n", "@misc{a b}", "@misc{a,\n title = {b} year = {c}\n}", "@misc{a,\n}@misc{a,\n}"} {
		if _, err := parse(broken); err == nil {
			t.Errorf("nothing is wrong with %q", broken)
		}
	}
}

// TestEachPageNamesItsReferences: authors and years of the entries are those of the page about the method, or of the pages that it
// links, and a page that names a year has entries.
func TestEachPageNamesItsReferences(t *testing.T) {
	entries, err := parse(references)
	if err != nil {
		t.Fatal(err)
	}
	byKey, keys := map[string]entry{}, map[string][]string{}
	for _, e := range entries {
		byKey[e.key] = e
	}
	for _, m := range methods() {
		keys[m.page] = append(keys[m.page], m.keys...)
	}
	read := func(path string) string {
		raw, err := os.ReadFile(filepath.Join("..", "methods", path))
		if err != nil {
			t.Error(err)
		}
		return string(raw)
	}
	source := func(page string) string {
		_, text, _ := strings.Cut(read(page+".md"), "## Formula and source\n")
		text, _, _ = strings.Cut(text, "\n## ")
		return text
	}
	for page, list := range keys {
		text := ""
		if strings.HasPrefix(page, "..") {
			text = read(page + "/doc.go")
		} else {
			text = source(page)
		}
		if year := regexp.MustCompile(`\b(19|20)\d\d\b`).FindString(text); year != "" && len(list) == 0 {
			t.Errorf("%s names something of %s and has no references", page, year)
		}
		for _, link := range regexp.MustCompile(`\(([a-z-]+)\.md\)`).FindAllStringSubmatch(text, -1) {
			text += source(link[1])
		}
		for _, key := range list {
			e, ok := byKey[key]
			if !ok {
				t.Errorf("%s: there is no entry %s", page, key)
				continue
			}
			first, _, _ := strings.Cut(plain(e.fields["author"]), ",")
			if !strings.Contains(text, first) || !strings.Contains(text, e.fields["year"]) {
				t.Errorf("%s names neither %s nor %s", page, first, e.fields["year"])
			}
		}
	}
	pages, err := filepath.Glob("../methods/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(len(pages), err)
	}
	for _, p := range pages {
		if _, ok := keys[strings.TrimSuffix(filepath.Base(p), ".md")]; !ok {
			t.Errorf("%s is no method's", p)
		}
	}
}

// known says whether the table has a method, with references or without.
func known(name string) bool {
	return slices.ContainsFunc(methods(), func(m method) bool { return slices.Contains(m.names, name) })
}

func TestEveryMethodOfCommandsIsKnown(t *testing.T) {
	for _, g := range sweep.Groups() {
		for _, m := range g.Methods {
			if !known(m[0]) {
				t.Errorf("lxmert analyze %s has no place in the table", m[0])
			}
		}
	}
	for _, s := range suite.Suites() {
		if s.Name != "pairs" && s.Name != "retrieval" && !known(s.Name) { // which are nobody's
			t.Errorf("lxmert suite %s has no place in the table", s.Name)
		}
	}
}

// TestResultsSayTheirMethod as the table knows it, so that nobody has to name it.
func TestResultsSayTheirMethod(t *testing.T) {
	lxrttest.EachAnalysis(t, backendtest.Open(t, "go"), func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		for _, m := range relevance.Methods() {
			scores, err := m.Run(t.Context(), eng, b, analysis.Predicted())
			if err != nil {
				t.Fatal(err)
			}
			c := Of([]analysis.Result{scores[0]})
			if want := keysOf(m.Name, true); !slices.Equal(c.Keys[2:], want) {
				t.Errorf("%q, which is %s, has the references %q, the table says %q", scores[0].Method, m.Name, c.Keys[2:], want)
			}
			if last := c.Said[len(c.Said)-1]; !strings.Contains(last, "layers of") || !strings.Contains(last, "hash ") || !strings.Contains(last, eng.Config().Sizes()) {
				t.Errorf("%s is computed with %q", m.Name, last)
			}
		}
	})
}

func TestSeveralResultsAreCitedOnce(t *testing.T) {
	model := lxmert.Provenance{Weights: "a@b.pth", Version: "v1{}@x"}
	table := analysis.Table{Meta: analysis.Meta{Method: "hit rate", Model: model}, Columns: []string{"method", "hit rate"}, Rows: [][]any{{"relevance", 0.5}, {"ig", 0.25}, {"random", 0.125}}}
	scores := analysis.Scores{Meta: analysis.Meta{Method: "bi-modal relevance", Model: model, Notes: []string{"mail me@here\n@misc{x,"}}}
	c := Of([]analysis.Result{analysis.Collection{Results: []analysis.Result{table, &scores}}, scores}, "looks", "no such method")
	if want := []string{"golxmert", "tan2019lxmert", "chefer2021generic", "sundararajan2017axiomatic", "hessel2020does", "gat2021perceptual", "parcalabescu2023mmshap", "castro2009polynomial", "mitchell2022sampling"}; !slices.Equal(c.Keys, want) {
		t.Errorf("%q", c.Keys)
	}
	if n := strings.Count(strings.Join(c.Said, "\n"), "weights a@b.pth"); n != 1 {
		t.Errorf("the model is named %d times", n)
	}
	if entries, err := parse(c.String()); err != nil || len(entries) != len(c.Keys) {
		t.Errorf("%d entries, %v:\n%s", len(entries), err, c)
	}
}

func TestBibTeXReadsTheEntries(t *testing.T) {
	program, err := exec.LookPath("bibtex")
	testneed.Require(t, "latex", err == nil, "no bibtex on the path (Debian: texlive-latex-recommended)")
	dir := t.TempDir()
	var names []string
	for _, m := range methods() {
		names = append(names, m.names...)
	}
	table := analysis.Table{Meta: analysis.Meta{Method: "suite and probe: interaction", Notes: []string{"@ is nothing"}}}
	for name, text := range map[string]string{
		"all.bib": references, "cited.bib": Of([]analysis.Result{table}, names...).String(),
		"all.aux": "\\citation{*}\n\\bibstyle{plain}\n\\bibdata{all}\n", "cited.aux": "\\citation{*}\n\\bibstyle{plain}\n\\bibdata{cited}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"all", "cited"} {
		cmd := exec.Command(program, name)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "Warning") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if made, err := os.ReadFile(filepath.Join(dir, name+".bbl")); err != nil || strings.Count(string(made), `\bibitem`) < len(Entries()) {
			t.Errorf("%s: %v, %d of %d entries", name, err, strings.Count(string(made), `\bibitem`), len(Entries()))
		}
	}
}

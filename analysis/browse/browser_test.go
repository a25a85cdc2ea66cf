package browse_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/browse"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
)

func TestMain(m *testing.M) { os.Exit(testbrowser.Main(m)) }

const (
	many     = 10_000
	hostile  = `Is <img src=x onerror=alert(1)> "it" & 'that'?</script><script>document.title='gone'</script>`
	umlauts  = "Wie groß ist das Schaf über der Wiese – 東京?"
	pictures = 40
)

// sample is many examples about a few pictures in dir. Every number is known: the probability of example i is (i*7919 % many)/many,
// no two alike, its answer one of four in turn, and of its words and regions number i % 5 is the largest.
func sample(t testing.TB, dir string) *browse.Listing {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	l := &browse.Listing{Title: "val.json: 10,000 examples", Methods: []string{"relevance", "attention"}, Pictures: map[string]*browse.Picture{},
		Meta: analysis.Meta{Method: "examples of a data set", N: many}, Ask: browse.Asking("BEST", "val_obj36.tsv", dir)}
	for p := range pictures {
		m := image.NewNRGBA(image.Rect(0, 0, 160, 120))
		shade := color.NRGBA{uint8(40 + 5*p), uint8(200 - 4*p), 120, 255}
		for y := range 120 {
			for x := range 160 {
				m.SetNRGBA(x, y, shade)
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("p%d.png", p)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
		known := &browse.Picture{Width: 160, Height: 120}
		for v := range 5 {
			x, y := 10+40*v, 20+rng.IntN(100)
			known.Boxes = append(known.Boxes, byte(x), byte(y), byte(x+50), byte(y+80))
			known.Objects = append(known.Objects, []string{"circle", "square", "star", "sheep", "tree"}[v])
		}
		l.Pictures[fmt.Sprintf("p%d", p)] = known
	}
	probability := browse.Column{Name: "probability"}
	answer := browse.Column{Name: "answer"}
	right := browse.Column{Name: "right"}
	for i := range many {
		e := browse.Example{ID: fmt.Sprint(100000 + i), Text: fmt.Sprintf("what colour is sheep %d?", i), Images: []string{fmt.Sprintf("p%d", i%pictures)}}
		switch i {
		case 17:
			e.Text = hostile
		case 18:
			e.Text = umlauts
		}
		for k := range 5 {
			e.Spans = append(e.Spans, 2*k, 2*k+2)
		}
		for range l.Methods {
			r := sweep.Result{}
			for k := range 5 {
				x := 0.1 * float64(k+1)
				if k == i%5 {
					x = 2
				}
				if k == 0 {
					x = -x
				}
				r.Words, r.Regions = append(r.Words, x), append(r.Regions, x)
			}
			e.Scores = append(e.Scores, []sweep.Result{r})
		}
		l.Examples = append(l.Examples, e)
		probability.Numbers = append(probability.Numbers, float64(i*7919%many)/many)
		answer.Texts = append(answer.Texts, []string{"red", "Blau", "green", "äpfel"}[i%4])
		x := float64(i % 2)
		if i%100 == 99 {
			x = math.NaN()
		}
		right.Numbers = append(right.Numbers, x)
	}
	for k := range 5 {
		if at := l.Examples[18].Spans[2*k : 2*k+2]; true { // within letters of several bytes a span would cut one
			at[0], at[1] = []int{0, 4, 10, 14, 18}[k], []int{3, 9, 13, 17, 23}[k]
		}
	}
	l.Columns = []browse.Column{answer, probability, right}
	return l
}

// saved is a page of a listing in a folder.
func saved(t testing.TB, l *browse.Listing, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "examples.html")
	if _, err := browse.Save(context.Background(), path, l, browse.Options{Images: dir}); err != nil {
		t.Fatal(err)
	}
	return path
}

// tab is a page of examples in the browser.
type tab struct{ *testbrowser.Tab }

func opened(t *testing.T, how testbrowser.Look) *tab {
	t.Helper()
	dir := t.TempDir()
	return &tab{testbrowser.Visit(t, saved(t, sample(t, dir), dir), how)}
}

func (p *tab) count(selector string) int {
	p.T.Helper()
	return testbrowser.Eval[int](p.Tab, `document.querySelectorAll(%s).length`, selector)
}

// column is what the rows in the tree show in a column, counted from the left, from the top row on.
func (p *tab) column(k int) []string {
	p.T.Helper()
	return testbrowser.Eval[[]string](p.Tab, `[...document.querySelectorAll('.lxb-rows .lxb-row')].map(r => r.children[%s].textContent)`, k)
}

func (p *tab) expect(what string, got, want any) {
	p.T.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.T.Errorf("%s: %v, want %v", what, got, want)
	}
}

// here is the row that one is at.
func (p *tab) here() string {
	p.T.Helper()
	return testbrowser.Eval[string](p.Tab, `(document.querySelector('.lxb-here') || {children: [0, {textContent: ''}]}).children[1].textContent`)
}

func TestOnlyTheRowsInSightAreInTheTree(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.expect("status", p.Text(".lxb-status"), "10,000 examples")
	p.expect("rows", p.Text(".lxb-list") != "", true)
	window := testbrowser.Eval[int](p.Tab, `Math.ceil(document.querySelector('.lxb-list').clientHeight / 56)`)
	for _, at := range []int{0, 5000, many - 1} {
		p.Do(chromedp.Evaluate(fmt.Sprintf(`document.querySelector('.lxb-list').scrollTop = %d * 56`, at), nil))
		p.Becomes("scrolled", "title", "val.json: 10,000 examples")
		p.wait(fmt.Sprintf("row %d is drawn", at), `[...document.querySelectorAll('.lxb-rows .lxb-row')].some(r => r.dataset.at === '%d')`, at)
		if n := p.count(".lxb-rows .lxb-row"); n > window+2*6+2 {
			t.Errorf("at %d there are %d rows in the tree, the window shows %d", at, n, window)
		}
	}
	p.expect("rows that there are", testbrowser.Eval[string](p.Tab, `document.querySelector('.lxb-list').getAttribute('aria-rowcount')`), many+1)
	p.expect("number of the last", testbrowser.Eval[string](p.Tab, `[...document.querySelectorAll('.lxb-rows .lxb-row')].at(-1).getAttribute('aria-rowindex')`), many+1)
	p.expect("thumbnails in the tree", p.count(".lxb-rows img"), p.count(".lxb-rows .lxb-row"))
}

// wait waits until an expression is true.
func (p *tab) wait(what, expression string, args ...any) {
	p.T.Helper()
	p.Do(chromedp.Poll(fmt.Sprintf(expression, args...), nil))
}

func TestSortingFilteringAndSearchingFindWhatTheyShould(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.Click(".lxb-head [role=columnheader]:nth-child(5) button") // probability
	p.expect("smallest probabilities", p.column(4)[:3], []string{"0", "0.0001", "0.0002"})
	p.expect("it says so", testbrowser.Eval[string](p.Tab, `document.querySelectorAll('[role=columnheader]')[4].getAttribute('aria-sort')`), "ascending")
	p.Click(".lxb-head [role=columnheader]:nth-child(5) button")
	p.expect("largest probabilities", p.column(4)[:3], []string{"0.9999", "0.9998", "0.9997"})
	p.Click(".lxb-head [role=columnheader]:nth-child(4) button") // answer: letters that are alike but for case and accents stand together
	p.expect("first answer", p.column(3)[0], "äpfel")
	p.Press(kb.End) // the button has the keyboard, not the list
	p.Do(testbrowser.Focus(".lxb-list"))
	p.Press(kb.End)
	p.expect("last answer", p.column(3)[len(p.column(3))-1], "red")

	p.Click(".lxb-head [role=columnheader]:nth-child(6) button") // right, of which some know nothing: they come last both ways
	for range 2 {
		p.Do(testbrowser.Focus(".lxb-list"))
		p.Press(kb.End)
		p.expect("without a number, last", p.column(5)[len(p.column(5))-1], "")
		p.Click(".lxb-head [role=columnheader]:nth-child(6) button")
	}

	p.Choose(".lxb-filter select", "answer")
	p.Choose(".lxb-filter .lxb-filter select", "Blau (2,500)")
	p.expect("one answer", p.Text(".lxb-status"), "2,500 of 10,000 examples")
	for _, text := range p.column(3) {
		p.expect("answers", text, "Blau")
	}
	p.Click("[data-lxb=add]")
	p.Choose(".lxb-filters > .lxb-filter:last-child > select", "probability")
	p.typed(".lxb-filters > .lxb-filter:last-child input[placeholder=from]", "0.5")
	p.typed(".lxb-filters > .lxb-filter:last-child input[placeholder=to]", "0.6")
	want := 0
	for i := range many {
		if x := float64(i*7919%many) / many; i%4 == 1 && x >= 0.5 && x <= 0.6 {
			want++
		}
	}
	p.expect("and a range", p.Text(".lxb-status"), fmt.Sprintf("%d of 10,000 examples", want))
	p.typed("[data-lxb=search]", "SHEEP 77")
	found := 0
	for i := range many {
		if x := float64(i*7919%many) / many; i%4 == 1 && x >= 0.5 && x <= 0.6 && strings.Contains(fmt.Sprintf("%d what colour is sheep %d? p%d Blau", 100000+i, i, i%pictures), "77") {
			found++
		}
	}
	p.expect("and words", p.Text(".lxb-status"), fmt.Sprintf("%d of 10,000 examples", found))
	p.Click("[data-lxb=all]")
	p.expect("all again", p.Text(".lxb-status"), "10,000 examples")

	for query, id := range map[string]string{"GROSS schaf uber": "100018", "東京": "100018", "<img onerror": "100017", "104321": "104321"} {
		p.typed("[data-lxb=search]", query)
		p.expect(query, p.column(1), []string{id})
	}
	p.typed("[data-lxb=search]", "zebra")
	p.expect("nothing", p.Text(".lxb-none"), "No example fits. “Show all” takes search and filters away.")
	p.expect("nothing, counted", p.Text(".lxb-status"), "0 of 10,000 examples")
	p.Keep("browse-none", false)
}

// typed puts a text into a field, as typing does.
func (p *tab) typed(selector, text string) {
	p.T.Helper()
	testbrowser.Eval[bool](p.Tab, `(() => { const e = document.querySelector(%s); e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true})); return true; })()`, selector, text)
}

// slash presses the key as a keyboard does: whoever takes it keeps it from being written.
func (p *tab) slash() {
	p.T.Helper()
	p.Do(input.DispatchKeyEvent(input.KeyDown).WithKey("/").WithText("/"), input.DispatchKeyEvent(input.KeyUp).WithKey("/"))
}

func TestTheKeyboardDoesEverything(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.expect("at first", p.here(), "100000")
	p.Press(kb.ArrowDown, kb.ArrowDown, kb.ArrowUp)
	p.expect("after arrows", p.here(), "100001")
	p.expect("the list says where one is", testbrowser.Eval[bool](p.Tab, `document.getElementById(document.querySelector('.lxb-list').getAttribute('aria-activedescendant')).matches('.lxb-here[aria-selected=true]')`), true)
	p.Press(kb.End)
	p.expect("at the end", p.here(), "109999")
	p.Press(kb.ArrowDown)
	p.expect("there it ends", p.here(), "109999")
	p.Press(kb.Home, kb.Enter)
	p.expect("it is open", p.Text(".lxb-panel h2"), "what colour is sheep 0?")
	p.Press(kb.ArrowDown)
	p.expect("the next one is", p.Text(".lxb-panel h2"), "what colour is sheep 1?")
	p.Press(kb.Escape)
	p.expect("it is closed", p.count(".lxb-panel[hidden]"), 1)
	p.slash()
	p.expect("searching", testbrowser.Eval[string](p.Tab, `document.activeElement.dataset.lxb`), "search")
	p.Press("s", "h", "e", "e", "p", " ", "9", "9", "9", "9", kb.Enter)
	p.expect("found", p.column(1), []string{"109999"})
	p.expect("the list has the keyboard", testbrowser.Eval[bool](p.Tab, `document.activeElement.classList.contains('lxb-list')`), true)
	p.slash()
	p.Press(kb.Escape)
	p.expect("the search is gone", p.Text(".lxb-status"), "10,000 examples")
	p.expect("one is where one was", p.here(), "109999")
	outline := testbrowser.Eval[string](p.Tab, `getComputedStyle(document.querySelector('.lxb-list')).outlineStyle`)
	p.expect("focus is seen", outline, "solid")
}

func TestAnExampleIsExplained(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.typed("[data-lxb=search]", "100003")
	p.Click(".lxb-rows .lxb-row")
	p.expect("region that is largest", testbrowser.Eval[string](p.Tab, `[...document.querySelectorAll('.lxb-panel rect')].at(-1).textContent`), "region 3 sheep, 2")
	p.expect("regions", p.count(".lxb-panel rect"), 5)
	p.expect("a negative one is blue", testbrowser.Eval[int](p.Tab, `[...document.querySelectorAll('.lxb-panel rect')].filter(r => r.getAttribute('fill') === '#0072b2').length`), 1)
	p.expect("words", p.count(".lxb-panel mark"), 5)
	p.expect("word that is largest", testbrowser.Eval[string](p.Tab, `document.querySelectorAll('.lxb-panel mark')[3].title`), "2")
	p.expect("the largest, in words", strings.Contains(p.Text(".lxb-known"), "region 3 sheep 2, region 4 tree 0.5, region 2 star 0.3, region 1 square 0.2, region 0 circle −0.094"), true)
	p.Choose("[data-lxb=method]", "attention")
	p.expect("the other method", p.count(".lxb-panel rect"), 5)
	command := p.Text(".lxb-command")
	for _, part := range []string{"lxmert ask --load BEST --regions val_obj36.tsv --images ", "--explain --image p3 --out ", "/100003.html 'what colour is sheep 3?'"} {
		if !strings.Contains(command, part) {
			t.Errorf("the command is %s, and lacks %s", command, part)
		}
	}
	p.Keep("browse-open", false)
	// Words are found in letters of several bytes, too.
	p.typed("[data-lxb=search]", "100018")
	p.Click(".lxb-rows .lxb-row")
	p.expect("words of many letters", testbrowser.Eval[[]string](p.Tab, `[...document.querySelectorAll('.lxb-panel mark')].map(m => m.textContent)`), []string{"Wie", "groß", "ist", "das", "Schaf"})
}

func TestWhatExamplesSayIsShownAsText(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.typed("[data-lxb=search]", "100017")
	p.Click(".lxb-rows .lxb-row")
	p.expect("in the list", p.column(2), []string{hostile})
	p.expect("in the panel", p.Text(".lxb-panel h2"), hostile)
	p.expect("the page is itself", p.Text("title"), "val.json: 10,000 examples")
	p.expect("elements that it would have made", p.count("img[src=x]"), 0)
	if command := p.Text(".lxb-command"); !strings.HasSuffix(command, ` 'Is <img src=x onerror=alert(1)> "it" & '\''that'\''?</script><script>document.title='\''gone'\''</script>'`) {
		t.Errorf("a shell would read %s", command)
	}
}

func TestAnAddressNamesAnExample(t *testing.T) {
	dir := t.TempDir()
	path := saved(t, sample(t, dir), dir)
	p := &tab{testbrowser.Visit(t, path, testbrowser.Look{})}
	p.Do(chromedp.Evaluate(`location.hash = '#107000'`, nil))
	p.Becomes("an address", ".lxb-panel h2", "what colour is sheep 7000?")
	p.expect("one is there", p.here(), "107000")
}

func TestThePageIsSeenInEveryLight(t *testing.T) {
	for _, how := range []testbrowser.Look{{}, {Dark: true}, {Width: 420, Height: 800}, {Width: 420, Height: 800, Dark: true}} {
		p := opened(t, how)
		name := fmt.Sprintf("browse-%d-%v", how.Width, how.Dark)
		p.Keep(name, false)
		p.expect(name+" is too wide by", testbrowser.Eval[int](p.Tab, `document.documentElement.scrollWidth - document.documentElement.clientWidth`), 0)
		ink, paper := testbrowser.Eval[string](p.Tab, `getComputedStyle(document.querySelector('.lxr-main')).color`), testbrowser.Eval[string](p.Tab, `getComputedStyle(document.querySelector('.lxr-main')).backgroundColor`)
		if dark := paper != "rgb(255, 255, 255)"; dark != how.Dark {
			t.Errorf("%s: %s on %s", name, ink, paper)
		}
		const aligned = `[...document.querySelector('.lxb-head .lxb-row').children].every((h, k) => Math.abs(h.getBoundingClientRect().left - document.querySelector('.lxb-rows .lxb-row').children[k].getBoundingClientRect().left) < 1)`
		p.expect(name+": heads stand above their columns", testbrowser.Eval[bool](p.Tab, aligned), true)
		p.Click(".lxb-rows .lxb-row")
		p.expect(name+": heads stand above their columns beside an example", testbrowser.Eval[bool](p.Tab, aligned), true)
		p.Keep(name+"-open", false)
		covers := testbrowser.Eval[bool](p.Tab, `document.querySelector('.lxb-panel').contains(document.activeElement)`)
		p.expect(name+": what covers the list has the keyboard", covers, how.Width == 420)
		p.Press(kb.Escape)
		p.expect(name+" is closed", p.count(".lxb-panel[hidden]"), 1)
		p.Click(".lxr-theme-button")
		p.expect(name+": the other light", testbrowser.Eval[string](p.Tab, `getComputedStyle(document.querySelector('.lxr-main')).backgroundColor`) == paper, false)
	}
}

func TestPaperHasTheFirstRowsOfTheView(t *testing.T) {
	p := opened(t, testbrowser.Look{})
	p.typed("[data-lxb=search]", "sheep 99")
	var pdf []byte
	p.Do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().Do(ctx)
		return err
	}))
	if !strings.HasPrefix(string(pdf), "%PDF") {
		t.Fatal("nothing was printed")
	}
	testbrowser.Eval[bool](p.Tab, `(dispatchEvent(new Event('beforeprint')), true)`)
	found := 0
	for i := range many {
		if i != 18 && strings.Contains(fmt.Sprintf("%d %d", 100000+i, i), "99") {
			found++
		}
	}
	p.expect("caption", p.Text(".lxb-paper caption"), fmt.Sprintf("The first %d of %d examples", min(200, found), found))
	p.expect("rows", p.count(".lxb-paper tr"), 1+min(200, found))
	testbrowser.Eval[bool](p.Tab, `(dispatchEvent(new Event('afterprint')), true)`)
	p.expect("rows afterwards", p.count(".lxb-paper tr"), 0)
}

func TestWithoutScriptsTheFirstRowsAreATable(t *testing.T) {
	p := opened(t, testbrowser.Look{Mute: true})
	p.Do(chromedp.WaitVisible("noscript table", chromedp.ByQuery))
	p.Keep("browse-mute", false)
}

func TestAPageOfNothingSaysSo(t *testing.T) {
	dir := t.TempDir()
	p := &tab{testbrowser.Visit(t, saved(t, &browse.Listing{Title: "nothing", Columns: []browse.Column{{Name: "answer", Texts: []string{}}, {Name: "right", Numbers: []float64{}}}}, dir), testbrowser.Look{})}
	p.expect("rows", p.Text(".lxb-none"), "There are no examples.")
	p.Press(kb.ArrowDown, kb.Enter)
	p.expect("columns", p.count("[role=columnheader]"), 4)
}

func TestTwoListsOnOnePageLeaveEachOtherAlone(t *testing.T) {
	dir := t.TempDir()
	var html strings.Builder
	html.WriteString("<!doctype html><meta charset=utf-8><link rel=icon href=data:,>")
	for _, n := range []int{3, 5} {
		l := sample(t, dir)
		l.Examples = l.Examples[:n]
		for c := range l.Columns {
			l.Columns[c].Numbers, l.Columns[c].Texts = cut(l.Columns[c].Numbers, n), cut(l.Columns[c].Texts, n)
		}
		l.Total = 0
		if _, err := browse.Write(context.Background(), &html, l, browse.Options{Fragment: true}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "both.html")
	if err := os.WriteFile(path, []byte(html.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &tab{testbrowser.Visit(t, path, testbrowser.Look{})}
	p.expect("rows", testbrowser.Eval[[]int](p.Tab, `[...document.querySelectorAll('.lxb-rows')].map(r => r.querySelectorAll('.lxb-row').length)`), []int{3, 5})
	ids := testbrowser.Eval[[]string](p.Tab, `[...document.querySelectorAll('.lxb-row[id]')].map(r => r.id)`)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 8 {
		t.Errorf("rows are called %v", ids)
	}
}

// TestColumnsWhoseNamesBeginAlikeAreToldApart: their headings show the whole names of what methods measure.
func TestColumnsWhoseNamesBeginAlikeAreToldApart(t *testing.T) {
	dir := t.TempDir()
	l := sample(t, dir)
	for _, what := range []string{"share right", "confidence", "confidence after temperature"} {
		l.Columns = append(l.Columns, browse.Column{Name: "calibration: answer, softmax of its logits: " + what, Numbers: l.Columns[1].Numbers})
	}
	p := &tab{testbrowser.Visit(t, saved(t, l, dir), testbrowser.Look{})}
	p.expect("columns", p.count("[role=columnheader]"), 9)
	p.expect("names that are cut off", testbrowser.Eval[int](p.Tab, `[...document.querySelectorAll('.lxb-sort')].filter(e => e.scrollHeight > e.clientHeight + 1).length`), 0)
	p.Keep("long-names", false)
}

// TestInANotebookWhatSaysMoreIsALineForACell, which Go reads as it was meant whatever the question contains.
func TestInANotebookWhatSaysMoreIsALineForACell(t *testing.T) {
	dir := t.TempDir()
	var html strings.Builder
	html.WriteString("<!doctype html><meta charset=utf-8><link rel=icon href=data:,>")
	l := sample(t, dir)
	l.Examples[1].Images = []string{"p0", "p1"}
	l.Examples[1].Scores = nil
	l.Examples[19].Text = "a \"back\\slash\",\ttwo\nlines, \u2028 and a byte order mark \ufeff?"
	if _, err := browse.Write(context.Background(), &html, l, browse.Options{Fragment: true}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cell.html")
	if err := os.WriteFile(path, []byte(html.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &tab{testbrowser.Visit(t, path, testbrowser.Look{})}
	for i, function := range map[int]string{1: "lx.ExplainPictures", 17: "lx.Explain", 18: "lx.Explain", 19: "lx.Explain"} {
		e := l.Examples[i]
		testbrowser.Eval[bool](p.Tab, fmt.Sprintf(`(() => { const search = document.querySelector('[data-lxb=search]'); search.value = '%s'; search.oninput(); document.querySelector('.lxb-row[id]').click(); return true; })()`, e.ID))
		line, err := parser.ParseExpr(p.Text(".lxb-command"))
		if err != nil {
			t.Fatalf("%s: %v", p.Text(".lxb-command"), err)
		}
		explain, _ := line.(*ast.CallExpr).Args[0].(*ast.CallExpr)
		asked := explain.Args[0].(*ast.CallExpr)
		var words []string
		for _, arg := range asked.Args[1:] {
			word, err := strconv.Unquote(arg.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			words = append(words, word)
		}
		p.expect("the question and its pictures", words, append([]string{e.Text}, e.Images...))
		p.expect("what explains it", types.ExprString(explain.Fun), function)
	}
}

func cut[T any](list []T, n int) []T {
	if list == nil {
		return nil
	}
	return list[:n]
}

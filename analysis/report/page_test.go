package report_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// wide is how much a page is wider than its window.
func (p *tab) wide() int {
	p.T.Helper()
	return eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

func TestNoPageIsWiderThanItsWindow(t *testing.T) {
	example, run := sampleTab(t, look{}), visit(t, saved(t, sampleRun(t.TempDir()).page(), report.Options{}), look{})
	example.Click(".lxr-overview summary")
	example.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
	example.Click(circle)
	pair := visit(t, saved(t, besideEachOther(t), report.Options{}), look{Dark: true})
	for _, width := range []int{1280, 768, 400} {
		for name, p := range map[string]*tab{"example": example, "run": run, "beside": pair} {
			p.Do(testbrowser.Size(width, 900))
			p.expect(fmt.Sprintf("%s at %d, too wide by", name, width), p.wide(), 0)
			p.Keep(fmt.Sprintf("%s-%d", name, width), true)
		}
	}
}

// besideEachOther is one question in two models.
func besideEachOther(t *testing.T) analysis.Collection {
	t.Helper()
	x := sample(t.TempDir())
	x.Maps = livelyMaps(x.Scores.Boxes)
	y := x
	x.Scores.Method, y.Scores.Method = "before: "+x.Scores.Method, "after: "+y.Scores.Method
	y.Scores.Regions = slices.Clone(y.Scores.Regions)
	slices.Reverse(y.Scores.Regions)
	pair := analysis.Collection{Title: "before: red, after: blue", Results: []analysis.Result{x, y}}
	table := analysis.Table{Columns: []string{"measure", "value"}, Rows: [][]any{{"answers that changed", 0.5}}}
	return analysis.Collection{Title: "Two models", Results: []analysis.Result{table, pair}}
}

// TestExamplesStandSideBySide where the window is wide enough, each with controls of its own.
func TestExamplesStandSideBySide(t *testing.T) {
	p := visit(t, saved(t, besideEachOther(t), report.Options{}), look{Width: 1280, Height: 900})
	place := func(i int, side string) float64 {
		return eval[float64](p, fmt.Sprintf(`document.querySelectorAll('section.lxr')[%d].getBoundingClientRect().%s`, i, side))
	}
	if place(0, "right") > place(1, "left") || place(0, "top") != place(1, "top") {
		t.Errorf("the first ends at %g, the second begins at %g; their tops are %g and %g", place(0, "right"), place(1, "left"), place(0, "top"), place(1, "top"))
	}
	p.expect("names", eval[string](p, `[...document.querySelectorAll('section.lxr h3')].map(h => h.textContent.split(':')[0]).join()`), "before,after")
	p.Do(testbrowser.Size(700, 900))
	if place(0, "bottom") > place(1, "top") {
		t.Errorf("in a narrow window the first ends at %g, the second begins at %g", place(0, "bottom"), place(1, "top"))
	}
	p.expect("looks chosen in the second after a choice in the first", eval[string](p, `(() => {
		const views = [...document.querySelectorAll('[data-lxr=view]')];
		views[0].value = '1';
		views[0].onchange();
		return views.map(v => v.value).join();
	})()`), "1,0")
}

// faint lists the texts whose contrast with what is behind them is below the 4.5 that WCAG asks for.
const faint = `(() => {
	const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
	const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
	const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = e => {
		const stack = [];
		for (; e; e = e.parentElement) stack.push(parse(getComputedStyle(e).backgroundColor));
		return stack.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
	};
	const bad = [];
	for (const e of document.querySelectorAll('h1,h2,p,dt,dd,button,select,label,figcaption,summary,.lxr-label,.lxr-number,.lxr-legend span,th,td,a')) {
		if (!e.textContent.trim() || !e.checkVisibility()) continue;
		const ground = behind(e), ink = parse(getComputedStyle(e).color);
		ink[3] *= +getComputedStyle(e).opacity;
		const a = light(over(ink, ground)), b = light(ground), contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) bad.push(e.textContent.trim().slice(0, 30) + ' ' + contrast.toFixed(1));
	}
	return bad;
})()`

func TestDarkAndLightAreReadable(t *testing.T) {
	const paper = `getComputedStyle(document.documentElement).backgroundColor`
	light, dark := "rgb(255, 255, 255)", "rgb(21, 23, 26)"
	for name, r := range map[string]analysis.Result{"example": sample(t.TempDir()), "run": sampleRun(t.TempDir()).page()} {
		file := saved(t, r, report.Options{})
		p, mute := visit(t, file, look{}), visit(t, file, look{Mute: true})
		for _, night := range []bool{false, true} {
			p.Do(testbrowser.Prefer(night))
			mute.Do(testbrowser.Prefer(night))
			first, second, button := light, dark, "Dark"
			if night {
				first, second, button = dark, light, "Light"
			}
			for q, kind := range map[*tab]string{p: "scripts", mute: "no scripts"} {
				q.expect("paper, "+kind, eval[string](q, paper), first)
				q.expect("faint texts, "+kind, eval[[]string](q, faint), []string{})
				q.Keep(fmt.Sprintf("%s, %s, dark=%v", name, kind, night), true)
			}
			p.Becomes("button", ".lxr-theme-button", button)
			if night {
				p.Click(".lxr-theme-button")
				p.expect("paper after a click", eval[string](p, paper), second)
				p.expect("faint texts after a click", eval[[]string](p, faint), []string{})
				p.Click(".lxr-theme-button")
				p.expect("paper after two clicks", eval[string](p, paper), first)
			}
		}
	}
}

func TestWithoutScriptsThePageSaysTheSame(t *testing.T) {
	p := sampleTab(t, look{Mute: true})
	p.Keep("mute", true)
	p.expect("controls in sight", eval[int](p, `[...document.querySelectorAll('.lxr-live, button, select')].filter(e => e.checkVisibility()).length`), 0)
	p.expect("strongest region", eval[string](p, `[...document.querySelectorAll('.lxr-plates text')].map(e => e.textContent).sort().at(-1)`), "0.62 circle")
	p.expect("numbers", p.numbers()[2], "0.31")
	static := p.Text(".lxr-legend")
	live := sampleTab(t, look{})
	p.expect("legend", static, live.Text(".lxr-legend"))
	p.expect("numbers", p.numbers(), live.numbers())
	p.expect("labels", len(p.plates()), len(live.plates()))
}

func TestTheSavedFigureIsAFileOfItsOwn(t *testing.T) {
	for _, dark := range []bool{false, true} {
		dir := t.TempDir()
		p := sampleTab(t, look{Dark: dark})
		p.onlyHead(3)
		p.Click(circle)
		done := make(chan string, 1)
		chromedp.ListenBrowser(p.Context, func(event any) {
			if e, ok := event.(*browser.EventDownloadProgress); ok && e.State != browser.DownloadProgressStateInProgress {
				done <- string(e.State)
			}
		})
		p.Downloads(dir)
		p.Click("[data-lxr=save]")
		select {
		case state := <-done:
			p.expect("download", state, "completed")
		case <-p.Context.Done():
			t.Fatal("nothing was saved")
		}
		path := filepath.Join(dir, "what-colour-is-the-unbelievable-circle-left-of-the-square.svg")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		elements := map[string]int{}
		for d := xml.NewDecoder(strings.NewReader(string(raw))); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok {
				elements[e.Name.Local]++
			}
		}
		p.expect("pictures", elements["image"], 1)
		p.expect("scripts", elements["script"], 0)
		for _, want := range []string{"50\u00a0% background 14", "method bi-modal", ">unbelievable<", "bi-modal relevance", "x.4.ti, head 3", "sha256:0123", "data:image/jpeg"} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("the figure lacks %s", want)
			}
		}
		q := visit(t, path, look{}) // a browser shows it, in black on white
		p.expect("paper", eval[string](q, `document.querySelector('rect').getAttribute('fill')`), "#fff")
		q.Keep(fmt.Sprintf("saved dark=%v", dark), true)
	}
}

func TestAReportOfARunLeadsToItsParts(t *testing.T) {
	p := visit(t, saved(t, sampleRun(t.TempDir()).page(), report.Options{}), look{})
	p.expect("entries", eval[int](p, `document.querySelectorAll('.lxr-index a').length`), 5)
	p.expect("dead entries", eval[int](p, `[...document.querySelectorAll('.lxr-index a')].filter(a => !document.querySelector(a.hash)).length`), 0)
	p.expect("open examples", eval[int](p, `document.querySelectorAll('details.lxr-part[open]').length`), 1)
	p.Click(".lxr-index li:nth-child(5) a")
	p.Do(chromedp.WaitReady("#example-2 section.lxr[data-live]", chromedp.ByQuery))
	p.Hover("#example-2 " + circle)
	second := func() string {
		return eval[string](p, `document.querySelector('#example-2 section').dataset.shows`)
	}
	p.expect("second example", second(), "x.4.ti, mean of 12 heads")
	p.expect("first example", p.shows(), "bi-modal relevance")
	p.expect("labels have their width", eval[bool](p, `[...document.querySelectorAll('#example-2 .lxr-plates rect')].every(e => e.getAttribute('width') > 40)`), true)
	p.Keep("run-second", false)
}

// TestARowLeadsToTheExampleThatItIsAbout by a click, by the keyboard and by the page's address, on a page and in a notebook.
func TestARowLeadsToTheExampleThatItIsAbout(t *testing.T) {
	first, second := sample(t.TempDir()), sample(t.TempDir())
	second.Scores.Method = "another method"
	table := analysis.Table{Columns: []string{"id", "n"}, Rows: [][]any{{"a", 1}, {"b", 2}, {"c", 3}}, Examples: []int{2, 0, 1}}
	table.Method = "the hardest"
	c := analysis.Collection{Title: "rows", Results: []analysis.Result{table, first, second}}
	path := saved(t, c, report.Options{})
	p := visit(t, path, look{})
	p.expect("links", eval[[]string](p, `[...document.querySelectorAll('td a')].map(a => a.textContent + a.hash)`), []string{"a#example-2", "c#example-1"})
	open := func(p *tab) []bool {
		return eval[[]bool](p, `[...document.querySelectorAll('details.lxr-part')].map(e => e.open)`)
	}
	p.expect("open at first", open(p), []bool{true, false})
	p.Click("td a")
	p.Do(chromedp.WaitReady("#example-2 section.lxr[data-live]", chromedp.ByQuery))
	p.expect("open after a click", open(p), []bool{true, true})
	p.expect("seen", eval[bool](p, `(r => r.top < innerHeight && r.bottom > 0)(document.querySelector('#example-2').getBoundingClientRect())`), true)
	p.expect("address", eval[string](p, `location.hash`), "#example-2")

	p.Do(chromedp.Reload())
	p.expect("open by the page's address", open(p), []bool{true, true})

	n := visit(t, notebook(t, false, c), look{})
	n.Do(testbrowser.Focus("td a"))
	n.Press(kb.Enter)
	n.Do(chromedp.WaitReady("details:nth-of-type(2) section.lxr[data-live]", chromedp.ByQuery))
	n.expect("open in a notebook", open(n), []bool{true, true})
	n.expect("the notebook's address", eval[string](n, `location.hash`), "")

	for _, wrong := range [][]int{{1, 2}, {3, 0, 0}, {-1, 0, 0}} {
		table.Examples = wrong
		if err := report.Write(io.Discard, analysis.Collection{Results: []analysis.Result{table, first, second}}, report.Options{}); !errors.Is(err, report.ErrResult) {
			t.Errorf("rows about the examples %v: %v", wrong, err)
		}
	}
}

func TestOddReportsAreQuiet(t *testing.T) {
	x := sample(t.TempDir())
	picture, sentence := x.Scores, x.Scores
	picture.Words, picture.Text = nil, lxmert.Words{}
	sentence.Regions, sentence.Boxes = nil, nil
	long := sample(t.TempDir())
	long.Scores.Text.Pieces = append([]string{}, long.Scores.Text.Pieces...)
	long.Scores.Text.Pieces[2] = strings.Repeat("donaudampfschifffahrt", 8)
	long.Scores.Text.Start = nil
	only := func(names ...string) map[string]lxmert.Tensor {
		maps := map[string]lxmert.Tensor{}
		for _, name := range names {
			maps[name] = x.Maps[name]
		}
		return maps
	}
	for name, r := range map[string]analysis.Result{
		"a picture alone":    picture,
		"a sentence alone":   sentence,
		"maps alone":         analysis.Explanation{Maps: x.Maps},
		"maps of nothing":    analysis.Explanation{Maps: only("x.0.ti")},
		"one direction":      analysis.Explanation{Scores: x.Scores, Maps: only("x.0.it")},
		"one tower":          analysis.Explanation{Scores: x.Scores, Maps: only("l.3.tt")},
		"nothing":            analysis.Explanation{},
		"words without ends": long,
	} {
		p := visit(t, saved(t, r, report.Options{}), look{Width: 400, Height: 800})
		p.expect(name+", examples at work", eval[int](p, `document.querySelectorAll('section.lxr[data-live]').length`), 1)
		p.expect(name+", too wide by", p.wide(), 0)
		for _, at := range []string{"[data-word='1']", "[data-region='1'] .lxr-box", ".lxr-matrix rect[data-cell='1,1']"} {
			if eval[bool](p, `!!document.querySelector(%s)`, at) {
				p.Hover(at)
			}
		}
		if eval[bool](p, `document.querySelector('.lxr-overview').checkVisibility()`) {
			p.Click(".lxr-overview summary")
			p.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
		}
		p.Click("[data-lxr=save]")
		p.Keep("odd, "+name, true)
	}
}

// notebook is a page like that of JupyterLab, with its own style sheet for what cells put out.
func notebook(t *testing.T, dark bool, reports ...analysis.Result) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Notebook</title><style>
body{margin:0;background:%s;color:%s;font:14px system-ui}
.out{box-sizing:border-box;margin:8px 0 8px 80px;padding:4px 8px;font-size:14px;line-height:20px}
.out p{margin:0 0 1em;text-align:left}.out h1,.out h2{line-height:1;font-weight:400;margin:1em 0 .5em}.out h2{font-size:1.7em}
.out ol,.out ul{padding-left:2em}.out dl{margin:1em}.out dt{float:none}.out img,.out svg{max-width:100%%;height:auto}
.out table{border-collapse:collapse;border:none;font-size:12px;table-layout:fixed;margin:0 auto 1em;width:auto}
.out td,.out th{text-align:right;vertical-align:middle;padding:.5em;line-height:normal;white-space:normal;max-width:none;border:none}
.out tr:nth-child(even){background:rgba(128,128,128,.15)}.out a{color:teal}
</style><body data-jp-theme-light="%v">`, map[bool]string{false: "#fff", true: "#111"}[dark], map[bool]string{false: "#212121", true: "#e0e0e0"}[dark], !dark)
	for _, r := range reports {
		b.WriteString(`<div class="out">` + written(t, r, report.Options{Fragment: true}) + `</div>`)
	}
	file := filepath.Join(t.TempDir(), "notebook.html")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReportsInANotebookDoNotDisturbEachOther(t *testing.T) {
	other := sample(t.TempDir())
	other.Scores.Method = "another method"
	p := visit(t, notebook(t, false, sample(t.TempDir()), other, sampleRun(t.TempDir()).page()), look{})
	shows := func() []string {
		return eval[[]string](p, `[...document.querySelectorAll('section.lxr')].map(e => e.dataset.shows || '')`)
	}
	p.expect("at first", shows(), []string{"bi-modal relevance", "another method", "bi-modal relevance", ""})
	p.Hover(".out:nth-of-type(2) " + circle)
	p.expect("pointing in the second", shows(), []string{"bi-modal relevance", "x.4.ti, mean of 12 heads", "bi-modal relevance", ""})
	p.Click(".out:nth-of-type(1) [data-lxr=no-heads]")
	p.Hover(".out:nth-of-type(2) " + circle)
	p.expect("heads of the first", shows()[1], "x.4.ti, mean of 12 heads")
	p.Click(".out:nth-of-type(1) .lxr-theme-button")
	p.expect("papers", eval[[]string](p, `[...document.querySelectorAll('.lxr-main')].map(e => getComputedStyle(e).backgroundColor)`),
		[]string{"rgb(21, 23, 26)", "rgb(255, 255, 255)", "rgb(255, 255, 255)"})
	p.expect("names that occur twice", eval[[]string](p, `(ids => ids.filter((e, i) => ids.indexOf(e) !== i))([...document.querySelectorAll('[id]')].map(e => e.id))`), []string{})
	p.expect("names left in the window", eval[[]string](p, `['Example', 'Maps', 'Matrix', 'POSITIVE', 'draw', 'save'].filter(n => n in window)`), []string{})
	p.Do(testbrowser.Focus(".out:nth-of-type(3) .lxr-index li:nth-child(5) a"))
	p.Press(kb.Enter)
	p.Do(chromedp.WaitReady(".out:nth-of-type(3) details:nth-of-type(2) section[data-live]", chromedp.ByQuery))
	p.expect("address", eval[string](p, `location.hash`), "")
	p.expect("notebook, too wide by", p.wide(), 0)
}

func TestReportsTakeTheColoursOfTheirNotebook(t *testing.T) {
	for _, dark := range []bool{false, true} {
		p := visit(t, notebook(t, dark, sampleRun(t.TempDir()).page()), look{Dark: !dark}) // the notebook knows better than the system
		want := map[bool]string{false: "rgb(255, 255, 255)", true: "rgb(21, 23, 26)"}[dark]
		p.expect("paper", eval[string](p, `getComputedStyle(document.querySelector('.lxr-main')).backgroundColor`), want)
		p.expect("button", p.Text(".lxr-theme-button"), map[bool]string{false: "Dark", true: "Light"}[dark])
		p.expect("faint texts", eval[[]string](p, faint), []string{})
		p.Hover(circle)
		p.Keep(fmt.Sprintf("notebook dark=%v", dark), true)
	}
}

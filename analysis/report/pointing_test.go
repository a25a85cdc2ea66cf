package report_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
)

// What the sample's maps hold is said at sample. Words of the page are whole ones: "circle" is the 6th from 0, at
// position 7; "unbelievable" is the 5th, at positions 5 and 6.
const (
	unbelievable = "[data-word='5']"
	circle       = "[data-word='6']"
)

// shows is what the page says it shows: a method's name, or a map and its heads.
func (p *tab) shows() string {
	p.T.Helper()
	return eval[string](p, `document.querySelector('section.lxr').dataset.shows`)
}

// plates are the labels on the picture, strongest first.
func (p *tab) plates() []string {
	p.T.Helper()
	return eval[[]string](p, `[...document.querySelectorAll('.lxr-plates text')].map(e => e.textContent.replaceAll('\u00a0', ' '))`)
}

// numbers stand under the words.
func (p *tab) numbers() []string {
	p.T.Helper()
	return eval[[]string](p, `[...document.querySelectorAll('.lxr-number')].map(e => e.textContent.replaceAll('\u00a0', ' '))`)
}

// onlyHead leaves one head of the sample's chosen.
func (p *tab) onlyHead(h int) {
	p.T.Helper()
	p.Click("[data-lxr=no-heads]")
	p.Click(fmt.Sprintf("[data-head='%d']", h))
}

func (p *tab) expect(what string, got, want any) {
	p.T.Helper()
	if !reflect.DeepEqual(got, want) {
		p.T.Errorf("%s: %v, expected %v", what, got, want)
	}
}

func TestPointingAtAWordShowsItsRegionsAndBack(t *testing.T) {
	p := sampleTab(t, look{})
	p.expect("at first", p.shows(), "bi-modal relevance")
	p.expect("at first", p.plates()[0], "0.62 circle")
	p.Keep("light", true)
	p.onlyHead(3)

	p.Hover(circle)
	p.expect("map", p.shows(), "x.4.ti, head 3")
	p.expect("region of circle", p.plates(), []string{"50 % background 14"}) // no label for what has less than an even share
	p.expect("words have no share", strings.Join(p.numbers(), ""), "")
	if text := p.Text(".lxr-status"); !strings.Contains(text, "“circle” has 0.24 by bi-modal relevance") ||
		!strings.Contains(text, "Looks most at background 14 (50 %)") || !strings.Contains(text, " x.4.ti, head 3; evenly spread: 2.8 % each.") {
		t.Errorf("status: %s", text)
	}
	p.Keep("hover-word", false)
	p.Hover(unbelievable) // the mean of its pieces
	p.expect("regions of unbelievable", p.plates(), []string{"26 % background 12", "26 % background 13"})

	p.Hover("[data-region='2'] .lxr-box")
	p.expect("map", p.shows(), "x.4.it, head 3")
	want := strings.Fields("3.8% 3.8% 3.8% 3.8% 3.8% 7.7% 3.8% 3.8% 50% 3.8% 3.8% 3.8% 3.8%") // pieces add up
	for i := range want {
		want[i] = strings.Replace(want[i], "%", " %", 1)
	}
	p.expect("words of the triangle", p.numbers(), want)
	p.expect("regions have no share", len(p.plates()), 0)
	p.Keep("hover-region", false)

	p.Leave()
	p.expect("in the end", p.shows(), "bi-modal relevance")
}

func TestDirectionTurnsRowsIntoColumns(t *testing.T) {
	p := sampleTab(t, look{})
	p.onlyHead(0)
	p.Choose("[data-lxr=direction]", "what looks at it")
	p.Hover(circle) // position 7 is looked at by regions j with (j+4) % 14 = 7
	p.expect("map", p.shows(), "x.4.it, head 0")
	p.expect("who looks at circle", p.plates(), []string{"50 % star", "50 % background 17", "50 % background 31"})
	p.Hover("[data-region='2'] .lxr-box") // region 2 is looked at by no word: (w+4) % 36 = 2 has none below 14
	p.expect("map", p.shows(), "x.4.ti, head 0")
	p.expect("who looks at region 2", p.numbers()[0], "1.4 %")
}

func TestEveryMapCanBeReached(t *testing.T) {
	p := sampleTab(t, look{})
	found := map[string]bool{}
	for _, view := range []string{"words ↔ regions", "words → words", "regions → regions"} {
		p.Choose("[data-lxr=view]", view)
		p.Do(testbrowser.Focus("[data-lxr=layer]"))
		p.Press(kb.Home)
		for range eval[int](p, `+document.querySelector('[data-lxr=layer]').max + 1`) {
			for _, at := range []string{circle, "[data-region='0'] .lxr-box"} {
				p.Hover(at)
				name, heads, ok := strings.Cut(p.shows(), ", ")
				if ok && heads == "mean of 12 heads" {
					found[name] = true
				}
			}
			p.Press(kb.ArrowRight)
		}
	}
	for name := range sampleMaps() {
		if !found[name] {
			t.Errorf("%s cannot be reached", name)
		}
	}
	p.expect("maps", len(found), 34)
}

func TestLayersChangeWhatIsShown(t *testing.T) {
	p := sampleTab(t, look{})
	p.onlyHead(3)
	p.Do(testbrowser.Focus("[data-lxr=layer]"))
	p.Press(kb.ArrowLeft)
	p.expect("layer", p.Text("[data-lxr=layer-name]"), "x.3 (cross)")
	p.Hover(circle)
	p.expect("map", p.shows(), "x.3.ti, head 3")
	p.expect("region of circle", p.plates()[0], "50 % background 13")
	p.Leave()
	p.Choose("[data-lxr=view]", "words → words")
	p.expect("layer", p.Text("[data-lxr=layer-name]"), "x.4 (cross)")
	p.Do(testbrowser.Focus("[data-lxr=layer]"))
	p.Press(kb.Home)
	p.expect("layer", p.Text("[data-lxr=layer-name]"), "l.0 (language)")
	p.Hover(circle) // position 7 of l.0 looks at 10
	p.expect("map", p.shows(), "l.0.tt, head 3")
	p.expect("words of circle", p.numbers()[9], "50 %")
}

func TestHeadsAreChosenOneByOneAllOrNone(t *testing.T) {
	p := sampleTab(t, look{})
	p.Click(circle) // stays while the pointer goes to the controls
	p.expect("all", p.shows(), "x.4.ti, mean of 12 heads")
	p.Click("[data-lxr=no-heads]")
	p.expect("none", p.shows(), "")
	if text := p.Text(".lxr-status"); !strings.Contains(text, "No head is chosen") {
		t.Errorf("status: %s", text)
	}
	p.expect("none", len(p.plates()), 0)
	p.Click("[data-head='5']")
	p.expect("one", p.shows(), "x.4.ti, head 5")
	p.expect("one", p.plates()[0], "50 % background 16")
	p.Click("[data-head='6']")
	p.expect("two", p.shows(), "x.4.ti, mean of 2 heads")
	p.expect("two", p.plates(), []string{"26 % background 16", "26 % background 17"})
	p.Click("[data-lxr=all-heads]")
	p.expect("all again", p.shows(), "x.4.ti, mean of 12 heads")
}

func TestTheKeyboardDoesWhatThePointerDoes(t *testing.T) {
	p := sampleTab(t, look{})
	at := func() string {
		return eval[string](p, `(e => e.dataset.word ? 'word ' + e.dataset.word : e.dataset.region ? 'region ' + e.dataset.region : '')(document.activeElement)`)
	}
	tab := func(kind string) {
		t.Helper()
		for range 40 {
			p.Press(kb.Tab)
			if strings.HasPrefix(at(), kind) {
				return
			}
		}
		t.Fatalf("no Tab leads to a %s", kind)
	}
	pressed := func() int { return eval[int](p, `document.querySelectorAll('[aria-pressed=true]').length`) }

	tab("region")
	p.expect("first region", at(), "region 0")
	p.expect("map", p.shows(), "x.4.it, mean of 12 heads")
	p.Press(kb.ArrowLeft) // round the corner
	p.expect("last region", at(), "region 35")
	p.Press(kb.Home)
	p.expect("first region", at(), "region 0")
	tab("word")
	p.expect("first word", at(), "word 0")
	p.Press(kb.ArrowRight, kb.ArrowRight, kb.ArrowDown, kb.ArrowUp)
	p.expect("third word", at(), "word 2")
	p.expect("map", p.shows(), "x.4.ti, mean of 12 heads")
	p.Keep("keyboard", false)
	p.Press(kb.Enter)
	p.expect("kept", pressed(), 1)
	p.Hover(circle)
	if text := p.Text(".lxr-status"); !strings.HasPrefix(text, "“colour”") {
		t.Errorf("the pointer took over from what is kept: %s", text)
	}
	p.Press(kb.Escape)
	p.expect("let go", pressed(), 0)
	p.expect("let go", p.shows(), "bi-modal relevance")
	p.Press(kb.End)
	p.expect("last word", at(), "word 12")
	p.Press(" ")
	p.expect("kept by Space", pressed(), 1)
	p.Press(" ")
	p.expect("let go by Space", pressed(), 0)
	p.Press(kb.Tab)
	if strings.HasPrefix(at(), "word") {
		t.Error("Tab goes through every word")
	}
}

func TestMethodsAreChosen(t *testing.T) {
	p := sampleTab(t, look{})
	p.Choose("[data-lxr=method]", "integrated gradients")
	p.expect("method", p.shows(), "integrated gradients")
	p.expect("[SEP] and colour", []string{p.numbers()[12], p.numbers()[2]}, []string{"0.30", "0.21"})
	p.expect("less than nothing", p.numbers()[0], "−0.08")
	p.expect("strongest region", p.plates()[0], "0.60 circle")
	p.expect("not a number", eval[string](p, `document.querySelector("[data-region='5']").getAttribute('aria-label')`), "background 5, not defined")
	if legend := p.Text(".lxr-legend"); !strings.Contains(legend, "orange for and blue against") || !strings.Contains(legend, "words −0.21") || !strings.Contains(legend, "not defined") {
		t.Errorf("legend: %s", legend)
	}
	if facts := p.Text(".lxr-facts"); !strings.Contains(facts, "integrated gradients") || !strings.Contains(facts, "logit") {
		t.Errorf("facts: %s", facts)
	}
	p.Keep("method", false)
	p.Choose("[data-lxr=method]", "joint rollout") // without numbers of words
	p.expect("words", strings.Join(p.numbers(), ""), "")
	p.expect("strongest region", p.plates()[0], "0.62 circle")
}

func TestTheMatrixSaysWhoLooksAtWhom(t *testing.T) {
	p := sampleTab(t, look{})
	p.onlyHead(3)
	if text := p.Text(".lxr-matrix figcaption"); text != "x.4.ti, head 3: words (rows) look at regions (columns). Shares after softmax: each row sums to 100 %." {
		t.Errorf("caption: %s", text)
	}
	p.expect("cells", eval[int](p, `document.querySelectorAll('.lxr-matrix rect[shape-rendering]').length`), 13*nRegions+48)
	// Row 6 is circle: of its cells that of region 14 is the one with full colour.
	cell := ".lxr-matrix rect[data-cell='6,14']"
	p.expect("full colour", eval[string](p, `document.querySelector(%s).getAttribute('fill-opacity')`, cell), "1.000")
	p.Hover(cell)
	if text := p.Text(".lxr-status"); !strings.HasPrefix(text, "“circle” looks at background 14 (50 %); most at background 14 (50 %), ") {
		t.Errorf("status: %s", text)
	}
	p.expect("map", p.shows(), "x.4.ti, head 3")
	p.Keep("matrix", false)
	p.Hover(".lxr-matrix rect[data-cell='6,2']")
	p.expect("regions of the cell", p.plates(), []string{"50 % background 14", "1.4 % triangle"}) // below an even share, but pointed at
	p.Hover("[data-region='2'] .lxr-box")
	if text := p.Text(".lxr-matrix figcaption"); !strings.HasPrefix(text, "x.4.it, head 3: regions (columns) look at words (rows).") || !strings.Contains(text, "each column sums to 100 %") {
		t.Errorf("caption: %s", text)
	}
	p.Choose("[data-lxr=direction]", "what looks at it")
	p.Hover("[data-region='2'] .lxr-box")
	if text := p.Text(".lxr-matrix figcaption"); !strings.HasPrefix(text, "x.4.ti") {
		t.Errorf("caption: %s", text)
	}
	p.Choose("[data-lxr=view]", "regions → regions")
	p.Keep("regions", true)
	p.Hover(".lxr-matrix rect[data-cell='2,9']")
	if text := p.Text(".lxr-status"); !strings.HasPrefix(text, "Region background 9 is looked at by triangle (50 %); most by triangle (50 %), ") {
		t.Errorf("status: %s", text)
	}
}

func TestSpecialPiecesDoNotSetTheScaleOfAttention(t *testing.T) {
	x := sample(t.TempDir())
	m := x.Maps["x.4.tt"] // every word looks at [SEP], a little at "circle"
	for i := range m.Data {
		m.Data[i] = map[int]float32{nWords - 1: 0.9, 7: 0.1}[i%nWords]
	}
	p := visit(t, saved(t, x, report.Options{}), look{})
	p.Choose("[data-lxr=view]", "words → words")
	p.Choose("[data-lxr=scale]", "of this map")
	p.Hover("[data-word='2']")
	width := func(word int) string {
		return eval[string](p, `document.querySelector('[data-word="'+%s+'"] .lxr-bar').style.width`, word)
	}
	p.expect("bars of circle, [SEP] and what", []string{width(6), width(12), width(1)}, []string{"100%", "100%", "0%"})
	p.expect("numbers", []string{p.numbers()[6], p.numbers()[12]}, []string{"10 %", "90 %"})
	p.expect("cell of circle", eval[string](p, `document.querySelector(".lxr-matrix rect[data-cell='2,6']").getAttribute('fill-opacity')`), "1.000")
	p.expect("cell of [SEP]", eval[string](p, `document.querySelector(".lxr-matrix rect[data-cell='2,12']").getAttribute('fill')`), "#808080")
}

func TestEvenAndEmptyMapsAreNoTrouble(t *testing.T) {
	x := sample(t.TempDir())
	for name, m := range x.Maps {
		for i := range m.Data {
			m.Data[i] = 0
			if strings.HasSuffix(name, "ti") {
				m.Data[i] = 1.0 / nRegions
			}
		}
	}
	p := visit(t, saved(t, x, report.Options{}), look{})
	p.Hover(circle)
	p.expect("an even row", len(p.plates()), 0)
	if text := p.Text(".lxr-status"); !strings.Contains(text, "Looks most at circle (2.8 %), square (2.8 %)") {
		t.Errorf("status: %s", text)
	}
	p.Hover("[data-region='2'] .lxr-box")
	p.expect("a row of nothing", p.numbers()[0], "0 %")
	if text := eval[string](p, `[...document.querySelectorAll('section.lxr :not(script)')].map(e => e.cloneNode().outerHTML + e.textContent).join()`); strings.Contains(text, "NaN") || strings.Contains(text, "Infinity") {
		t.Error("a number is none")
	}
}

func TestTheOverviewLeadsToEachHead(t *testing.T) {
	p := sampleTab(t, look{})
	p.expect("title", p.Text(".lxr-overview summary"), "All heads: 34 maps × 12 heads")
	p.Click(".lxr-overview summary")
	p.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
	p.expect("maps", eval[int](p, `document.querySelectorAll('.lxr-strip canvas').length`), 34)
	x, y := p.Point("[data-map='x.2.it']")
	width := eval[float64](p, `document.querySelector("[data-map='x.2.it']").getBoundingClientRect().width`)
	p.ClickAt(x-width/2+width*7.5/12, y)
	if text := p.Text(".lxr-overview output"); !strings.HasPrefix(text, "x.2.it, head 7: regions look at words, at most 50 %") {
		t.Errorf("status: %s", text)
	}
	p.expect("layer", p.Text("[data-lxr=layer-name]"), "x.2 (cross)")
	if text := p.Text(".lxr-matrix figcaption"); !strings.HasPrefix(text, "x.2.it, head 7: regions (columns) look at words (rows).") {
		t.Errorf("caption: %s", text)
	}
	p.expect("heads", eval[int](p, `document.querySelectorAll('[data-head]:checked').length`), 1)
	p.Keep("overview", true)
	p.Do(testbrowser.Focus(".lxr-grid"))
	p.Press(kb.ArrowDown, kb.ArrowRight, kb.Enter)
	if text := p.Text(".lxr-matrix figcaption"); !strings.HasPrefix(text, "x.3.it, head 8:") {
		t.Errorf("caption: %s", text)
	}
}

func TestPointingMovesNothing(t *testing.T) {
	p := sampleTab(t, look{})
	place := func() string {
		return eval[string](p, `JSON.stringify([...document.querySelectorAll('.lxr-word, .lxr-picture, .lxr-controls, .lxr-matrix')].map(e => {
			const r = e.getBoundingClientRect();
			return [r.x, r.y, r.width, r.height];
		}))`)
	}
	before := place()
	for _, at := range []string{circle, "[data-region='2'] .lxr-box", "[data-word='0']"} {
		p.Hover(at)
		p.expect("places when pointing at "+at, place(), before)
	}
}

func TestAWordLeadsToWhatItNames(t *testing.T) {
	x := sample(t.TempDir())
	x.Maps = livelyMaps(x.Scores.Boxes)
	p := visit(t, saved(t, x, report.Options{TopK: 3}), look{Width: 1200, Height: 900})
	p.Click(".lxr-overview summary")
	p.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
	p.Click(circle)
	if best := p.plates()[0]; !strings.HasSuffix(best, "% circle") {
		t.Errorf("circle looks most at %s", best)
	}
	p.Keep("report", true)
	p.Press(kb.Escape)
	p.Click("[data-word='10']")
	if best := p.plates()[0]; !strings.HasSuffix(best, "% square") {
		t.Errorf("square looks most at %s", best)
	}
}

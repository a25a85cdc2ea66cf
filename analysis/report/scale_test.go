package report_test

import (
	"github.com/seed-516990b0/golxmert/internal/testbrowser"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-516990b0/golxmert/analysis/report"
)

func TestTheSliderFollowsTheMouse(t *testing.T) {
	p := sampleTab(t, look{})
	p.Click(circle)
	at := eval[[]float64](p, `(r => [r.left, r.width, r.top + r.height / 2])(document.querySelector('[data-lxr=layer]').getBoundingClientRect())`)
	left, width, y := at[0], at[1], at[2]
	mouse := func(kind input.MouseType, share float64) {
		t.Helper()
		p.Do(chromedp.MouseEvent(kind, left+8+share*(width-16), y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	mouse(input.MousePressed, 1) // the knob stands at the last of five layers
	for _, step := range []struct {
		share float64
		layer string
	}{{0.75, "x.3"}, {0.5, "x.2"}, {0.02, "x.0"}, {0.25, "x.1"}} {
		mouse(input.MouseMoved, step.share)
		p.expect("layer while dragging", p.Text("[data-lxr=layer-name]"), step.layer+" (cross)")
		p.expect("map while dragging", p.shows(), step.layer+".ti, mean of 12 heads")
	}
	mouse(input.MouseReleased, 0.25)
	p.Click("[data-lxr=layer]") // its middle
	p.expect("layer after a click", p.Text("[data-lxr=layer-name]"), "x.2 (cross)")
}

// strength is how much colour a cell of the matrix has.
func (p *tab) strength(cell string) string {
	p.T.Helper()
	return eval[string](p, `document.querySelector('.lxr-matrix rect[data-cell="'+%s+'"]').getAttribute('fill-opacity')`, cell)
}

func TestLayersHaveOneScale(t *testing.T) {
	x := sample(t.TempDir())
	m := x.Maps["x.3.ti"] // an even layer beside sharp ones
	for i := range m.Data {
		m.Data[i] = 1.0 / nRegions
	}
	p := visit(t, saved(t, x, report.Options{}), look{})
	p.onlyHead(3)
	p.Click(circle)
	ends := func() string { return p.Text(".lxr-matrix svg text:last-of-type") }
	p.expect("sharp layer", p.strength("6,14"), "1.000")
	p.expect("scale", ends(), "50 %, the same in all layers")
	p.Do(testbrowser.Focus("[data-lxr=layer]"))
	p.Press(kb.ArrowLeft)
	p.expect("layer", p.shows(), "x.3.ti, head 3")
	p.expect("even layer on the scale of all", p.strength("6,14"), "0.057") // 1/36 of 0.5: (43/180)², as maps are kept in bytes
	if legend := p.Text(".lxr-legend"); !strings.Contains(legend, "regions 0 %50 %, in all layers") {
		t.Errorf("legend: %s", legend)
	}
	p.Choose("[data-lxr=scale]", "of this map")
	p.expect("even layer on its own scale", p.strength("6,14"), "1.000")
	p.expect("scale", ends(), "2.8 %, in this map alone")
	p.Choose("[data-lxr=scale]", "same in all layers")
	p.expect("back on the scale of all", p.strength("6,14"), "0.057")
}

func TestOtherBoxesAreSeenWhileThePointerIsOnThePicture(t *testing.T) {
	p := sampleTab(t, look{})
	seen := func() int {
		return eval[int](p, `[...document.querySelectorAll('.lxr-box')].filter(e => +getComputedStyle(e).strokeOpacity > 0).length`)
	}
	p.Leave()
	p.expect("boxes at first", seen(), 5)
	p.Do(chromedp.MouseEvent(input.MouseMoved, eval[float64](p, `document.querySelector('.lxr-picture').getBoundingClientRect().left + 3`),
		eval[float64](p, `document.querySelector('.lxr-picture').getBoundingClientRect().top + 3`)))
	p.expect("boxes with the pointer in a corner", seen(), nRegions)
	p.Leave()
	p.expect("boxes in the end", seen(), 5)
	mute := sampleTab(t, look{Mute: true})
	mute.expect("boxes without scripts", eval[int](mute, `[...document.querySelectorAll('.lxr-box')].filter(e => e.getAttribute('stroke-opacity') !== '0').length`), 5)
}

func TestThumbnailsAreSeenInLightAndDark(t *testing.T) {
	x := sample(t.TempDir())
	for name, m := range x.Maps {
		for i := range m.Data {
			if strings.HasSuffix(name, "ii") {
				m.Data[i] = 1.0 / nRegions
			}
		}
	}
	p := visit(t, saved(t, x, report.Options{}), look{})
	p.Click(".lxr-overview summary")
	p.Do(chromedp.WaitReady(".lxr-strip canvas", chromedp.ByQuery))
	// contrast is that of the middle of the first thumbnail of a map to the page.
	contrast := func(name string) float64 {
		return eval[float64](p, `(name => {
			const light = c => c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
			const copy = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
			copy.drawImage(document.querySelector('[data-map="' + name + '"]'), -24, -24);
			const at = [...copy.getImageData(0, 0, 1, 1).data];
			const paper = getComputedStyle(document.querySelector('.lxr-main')).backgroundColor.match(/\d+/g).map(Number);
			const a = light(at.slice(0, 3)), b = light(paper);
			return at[3] < 255 ? 0 : (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		})(%s)`, name)
	}
	for _, dark := range []bool{false, true} {
		p.Do(testbrowser.Prefer(dark))
		p.Becomes("button", ".lxr-theme-button", map[bool]string{false: "Dark", true: "Light"}[dark])
		for _, name := range []string{"x.0.ii", "r.4.ii"} {
			if c := contrast(name); c < 1.5 {
				t.Errorf("dark %v: an even share in %s has a contrast of %.2f to the page", dark, name, c)
			}
		}
	}
}

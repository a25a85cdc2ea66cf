package browse_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seed-516990b0/golxmert/internal/testbrowser"
)

// BenchmarkPage opens a page of 10,000 explained examples, and reports how long it takes until something is painted, until all is there, and
// to sort by a number and by a text, to search and to draw the rows of another place.
func BenchmarkPage(b *testing.B) {
	dir := b.TempDir()
	path := saved(b, sample(b, dir), dir)
	var sums [6]float64
	b.ResetTimer()
	for range b.N {
		p := &tab{testbrowser.Visit(b, path, testbrowser.Look{})}
		p.Do(chromedp.Poll(`performance.getEntriesByName('first-contentful-paint').length > 0 && document.readyState === 'complete'`, nil))
		took := testbrowser.Eval[[]float64](p.Tab, `(() => {
			const timed = act => { const t = performance.now(); act(); document.querySelector('.lxb-list').getBoundingClientRect(); return performance.now() - t; };
			const heads = () => document.querySelectorAll('.lxb-sort'), search = document.querySelector('[data-lxb=search]'), list = document.querySelector('.lxb-list');
			return [performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.getEntriesByType('navigation')[0].domComplete,
				timed(() => heads()[3].click()), timed(() => heads()[1].click()),
				timed(() => { search.value = 'sheep 77'; search.dispatchEvent(new Event('input')); search.value = ''; search.dispatchEvent(new Event('input')); }),
				timed(() => { list.scrollTop = 280000; list.dispatchEvent(new Event('scroll')); })];
		})()`)
		for i, x := range took {
			sums[i] += x
		}
	}
	for i, name := range []string{"first-paint-ms", "complete-ms", "sort-number-ms", "sort-text-ms", "search-ms", "scroll-ms"} {
		b.ReportMetric(sums[i]/float64(b.N), name)
	}
}

package lx

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"image"
	"image/draw"
	"image/png"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// live is the picture of a run in a cell, drawn anew in place.
type live struct {
	run      Run
	id       string
	drawn    time.Time
	progress *client.Progress
	lines    []string

	curves measured
}

func newLive(r Run) *live {
	l := &live{run: r}
	if gonbui.IsNotebook {
		l.id = "lx-" + gonbui.UniqueId()
	}
	return l
}

// minPictureTime is how long a picture stands at least.
const minPictureTime = 500 * time.Millisecond

func (l *live) see(e client.Event) error {
	switch {
	case e.Run != nil:
		l.run = *e.Run
	case e.Line != nil:
		l.lines = append(l.lines, *e.Line)
		if !gonbui.IsNotebook {
			fmt.Println(*e.Line)
		}
	case e.Progress != nil:
		l.progress = e.Progress
	case e.Metrics != nil:
		l.curves.add(e.Metrics)
	}
	if time.Since(l.drawn) >= minPictureTime {
		l.draw(false)
	}
	return nil
}

// finish shows how the run ended, as it remains when the notebook is saved.
func (l *live) finish(r Run) {
	l.run = r
	l.draw(true)
	if !gonbui.IsNotebook {
		fmt.Println(runText(r))
	}
}

// draw shows the state of things.
func (l *live) draw(last bool) {
	l.drawn = time.Now()
	if gonbui.IsNotebook {
		l.shown(last).display(l.id)
	}
}

// shown is the bar, the curves, and the last lines that the run printed. The last has a picture of the curves for pages
// that show no HTML.
func (l *live) shown(last bool) shown {
	s := shown{text: runText(l.run)}
	curves := l.curves.drawn()
	var b strings.Builder
	b.WriteString(`<div style="font-family:sans-serif">` + runHTML(l.run, l.progress))
	if len(curves) > 0 {
		b.WriteString(`<div style="background:#fff;display:inline-block;max-width:100%">` + svgOf(curves) + `</div>`)
	}
	if n := len(l.lines); n > 0 {
		tail := l.lines[max(0, n-8):]
		b.WriteString(`<pre style="font-size:85%;margin:4px 0;white-space:pre-wrap">` + html.EscapeString(strings.Join(tail, "\n")) + `</pre>`)
	}
	b.WriteString(`</div>`)
	s.html = b.String()
	if last {
		s.png = runPNG(l.run, curves)
	}
	return s
}

// svgOf draws curves side by side. One that cannot be drawn, such as of losses that are not finite, is left out.
func svgOf(curves []analysis.Curve) string {
	var parts []string
	for _, c := range curves {
		d, err := ordered(context.WithoutCancel(cell().ctx), display.Order{Result: c, Format: "svg", Bare: true})
		if err != nil {
			continue
		}
		text := string(d.Figure)
		if i := strings.Index(text, "<svg"); i > 0 {
			text = text[i:] // HTML has no XML declaration
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// runPNG is a picture of a run: what is known about it, and its curves below. nil if it cannot be drawn.
func runPNG(r Run, curves []analysis.Curve) []byte {
	return pngOf(analysis.Collect([]analysis.Result{runTable(r)}, curves...))
}

// pngOf is a picture of results, one below the other; nil if none can be drawn.
func pngOf(results []analysis.Result) []byte {
	var parts []image.Image
	for _, x := range results {
		d, err := ordered(context.WithoutCancel(cell().ctx), display.Order{Result: x, Format: "png", DPI: screenDPI})
		if err != nil {
			continue
		}
		if img, err := png.Decode(bytes.NewReader(d.Figure)); err == nil {
			parts = append(parts, img)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	size := image.Point{}
	for _, p := range parts {
		size = image.Pt(max(size.X, p.Bounds().Dx()), size.Y+p.Bounds().Dy())
	}
	whole := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(whole, whole.Bounds(), image.White, image.Point{}, draw.Src)
	at := image.Point{}
	for _, p := range parts {
		draw.Draw(whole, image.Rectangle{at, at.Add(p.Bounds().Size())}, p, p.Bounds().Min, draw.Over)
		at.Y += p.Bounds().Dy()
	}
	var b bytes.Buffer
	if png.Encode(&b, whole) != nil {
		return nil
	}
	return b.Bytes()
}

// runTable is what is known about a run.
func runTable(r Run) analysis.Table {
	t := analysis.Table{Meta: analysis.Meta{Method: r.Task + " in " + shortPath(r.Output)}, Columns: []string{"run", r.ID}}
	add := func(name, value string) { t.Rows = append(t.Rows, []any{name, value}) }
	add("state", string(r.State))
	if r.Error != "" {
		add("why", r.Error)
	}
	if p := r.Progress; p != nil && p.Total > 0 && r.State != client.Done {
		add(p.Phase, fmt.Sprintf("%d of %d", p.Done, p.Total))
	}
	if r.Result == nil {
		return t
	}
	if r.Result.Steps > 0 {
		add("steps", fmt.Sprint(r.Result.Steps))
	}
	if name, value := best(r); name != "" {
		add(name, value)
	}
	for _, x := range r.Result.Scored {
		text := fmt.Sprintf("%d predictions", x.Questions)
		if x.Score != nil {
			text += fmt.Sprintf(", %.2f %% right", 100**x.Score)
		}
		add(strings.Join(x.Splits, ","), text)
	}
	return t
}

func showRun(r Run) shown {
	return shown{text: runText(r), html: `<div style="font-family:sans-serif">` + runHTML(r, r.Progress) + `</div>`, png: runPNG(r, nil)}
}

func runText(r Run) string {
	s := fmt.Sprintf("%s %s: %s", r.Task, r.Output, r.State)
	if r.Error != "" {
		s += ": " + r.Error
	}
	if r.Result != nil {
		if name, value := best(r); name != "" {
			s += ", " + name + " " + value
		}
		for _, x := range r.Result.Scored {
			s += "\n" + scoreText(x)
		}
	}
	return s
}

// best is the best that came out in validation, and what that is called; "" without validation.
func best(r Run) (name, value string) {
	switch {
	case r.Result.Best > 0:
		return "best validation score", fmt.Sprintf("%.2f %%", 100*r.Result.Best)
	case r.Result.BestLoss > 0:
		return "least validation loss", fmt.Sprintf("%.4f", r.Result.BestLoss)
	}
	return "", ""
}

func scoreText(x client.Score) string {
	s := fmt.Sprintf("%s: %d predictions in %s", strings.Join(x.Splits, ","), x.Questions, x.File)
	if x.Score != nil {
		s += fmt.Sprintf(", %.2f %% right", 100**x.Score)
	}
	return s
}

// runHTML is the bar and the line about it.
func runHTML(r Run, p *client.Progress) string {
	share, note := 0.0, ""
	if p != nil && p.Total > 0 {
		share = float64(p.Done) / float64(p.Total)
		note = p.Phase
		if p.Epochs > 1 {
			note += fmt.Sprintf(", epoch %d of %d", p.Epoch+1, p.Epochs)
		}
		note += fmt.Sprintf(", %d of %d", p.Done, p.Total)
		if p.Loss > 0 {
			note += fmt.Sprintf(", loss %.4g", p.Loss)
		}
		if p.Accuracy > 0 {
			note += fmt.Sprintf(", accuracy %.1f %%", p.Accuracy)
		}
		if p.Rate > 0 {
			note += fmt.Sprintf(", %.0f %s/s", p.Rate, p.Noun)
		}
		if p.Left > 0 && !r.State.Ended() {
			note += ", " + (time.Duration(p.Left) * time.Second).String() + " left"
		}
	}
	color := "#0072b2"
	switch r.State {
	case client.Done:
		share, color, note = 1, "#009e73", ""
	case client.Failed, client.Lost:
		color = "#d55e00"
	}
	return fmt.Sprintf(`<div><b>%s</b> %s <span style="opacity:.7">%s</span></div><div style="background:#ddd;height:6px;max-width:480px;margin:4px 0"><div style="background:%s;height:6px;width:%.1f%%"></div></div><div style="font-size:90%%;white-space:pre-line">%s</div>`,
		html.EscapeString(r.Task), html.EscapeString(r.Output), r.State, color, 100*share, html.EscapeString(strings.TrimSpace(note+"\n"+resultText(r))))
}

// resultText is what came out, without the name and the state.
func resultText(r Run) string {
	_, text, _ := strings.Cut(runText(r), string(r.State))
	return strings.TrimLeft(text, ",: ")
}

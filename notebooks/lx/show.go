package lx

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/cite"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/notebooks/lx/value"
)

// Show displays things: answers, explanations, attention maps, any result of package analysis, tensors (as heat maps),
// runs, lists of examples, pictures; of anything else its text. What is interactive is self-contained HTML, so it stays so
// when the notebook is saved; a PNG beside it is for programs that show no HTML.
func Show(things ...any) {
	for _, x := range things {
		show(func() (shown, error) { return shownOf(x) })
	}
}

// Result shows the value of a cell's last expression if it is one that Show draws, and says whether it is. A run that the
// cell has followed is not shown again. The kernel calls it.
func Result(x any) bool {
	draw := drawerOf(x)
	if r, ok := x.(Run); ok && cell().followed(r.ID) || draw == nil {
		return draw != nil
	}
	show(draw)
	return true
}

func show(draw func() (shown, error)) {
	s, err := draw()
	if err != nil {
		fail(err)
		return
	}
	s.display("")
}

// shown is one output of a cell, in the forms that there are.
type shown struct {
	html, text string
	png        []byte
}

// display sends an output to the notebook. id names what a later output replaces; "": nothing. Outside of a notebook it
// prints the text.
func (s shown) display(id string) {
	if !gonbui.IsNotebook {
		if id == "" {
			fmt.Println(strings.TrimRight(s.text, "\n"))
		}
		return
	}
	d := &protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMETextPlain: s.text}, DisplayID: id}
	if s.html != "" {
		d.Data[protocol.MIMETextHTML] = s.html
	}
	if s.png != nil {
		d.Data[protocol.MIMEImagePNG] = s.png
	}
	gonbui.SendData(d)
	gonbui.Sync()
}

func shownOf(x any) (shown, error) {
	if draw := drawerOf(x); draw != nil {
		return draw()
	}
	text := value.Text(x)
	if _, ok := x.(error); ok {
		return shown{text: text}, nil
	}
	return shown{text: text, html: "<pre>" + html.EscapeString(text) + "</pre>"}, nil
}

// drawerOf is what draws a thing that is shown as more than the text of any value; nil: it is shown as text.
func drawerOf(x any) func() (shown, error) {
	switch x := x.(type) {
	case *Answer:
		return func() (shown, error) { return showAnswer(x) }
	case analysis.Maps:
		return func() (shown, error) { return drawn(x) } // as a page they would be a megabyte
	case *Outcome:
		return func() (shown, error) { return showOutcome(x) }
	case *HeadReadout:
		return func() (shown, error) { return both(x.Collection(), x.String()) }
	case *TrainingMap:
		return func() (shown, error) { return showTrainingMap(x) }
	case *Listing:
		return x.show
	case Run:
		return func() (shown, error) { return showRun(x), nil }
	case Trials:
		return func() (shown, error) { return showTrials(x) }
	case lxmert.Tensor:
		return func() (shown, error) { return showTensor(x) }
	case image.Rectangle: // which is a picture as well, but not meant as one
	case image.Image:
		if size := x.Bounds().Size(); float64(size.X)*float64(size.Y) < maxPixels { // a colour is a picture without end
			return func() (shown, error) { return showPicture(x) }
		}
	}
	r, err := resultOf(x)
	if r == nil && err == nil {
		return nil
	}
	return func() (shown, error) {
		if err != nil {
			return shown{}, err
		}
		return both(r, r.Plain())
	}
}

// resultOf is the result that a value is, or that a list of them makes; nil: it is not a result.
func resultOf(x any) (analysis.Result, error) {
	switch x := x.(type) {
	case analysis.Result:
		return analysis.Value(x)
	case []analysis.Scores:
		if len(x) == 0 {
			return nil, errors.New("there are no scores in the list")
		}
		return analysis.Compared(x...), nil
	case []Explanation:
		if len(x) == 0 {
			return nil, errors.New("there are no explanations in the list")
		}
		title := fmt.Sprintf("%s: %d explanations", x[0].Scores.Method, len(x))
		return analysis.Collection{Title: title, Results: analysis.Collect(nil, x...)}, nil
	case *Outcome:
		return x.Collection(), nil
	case *HeadReadout:
		return x.Collection(), nil
	case *TrainingMap:
		return x.Collection(), nil
	case *SuiteResult:
		return x.Table(), nil
	case Shares:
		return x.Collection(), nil
	case Tested:
		return analysis.Collection{Results: analysis.Collect([]analysis.Result{x.Table}, x.Curves...)}, nil
	}
	return nil, nil
}

// maxPixels is how many a picture may have that is put into a notebook.
const maxPixels = 1 << 28

func showPicture(x image.Image) (shown, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, x); err != nil {
		return shown{}, err
	}
	return shown{png: b.Bytes(), text: fmt.Sprintf("picture, %d x %d", x.Bounds().Dx(), x.Bounds().Dy())}, nil
}

// both makes the interactive form of a result and its figure.
func both(r analysis.Result, text string) (s shown, err error) {
	d, err := ordered(cell().ctx, display.Order{Result: r, Page: true, Format: "png", DPI: screenDPI})
	return shown{html: string(d.Page), png: d.Figure, text: text}, err
}

// drawn makes the figure alone.
func drawn(r analysis.Result) (s shown, err error) {
	d, err := ordered(cell().ctx, display.Order{Result: r, Format: "png", DPI: screenDPI})
	return shown{png: d.Figure, text: r.Plain()}, err
}

// screenDPI is enough for screens, and keeps notebooks small.
const screenDPI = 144

// showAnswer shows the pictures with their regions, and the answers as bars.
func showAnswer(a *Answer) (shown, error) {
	s := shown{text: a.String()}
	var pictures []string
	for row := range a.Batch.Rows() {
		boxes := analysis.NewScores(analysis.Meta{}, a.Batch, row, nil, make([]float64, a.Batch.V()))
		boxes.Text = lxmert.Words{} // it stands above all pictures
		d, err := ordered(cell().ctx, display.Order{Result: boxes, Format: "png", DPI: screenDPI, PictureAlone: true, Top: -1, Bare: true})
		if err != nil {
			return s, err
		}
		if s.png == nil {
			s.png = d.Figure
		}
		pictures = append(pictures, picture(d.Figure, boxes.Image.ID+" with its regions"))
	}
	var matched []float64
	if a.Matched == a.Matched {
		matched = append(matched, a.Matched)
	}
	s.html = fmt.Sprintf(`<div style="font-family:sans-serif"><p style="font-weight:bold;margin:4px 0">%s</p><div style="display:flex;gap:20px;flex-wrap:wrap"><div>%s</div>%s</div></div>`,
		html.EscapeString(a.Question.Text), strings.Join(pictures, " "), bars(a.Ranked, matched...))
	return s, nil
}

// picture is a drawing as HTML.
func picture(png []byte, alt string) string {
	return fmt.Sprintf(`<img style="width:280px;max-width:100%%;vertical-align:top" alt="%s" src="%s">`, html.EscapeString(alt), dataURI(png))
}

// bars are the most probable answers as HTML, and how well the sentence matches each picture, where the model says so.
func bars(ranked []Ranked, matched ...float64) string {
	var rows strings.Builder
	bar := func(p float64, name string) {
		percent := strings.ReplaceAll(html.EscapeString(analysis.Candidate{Probability: p}.Percent()), " ", "&nbsp;")
		fmt.Fprintf(&rows, `<tr><td style="text-align:right;padding:2px 8px;border:none">%s</td><td style="border:none;padding:2px 0;width:160px"><div style="background:#0072b2;height:0.8em;width:%.1f%%"></div></td><td style="text-align:left;padding:2px 8px;border:none">%s</td></tr>`,
			percent, 100*p, html.EscapeString(name))
	}
	for _, r := range ranked[:min(5, len(ranked))] {
		bar(r.Probability, r.Text)
	}
	for _, p := range matched {
		bar(p, "(that sentence and picture belong together)")
	}
	return `<table style="border-collapse:collapse;align-self:center">` + rows.String() + `</table>`
}

// Save writes a result to a file, as its name ends: .pdf .svg .png .html .csv .json .tex .safetensors, see figure.Save; a [Listing]
// is a page, .html. Folders are made.
func Save(path string, result any) {
	write := saveResult
	if l, ok := result.(*Listing); ok {
		write = func(path string, _ any) error { return l.save(path) }
	}
	if err := write(path, result); err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
		return
	}
	fmt.Fprintln(os.Stdout, "wrote", path)
}

func saveResult(path string, result any) error {
	r, err := resultOf(result)
	if r == nil && err == nil {
		err = fmt.Errorf("a %T is not the result of an analysis, which Save writes", result)
	}
	if err != nil {
		return err
	}
	d, err := ordered(cell().ctx, display.Order{Result: r, Format: strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o666, d.Figure)
}

// Cite says how to cite results: what was computed, with which weights, features, versions and seeds, and the BibTeX entries of the
// methods and of LXMERT. Its text is a file for BibTeX:
//
//	fmt.Println(lx.Cite(curve, table))
func Cite(results ...any) cite.Citation {
	var list []analysis.Result
	for _, x := range results {
		r, err := resultOf(x)
		if r == nil && err == nil {
			err = fmt.Errorf("a %T is not the result of an analysis, which Cite cites", x)
		}
		if err != nil {
			fail(err)
			return cite.Citation{}
		}
		list = append(list, r)
	}
	return cite.Of(list)
}

func dataURI(png []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
}

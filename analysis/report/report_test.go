package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/report"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func written(t *testing.T, r analysis.Result, opt report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, r, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAllMapsOfTheFullModelFitInHalfAMegabyte(t *testing.T) {
	dir := t.TempDir()
	x := sample(dir)
	if err := writePNG(filepath.Join(dir, "scene.png"), photograph(1024, 768)); err != nil {
		t.Fatal(err)
	}
	// 20 words, as in the reference's VQA batches.
	const words = 20
	x.Scores.Text, x.Methods = lxmert.Words{}, nil
	x.Scores.Words = make([]float64, words)
	for name := range x.Maps {
		size := map[byte]int{'t': words, 'i': nRegions}
		x.Maps[name] = lxmert.NewTensor(nHeads, size[name[len(name)-2]], size[name[len(name)-1]])
	}
	html := written(t, x, report.Options{})
	if len(html) > 500_000 {
		t.Errorf("%d bytes", len(html))
	}
	t.Logf("%d bytes", len(html))
}

func TestMapsKeepTheirValues(t *testing.T) {
	x := sample(t.TempDir())
	for i := range x.Maps["x.0.ti"].Data {
		x.Maps["x.0.ti"].Data[i] = float32(i) / float32(len(x.Maps["x.0.ti"].Data)-1)
	}
	html := written(t, x, report.Options{})
	packed := regexp.MustCompile(`(?s)class="lxr-maps">(.*?)<`).FindStringSubmatch(html)
	raw := unpacked(t, packed[1])
	offset := nHeads * (9*nWords*nWords + 5*nRegions*nRegions) // the towers come first
	// Within the first cross layer: ii, it, ti, tt.
	offset += nHeads * (nRegions*nRegions + nRegions*nWords)
	for i, want := range x.Maps["x.0.ti"].Data {
		root := float64(raw[offset+i]) / 255
		limit := 0.004
		if want < 0.01 {
			limit = 0.0004
		}
		if d := math.Abs(root*root - float64(want)); d > limit {
			t.Fatalf("attention %g comes back as %g", want, root*root)
		}
	}
}

// unpacked reads five letters as four bytes, in base 85.
func unpacked(t *testing.T, text string) []byte {
	t.Helper()
	var letters string
	for c := byte('!'); c < '~'; c++ {
		if !strings.ContainsRune(`"$&'<>\`+"`", rune(c)) {
			letters += string(c)
		}
	}
	var out []byte
	for ; len(text) >= 5; text = text[5:] {
		n := 0
		for i := range 5 {
			digit := strings.IndexByte(letters, text[i])
			if digit < 0 {
				t.Fatalf("%q is not a digit", text[i])
			}
			n = 85*n + digit
		}
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	if text != "" {
		t.Fatalf("%q is left over", text)
	}
	return out
}

func TestNothingOfAResultIsTakenForMarkup(t *testing.T) {
	const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted' & <!-- -- 🐈 漢字 ]]> {{.}} ` + "\u2028"
	run := sampleRun(t.TempDir())
	run.Title, run.Examples = hostile, run.Examples[:1]
	x := &run.Examples[0]
	for _, s := range []*analysis.Scores{&x.Scores, &x.Methods[0], &x.Methods[1]} {
		s.Text.Text = hostile
		s.Text.Start, s.Text.End = nil, nil
		s.Text.Pieces = append([]string{}, s.Text.Pieces...)
		s.Text.Pieces[2] = hostile
		s.Method += hostile
		s.Target, s.Features, s.Model.Weights, s.Notes = hostile, hostile, hostile, []string{hostile}
	}
	x.Scores.Image.Objects[0], x.Scores.Image.ID = hostile, hostile
	x.Answers[0].Text = hostile
	run.Tables[0].Rows[0][0], run.Tables[0].Columns[0], run.Tables[0].Method = hostile, hostile, hostile
	run.Curves[0].Series[0].Name, run.Curves[0].XName, run.Curves[0].Rules = hostile, hostile, map[string]float64{hostile: 0.5}
	run.Matrices[0].Rows.Labels[0], run.Matrices[0].Panels[0].Name, run.Matrices[0].Unit = hostile, hostile, hostile
	html := written(t, run.page(), report.Options{})
	for _, bad := range []string{"<img", "alert(1)</script>", "<script>alert", "<!--"} {
		if strings.Contains(html, bad) {
			at := strings.Index(html, bad)
			t.Errorf("the page has %q: …%s…", bad, html[max(at-80, 0):at+80])
		}
	}
	if open, end := strings.Count(html, "<script"), strings.Count(html, "</script>"); open != end || open != 3 {
		t.Errorf("%d script elements begin and %d end, expected 3: two of the example, and the page's", open, end)
	}
	if !strings.Contains(html, "🐈 漢字") {
		t.Error("letters beyond Latin are lost")
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	html := written(t, sampleRun(t.TempDir()).page(), report.Options{})
	for _, m := range regexp.MustCompile(`(?i)(?:src|href|action|data)="?([^"\s>]*)`).FindAllStringSubmatch(html, -1) {
		if u := m[1]; u != "" && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "#") {
			t.Errorf("the page refers to %q", u)
		}
	}
	for _, m := range regexp.MustCompile(`https?://[^"'\s<]*`).FindAllString(html, -1) {
		if m != "http://www.w3.org/2000/svg" {
			t.Errorf("the page names %q", m)
		}
	}
}

func TestTheFigureSurvivesWithoutScriptsAndStyleSheets(t *testing.T) {
	html := written(t, sample(t.TempDir()), report.Options{})
	for _, tag := range []string{"script", "style"} {
		html = regexp.MustCompile(`(?s)<`+tag+`.*?</`+tag+`>`).ReplaceAllString(html, "")
	}
	for _, want := range []string{"data:image/jpeg", `stroke="#d55e00"`, "0.62 circle", "background:#d55e00", ">colour</span>", "unbelievable", "red (93.0 %)", "BEST.pth", "sha256:0123456789abcdef"} {
		if !strings.Contains(html, want) {
			t.Errorf("without scripts the page lacks %q", want)
		}
	}
}

func TestPicturesStandTheRightWayUp(t *testing.T) {
	// Box 0 is at the top left: y of SVG grows downwards, as boxes do.
	html := written(t, sample(t.TempDir()), report.Options{})
	m := regexp.MustCompile(`data-region="0"[^>]*><title>[^<]*</title><rect class="lxr-halo" x="([\d.]+)" y="([\d.]+)"`).FindStringSubmatch(html)
	if m == nil || m[1] != "48" || m[2] != "80" {
		t.Errorf("box at 12, 20 of 160 pixels is drawn at %v of 640", m)
	}
}

func TestPiecesOfAWordBecomeOne(t *testing.T) {
	x := sample(t.TempDir())
	if html := written(t, x, report.Options{}); !strings.Contains(html, `aria-label="unbelievable, 0.08"`) {
		t.Error("relevance 0.03 and 0.05 of two pieces is not 0.08 of their word")
	}
	if html := written(t, x, report.Options{Pieces: true}); !strings.Contains(html, `aria-label="##believable, 0.05"`) {
		t.Error("pieces are not kept apart")
	}
}

func TestSpecialPiecesDoNotSetTheScale(t *testing.T) {
	html := written(t, sample(t.TempDir()), report.Options{})
	// [SEP] has more than any word; "colour", the strongest word, still has the full bar.
	if !regexp.MustCompile(`(?s)aria-label="colour, 0.31".*?width:100%`).MatchString(html) {
		t.Error("the strongest word does not fill its bar")
	}
}

func TestEveryKindOfResultHasAReport(t *testing.T) {
	run := sampleRun(t.TempDir())
	x := run.Examples[0]
	alone := x.Scores
	alone.Words, alone.Text = nil, lxmert.Words{}
	sentence := x.Scores
	sentence.Regions, sentence.Boxes = nil, nil
	for _, r := range []analysis.Result{x, &x, run.page(), x.Scores, &x.Scores, analysis.Compared(x.Methods...), run.Curves[0], &run.Matrices[0], run.Tables[0], alone, sentence,
		analysis.Explanation{Maps: x.Maps}, analysis.Explanation{}, analysis.Maps{Maps: x.Maps}, analysis.Collection{}, analysis.Compared(), analysis.Scores{}, analysis.Curve{}, analysis.Table{}} {
		if html := written(t, r, report.Options{}); !strings.HasPrefix(html, "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(html), "</html>") {
			t.Errorf("%T: not a page", r)
		}
	}
}

func TestAFragmentIsNoPage(t *testing.T) {
	html := written(t, sample(t.TempDir()), report.Options{Fragment: true})
	for _, bad := range []string{"<html", "<body", "<head>", "<!doctype"} {
		if strings.Contains(html, bad) {
			t.Errorf("the fragment has %q", bad)
		}
	}
}

func TestWhatDoesNotFitIsAnError(t *testing.T) {
	for name, spoil := range map[string]func(r *parts) analysis.Result{
		"nil":           func(*parts) analysis.Result { return nil },
		"a nil pointer": func(*parts) analysis.Result { return (*analysis.Scores)(nil) },
		"a nil within":  func(*parts) analysis.Result { return analysis.Collection{Results: []analysis.Result{nil}} },
		"a page in a page": func(*parts) analysis.Result {
			return analysis.Collection{Results: []analysis.Result{analysis.Collection{}}}
		},
		"a table side by side with others": func(*parts) analysis.Result {
			return analysis.Collection{Results: []analysis.Result{analysis.Collection{Results: []analysis.Result{analysis.Table{}}}}}
		},
		"fewer words":   func(r *parts) analysis.Result { r.Examples[0].Methods[0].Words = []float64{1}; return r.page() },
		"fewer regions": func(r *parts) analysis.Result { r.Examples[0].Methods[0].Regions = []float64{1}; return r.page() },
		"fewer boxes": func(r *parts) analysis.Result {
			r.Examples[0].Scores.Boxes = r.Examples[0].Scores.Boxes[:3]
			return r.page()
		},
		"another sentence": func(r *parts) analysis.Result { r.Examples[0].Methods[0].Text.Text = "else"; return r.page() },
		"map of another name": func(r *parts) analysis.Result {
			r.Examples[0].Maps["hid.t.0"] = lxmert.NewTensor(1, 1, 1)
			return r.page()
		},
		"map without a name": func(r *parts) analysis.Result { r.Examples[0].Maps[""] = lxmert.NewTensor(1, 1, 1); return r.page() },
		"map of other heads": func(r *parts) analysis.Result {
			r.Examples[0].Maps["x.0.ti"] = lxmert.NewTensor(3, nWords, nRegions)
			return r.page()
		},
		"map of fewer words": func(r *parts) analysis.Result {
			r.Examples[0].Maps["x.0.ti"] = lxmert.NewTensor(nHeads, 2, nRegions)
			return r.page()
		},
		"map of a batch": func(r *parts) analysis.Result {
			r.Examples[0].Maps["x.0.ti"] = lxmert.NewTensor(1, nHeads, nWords, nRegions)
			return r.page()
		},
		"map with broken data": func(r *parts) analysis.Result {
			r.Examples[0].Maps["x.0.ti"] = lxmert.Tensor{Shape: []int{nHeads, nWords, nRegions}}
			return r.page()
		},
		"map that is a gradient": func(r *parts) analysis.Result { r.Examples[0].Maps["x.0.ti"].Data[5] = -2; return r.page() },
		"map with NaN": func(r *parts) analysis.Result {
			r.Examples[0].Maps["x.0.ti"].Data[5] = float32(math.NaN())
			return r.page()
		},
		"ragged table":  func(r *parts) analysis.Result { r.Tables[0].Rows[0] = nil; return r.page() },
		"short series":  func(r *parts) analysis.Result { r.Curves[0].Series[0].Y = []float64{1}; return r.page() },
		"short band":    func(r *parts) analysis.Result { r.Curves[0].Series[0].Low = []float64{1}; return r.page() },
		"ragged matrix": func(r *parts) analysis.Result { r.Matrices[0].Panels[1].Values[2] = nil; return r.page() },
		"fewer rows":    func(r *parts) analysis.Result { r.Matrices[0].Panels[1].Values = nil; return r.page() },
		"no panels":     func(r *parts) analysis.Result { r.Matrices[0].Panels = nil; return r.page() },
		"fewer labels":  func(r *parts) analysis.Result { r.Matrices[0].Rows.Labels = []string{"a"}; return r.page() },
	} {
		run := sampleRun(t.TempDir())
		var b bytes.Buffer
		if err := report.Write(&b, spoil(run), report.Options{}); !errors.Is(err, report.ErrResult) {
			t.Errorf("%s: error %v", name, err)
		}
		if b.Len() > 0 {
			t.Errorf("%s: %d bytes were written", name, b.Len())
		}
	}
}

func TestOddNumbersAreDrawnAsNothing(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	run := sampleRun(t.TempDir())
	for _, list := range [][]float64{run.Curves[0].Series[0].Y, run.Curves[0].X, run.Matrices[0].Panels[0].Values[0], run.Examples[0].Scores.Words, run.Examples[0].Scores.Regions} {
		list[0], list[1], list[2] = nan, inf, -inf
	}
	run.Examples[0].Scores.Boxes[0] = [4]float64{nan, inf, -inf, 3}
	run.Curves[0].Rules = map[string]float64{"nowhere": nan}
	html := written(t, run.page(), report.Options{})
	if m := regexp.MustCompile(`="[^"]*(NaN|Inf)[^"]*"`).FindString(html); m != "" {
		t.Errorf("an attribute is %s", m)
	}
}

func TestAFileOfAnotherKindIsNotMadeAPage(t *testing.T) {
	x := sample(t.TempDir())
	for _, name := range []string{"why.pdf", "why.SVG", "why.png", "why.csv", "why.json", "why.safetensors", "why", "why.txt"} {
		path := filepath.Join(t.TempDir(), name)
		err := report.Save(path, x, report.Options{})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), ".html") || !strings.Contains(err.Error(), "figure.Save") {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is written", name)
		}
	}
	for _, name := range []string{"why.htm", "why.HTML"} {
		if err := report.Save(filepath.Join(t.TempDir(), name), x, report.Options{}); err != nil {
			t.Error(err)
		}
	}
}

func TestPaddingIsNotInTheMaps(t *testing.T) {
	x := sample(t.TempDir())
	x.Methods, x.Maps = nil, map[string]lxmert.Tensor{"x.0.ti": lxmert.NewTensor(nHeads, nWords+2, nRegions)}
	x.Scores.Text.Pieces = append(append([]string{}, x.Scores.Text.Pieces...), "[PAD]", "[PAD]")
	x.Scores.Text.Start, x.Scores.Text.End, x.Scores.Text.Word = nil, nil, nil
	x.Scores.Words = append(append([]float64{}, x.Scores.Words...), 0, 0)
	html := written(t, x, report.Options{Pieces: true})
	if want := fmt.Sprintf(`"q":%d,"k":%d`, nWords, nRegions); !strings.Contains(html, want) {
		t.Errorf("the map is not %s", want)
	}
	if strings.Contains(html, "[PAD]") {
		t.Error("the page shows [PAD]")
	}
}

// strokes are the looks of the lines in a drawing: colour and dashes, and the shape of the markers.
func strokes(html string) (lines, marks map[string]int) {
	lines, marks = map[string]int{}, map[string]int{}
	for _, m := range regexp.MustCompile(`<line x1="0" x2="30"[^>]*stroke="([^"]*)"[^>]*?( stroke-dasharray="[^"]*")?/>(?:<path d="([^"]*)")?`).FindAllStringSubmatch(html, -1) {
		lines[m[1]+m[2]+m[3]]++
	}
	for _, m := range regexp.MustCompile(`<path d="([^"]*)" fill="([^"]*)"/>`).FindAllStringSubmatch(html, -1) {
		marks[m[1]+m[2]]++
	}
	return lines, marks
}

func TestNoTwoSeriesLookAlike(t *testing.T) {
	c := analysis.Curve{X: []float64{0, 1}, Levels: map[string]float64{"chance": 0.25}}
	for k := range 4 {
		for _, order := range []string{"negative", "positive"} {
			style := map[string]string{"positive": "dashed"}[order]
			c.Series = append(c.Series, analysis.CurveSeries{Name: fmt.Sprintf("method %d, %s", k, order), Style: style, Y: []float64{0.1 * float64(k), 0.5}, Area: 0.4})
		}
	}
	c.Series = append(c.Series, analysis.CurveSeries{Name: "method 0, third", Y: []float64{1, 0}}, analysis.CurveSeries{Name: "random", Style: "random", Y: []float64{1, 0}})
	c.Series = slices.Delete(c.Series, 6, 8) // four families with the third
	html := written(t, c, report.Options{})
	lines, marks := strokes(html)
	for look, n := range lines {
		if n > 1 {
			t.Errorf("%d series look like %s", n, look)
		}
	}
	if len(lines) != len(c.Series)+1 || len(marks) != 4 {
		t.Errorf("%d looks of %d series and a level, %d markers", len(lines), len(c.Series), len(marks))
	}
	// Method 0 has one colour for both orders.
	if a := regexp.MustCompile(`stroke="([^"]*)"[^>]*><title>method 0, (?:neg|pos)`).FindAllStringSubmatch(html, -1); len(a) != 2 || a[0][1] != a[1][1] {
		t.Errorf("colours of one method: %v", a)
	}
	for k := 4; k < 10; k++ {
		c.Series = append(c.Series, analysis.CurveSeries{Name: fmt.Sprintf("method %d", k), Y: []float64{0, 1}})
	}
	if html = written(t, c, report.Options{}); strings.Count(html, `font-size="12" font-weight="600"`) != 10 {
		t.Error("ten families do not have a graph each")
	}
}

func TestAPictureThatIsNotThereIsAnError(t *testing.T) {
	x := sample(t.TempDir())
	x.Scores.Image.File = "gone.png"
	var b bytes.Buffer
	for _, opt := range []report.Options{{}, {Images: t.TempDir()}} {
		if err := report.Write(&b, x, opt); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "gone.png") {
			t.Errorf("error %v", err)
		}
	}
}

func TestPicturesAreFoundInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	x := sample(dir)
	for _, info := range []lxmert.ImageInfo{{File: "scene.png"}, {ID: "scene"}, {File: "/elsewhere/scene.png"}} {
		x.Scores.Image = info
		if html := written(t, x, report.Options{Images: dir}); !strings.Contains(html, "data:image/jpeg") {
			t.Errorf("%+v: no picture", info)
		}
	}
}

func TestTallPicturesLeaveRoomForTheWords(t *testing.T) {
	dir := t.TempDir()
	x := sample(dir)
	if err := writePNG(x.Scores.Image.File, image.NewRGBA(image.Rect(0, 0, 10, 400))); err != nil {
		t.Fatal(err)
	}
	if html := written(t, x, report.Options{}); !strings.Contains(html, `viewBox="0 0 24 960"`) {
		t.Error("a strip of 10 x 400 pixels is not 960 high")
	}
}

func TestSaveReplacesTheFileOrLeavesIt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	x := sample(dir)
	if err := report.Save(path, x, report.Options{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x.Scores.Boxes = x.Scores.Boxes[:1]
	if err := report.Save(path, x, report.Options{}); !errors.Is(err, report.ErrResult) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("a report that cannot be made spoiled the old one")
	}
}

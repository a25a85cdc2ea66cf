package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seed-516990b0/golxmert/internal/testbrowser"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
)

// TestJupyterLab drives the installed JupyterLab in a browser with mouse and keyboard, as a person does, and believes
// what the page shows. With LXMERT_NOTEBOOKS, a folder, pictures of the window are kept there.
func TestJupyterLab(t *testing.T) {
	place, source := installation(t)
	browser := startBrowser(t)
	l := startLab(t, place)
	t.Run("notebook 01", func(t *testing.T) {
		n := l.openFirst(t, browser, source)
		n.pointAtWords()
		n.keep("01-word")
		n.reload()
		n.pointAtWords() // the saved notebook's output
		n.restart(place)
	})
	t.Run("an interrupted run goes on", func(t *testing.T) { labTraining(t, l, browser, place) })
	t.Run("no question about news", func(t *testing.T) { labNews(t, l) })
	t.Run("a program is answered", func(t *testing.T) { labInput(t, l, browser) })
	t.Run("a failing cell stops those behind it", func(t *testing.T) { labError(t, l, browser) })
}

// openFirst opens a copy of notebook 01 and runs all its cells.
func (l *lab) openFirst(t *testing.T, browser context.Context, source string) *notebook {
	t.Helper()
	const name = "01-ask-and-look.ipynb"
	text, err := os.ReadFile(filepath.Join(source, "notebooks", name))
	if err != nil {
		t.Fatal(err)
	}
	writeTestFile(t, filepath.Join(l.folder, name), string(text))
	n := l.open(t, browser, name)
	cells := len(n.prompts())
	if cells < 3 {
		t.Fatalf("the notebook has %d cells of code", cells)
	}
	n.runAll()
	n.ran(cells)
	want := []string{}
	for i := range cells {
		want = append(want, fmt.Sprint(i+1))
	}
	if got := n.prompts(); !slices.Equal(got, want) {
		t.Errorf("the cells are numbered %v", got)
	}
	if failed := testbrowser.Eval[int](n.Tab, `document.querySelectorAll('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]').length`); failed > 0 {
		t.Fatalf("%d cells show an error", failed)
	}
	return n
}

// lit is what an explanation shows: the boxes with a white halo, which are those that stand out, and their labels.
type lit struct{ Boxes, Labels []string }

func (n *notebook) lit() lit {
	n.t.Helper()
	return testbrowser.Eval[lit](n.Tab, `({
		Boxes: [...document.querySelectorAll('.lxr-region')].filter(e => +e.querySelector('.lxr-halo').getAttribute('stroke-opacity') > 0).map(e => e.dataset.region).sort(),
		Labels: [...document.querySelectorAll('.lxr-plates text')].map(e => e.textContent.replaceAll('\u00a0', ' ')),
	})`)
}

// pointAtWords points at each word of the explanation's question in turn.
func (n *notebook) pointAtWords() {
	n.t.Helper()
	n.Leave()
	atFirst := n.lit()
	words := testbrowser.Eval[[]string](n.Tab, `[...document.querySelectorAll('.lxr-word')].map(e => e.querySelector('.lxr-label').textContent)`)
	var all []lit
	for i, word := range words {
		if strings.HasPrefix(word, "[") { // [CLS], [SEP]
			continue
		}
		n.hover(fmt.Sprintf(`.lxr-word[data-word="%d"]`, i))
		n.until("what "+word+" looks at", `document.querySelector('.lxr-status').textContent.includes(%s)`, "“"+word+"”")
		got, status := n.lit(), n.text(".lxr-status")
		if len(got.Boxes) == 0 || len(got.Boxes) != len(got.Labels) {
			n.t.Fatalf("pointing at %q lights the boxes %v with the labels %q", word, got.Boxes, got.Labels)
		}
		_, strongest, _ := strings.Cut(got.Labels[0], " % ") // "31 % star 7"
		if !strings.Contains(status, strongest) {
			n.t.Errorf("pointing at %q: the strongest label is %q, the text says %q", word, got.Labels[0], status)
		}
		all = append(all, got)
	}
	if len(all) < 3 {
		n.t.Fatalf("the explanation has the words %q", words)
	}
	if !slices.ContainsFunc(all, func(other lit) bool { return !reflect.DeepEqual(other, all[0]) }) {
		n.t.Errorf("all words light the same: %v", all[0])
	}
	n.Leave()
	n.until("the explanation as it was at first", `document.querySelector('.lxr-plates text').textContent.replaceAll('\u00a0', ' ') === %s`, atFirst.Labels[0])
	if got := n.lit(); !reflect.DeepEqual(got, atFirst) {
		n.t.Errorf("after pointing: %v, at first it was %v", got, atFirst)
	}
	for i, word := range words { // stays for the picture
		if word == "shape" || word == "color" {
			n.hover(fmt.Sprintf(`.lxr-word[data-word="%d"]`, i))
			n.Do(chromedp.Evaluate(`document.querySelector('section.lxr').scrollIntoView({block: 'start', behavior: 'instant'})`, nil))
			n.hover(fmt.Sprintf(`.lxr-word[data-word="%d"]`, i))
			break
		}
	}
}

// reload saves the notebook and opens it again, as a file with outputs.
func (n *notebook) reload() {
	n.t.Helper()
	n.click(".jp-NotebookPanel-toolbar [data-jp-item-name=save] jp-button")
	n.until("a saved notebook", `!document.querySelector('.lm-TabBar-tab.jp-mod-current.jp-mod-dirty') && !document.querySelector('.lm-TabBar-tab.jp-mod-dirty')`)
	n.Do(chromedp.Reload())
	n.until("the explanation in the notebook that was opened again", `!!document.querySelector('.jp-Notebook .lxr-word')`)
	n.idle()
}

// restart restarts the kernel and runs all cells again: the session still holds the models that it held.
func (n *notebook) restart(place install.Place) {
	t := n.t
	t.Helper()
	before := status(t, place)
	if len(before.Models) == 0 {
		t.Fatal("the session holds no model after notebook 01")
	}
	last := n.typeAndRun("%lx status\nimport (\"fmt\"; \"os\")\n%%\nfmt.Println(\"child of\", os.Getppid())")
	n.shows(last, "child of ")
	n.idle()
	gonb := childOf.FindString(n.output(last))
	n.Do(chromedp.Evaluate(`document.querySelectorAll('.jp-OutputArea-child').forEach(e => e.classList.add('of-the-first-kernel'))`, nil))
	n.tool("restart-and-run")
	n.click(".jp-Dialog button.jp-mod-accept")
	n.until("outputs of the restarted kernel alone", `document.querySelectorAll('.of-the-first-kernel').length === 0`)
	n.shows(last, "child of ")
	n.idle()
	said := n.output(last)
	if childOf.FindString(said) == gonb {
		t.Errorf("the kernel is still the same: %s", gonb)
	}
	for _, want := range append(names(before), fmt.Sprintf("session %d", before.PID)) {
		if !strings.Contains(said, want) {
			t.Errorf("after the restart the notebook does not show %s, but:\n%s", want, said)
		}
	}
	n.still(".jp-Cell:nth-last-child(1 of .jp-CodeCell)")
	n.keep("01-restarted")
	if after := status(t, place); after.PID != before.PID || !reflect.DeepEqual(names(after), names(before)) {
		t.Errorf("before the restart session %d held %v, after it session %d holds %v", before.PID, names(before), after.PID, names(after))
	}
}

var childOf = regexp.MustCompile(`child of \d+`)

func names(s client.Status) (list []string) {
	for _, m := range s.Models {
		list = append(list, m.Weights)
	}
	return list
}

// status is that of the session that runs.
func status(t *testing.T, place install.Place) client.Status {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Options{Program: place.Program("kernel"), NoStart: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resumeWith finds, in what an interrupted cell says, how to go on.
var resumeWith = regexp.MustCompile(`lx\.Resume\("([^"]+)"\)`)

// labTraining interrupts a run that would not end by itself, goes on with it and interrupts it again. Another one is seen to
// its end.
func labTraining(t *testing.T, l *lab, browser context.Context, place install.Place) {
	const flags = "--data toy --load toy --train nominival --valid minival --batchSize 32 --lr 1e-4 --epochs "
	endless, short := filepath.Join(t.TempDir(), "endless"), filepath.Join(t.TempDir(), "short")
	c, err := client.Dial(t.Context(), client.Options{Program: place.Program("kernel")})
	if err != nil {
		t.Fatal(err)
	}
	l.write(t, "training.ipynb",
		"import \"github.com/seed-516990b0/golxmert/notebooks/lx\"\n\n%%\nrun := lx.FineTune(\"vqa\", \""+flags+"1000000\", \"--output\", \""+endless+"\")\nlx.Follow(run)",
		"import \"fmt\"\n%%\nfmt.Println(\"behind\")")
	n := l.open(t, browser, "training.ipynb")
	n.runAll()
	n.shows(1, "training, epoch ")
	n.keep("training")
	stoppedAt := n.interruptRun(c, endless)
	if got := n.prompts(); !slices.Equal(got, []string{"1", ""}) {
		t.Errorf("after the interrupt the cells are numbered %v: the one behind is not aborted", got)
	}
	n.keep("interrupted")
	said := resumeWith.FindStringSubmatch(n.output(1))
	if said == nil {
		t.Fatalf("the interrupted cell does not say how to go on: %s", n.output(1))
	}
	cell := n.typeAndRun("%%\nlx.Follow(lx.Resume(\"" + said[1] + "\"))")
	testwait.Until(t, "the run goes on beyond where it was stopped", func() bool {
		run, err := c.Run(t.Context(), said[1])
		if err != nil {
			t.Fatal(err)
		}
		p := run.Progress
		return run.State == client.Running && p != nil && p.Phase == "training" && p.Epoch*p.Total+p.Done > stoppedAt
	})
	n.shows(cell, "training, epoch ")
	n.keep("resumed")
	if again := n.interruptRun(c, endless); again <= stoppedAt {
		t.Errorf("it was stopped after step %d, and when it had gone on after step %d", stoppedAt, again)
	}
	cell = n.typeAndRun("%%\nlx.Follow(lx.FineTune(\"vqa\", \"" + flags + "1\", \"--output\", \"" + short + "\"))")
	n.shows(cell, "done")
	n.idle()
	n.keep("done")
	if run, err := c.Run(t.Context(), short); err != nil || run.State != client.Done {
		t.Errorf("the run that was followed to its end is %v, %v", run.State, err)
	}
	if _, err := os.Stat(filepath.Join(short, "LAST.pth")); err != nil {
		t.Error(err)
	}
}

// stoppedAfter finds, in what a run that was stopped says, after which step.
var stoppedAfter = regexp.MustCompile(`interrupted after step (\d+)`)

// interruptRun presses the button while a cell follows a run, and returns the step after which the run has stopped.
func (n *notebook) interruptRun(c *client.Client, output string) (step int) {
	t := n.t
	t.Helper()
	n.tool("interrupt")
	n.idle()
	run, err := c.Run(t.Context(), output)
	if err != nil || run.State != client.Stopped {
		t.Fatalf("the run is %v, %v after its cell was interrupted", run.State, err)
	}
	said := stoppedAfter.FindStringSubmatch(run.Error)
	if said == nil {
		t.Fatalf("the run that was stopped says %q", run.Error)
	}
	step, _ = strconv.Atoi(said[1])
	return step
}

func labError(t *testing.T, l *lab, browser context.Context) {
	l.write(t, "error.ipynb",
		"import (\n\t\"fmt\"\n\t\"github.com/seed-516990b0/golxmert/notebooks/lx\"\n)\n\nvar m = lx.Open(\"toy\")\n%%\nfmt.Println(\"before\")",
		"%%\nlx.Ask(m, \"what color is the star?\", \"no-such-picture\")",
		"%%\nfmt.Println(\"behind\")")
	n := l.open(t, browser, "error.ipynb")
	n.runAll()
	n.shows(1, "before")
	n.shows(2, "no-such-picture")
	n.idle()
	n.keep("error")
	if got := n.prompts(); !slices.Equal(got, []string{"1", "2", ""}) {
		t.Errorf("the cells are numbered %v: the one behind the failing one is not aborted", got)
	}
	if text := n.output(3); text != "" {
		t.Errorf("the cell behind the failing one shows %q", text)
	}
	cell := n.typeAndRun("%%\nfmt.Println(\"the kernel\", \"lives\")")
	n.shows(cell, "the kernel lives")
}

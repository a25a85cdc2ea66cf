package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/toy/toytest"
)

// installation is that of `kernel quickstart`, with the toy world and its model, and with a session of the test's own: what
// the user's own session trains would be waited for. A machine without it skips the test, or fails it if LXMERT_REQUIRE
// lists "jupyter".
func installation(t *testing.T) (install.Place, string) {
	t.Helper()
	place, err := install.Find("")
	if err == nil {
		err = place.Check()
	}
	source := ""
	if err == nil {
		source, err = install.SourceFolder("")
	}
	testneed.Require(t, "jupyter", err == nil, fmt.Sprintf("`kernel quickstart --execute-only` sets it up: %v", err))
	toytest.Model(t, "jupyter")
	ownSession(t, place)
	return place, source
}

// ownSession has everything that the test starts use a session of its own, which ends with it.
func ownSession(t *testing.T, place install.Place) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lxs") // the test's own folder would be too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(client.DirEnv, dir)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testwait.Patience(t))
		defer cancel()
		c, err := client.Dial(ctx, client.Options{Dir: dir, NoStart: true})
		if err == nil {
			err = c.Shutdown(ctx)
		}
		if err != nil && !errors.Is(err, client.ErrNoSession) {
			t.Errorf("ending the session: %v", err)
		}
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "session.log"))
			t.Logf("session.log:\n%s", lastLines(string(text), 40))
		}
		os.RemoveAll(dir)
	})
}

// notebooks executes copies of the notebooks, in a folder of their own, so that nobody's runs and files are touched.
type notebooks struct {
	place  install.Place
	source string // folder of the notebooks
	folder string // the copies, and what they write
	pages  string // what comes out, as HTML
}

func openNotebooks(t *testing.T) *notebooks {
	place, source := installation(t)
	n := &notebooks{place, filepath.Join(source, "notebooks"), t.TempDir(), os.Getenv(notebooksEnv)}
	if n.pages == "" {
		n.pages = t.TempDir()
	}
	return n
}

// executed is a notebook with its outputs.
type executed struct {
	Cells []struct {
		Metadata struct {
			Tags []string `json:"tags"`
		} `json:"metadata"`
		Outputs []struct {
			Type string                     `json:"output_type"`
			Name string                     `json:"name"` // of a stream
			Text lines                      `json:"text"`
			Data map[string]json.RawMessage `json:"data"` // of what was displayed, by MIME type
		} `json:"outputs"`
	} `json:"cells"`
}

// lines are a text, which notebooks have as one string or as a list of lines.
type lines string

func (l *lines) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*l = lines(strings.Join(list, ""))
		return nil
	}
	return json.Unmarshal(raw, (*string)(l))
}

// run executes a notebook whose name begins with begin, under the name begin + as, with texts of its cells replaced: old,
// new, old, new and so on. Each text must stand in the notebook once. What it took is an attribute of the test.
func (n *notebooks) run(t *testing.T, begin, as string, replace ...string) *executed {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(n.source, begin+"-*.ipynb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("notebooks %v, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(replace); i += 2 {
		old, changed := inJSON(t, replace[i]), inJSON(t, replace[i+1])
		if strings.Count(string(text), old) != 1 {
			t.Fatalf("%s has %q %d times", filepath.Base(found[0]), replace[i], strings.Count(string(text), old))
		}
		text = []byte(strings.Replace(string(text), old, changed, 1))
	}
	return n.execute(t, strings.TrimSuffix(filepath.Base(found[0]), ".ipynb")+as, text)
}

// execute runs the text of a notebook under a name.
func (n *notebooks) execute(t *testing.T, name string, text []byte) *executed {
	t.Helper()
	path := filepath.Join(n.folder, name+".ipynb")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	started := time.Now()
	if err := executeNotebook(t.Context(), n.place, path, out, "notebook", testwait.Patience(t)); err != nil {
		t.Fatal(err)
	}
	t.Attr(name, fmt.Sprintf("%.1f s", time.Since(started).Seconds()))
	page := exec.CommandContext(t.Context(), n.place.PythonProgram("jupyter"), "nbconvert", "--to", "html", "--output-dir", n.pages, filepath.Join(out, name+".ipynb"))
	if text, err := page.CombinedOutput(); err != nil {
		t.Fatalf("the page of %s: %v\n%s", name, err, text)
	}
	text, err := os.ReadFile(filepath.Join(out, name+".ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	x := new(executed)
	if err := json.Unmarshal(text, x); err != nil {
		t.Fatal(err)
	}
	pictures := 0
	for _, c := range x.Cells {
		for _, o := range c.Outputs {
			if o.Type == "stream" && strings.Contains(string(o.Text), "lx: ") {
				t.Errorf("%s prints %s", name, o.Text)
			}
			if _, png := o.Data["image/png"]; png || strings.Contains(string(o.Data["text/html"]), "<svg") {
				pictures++
			}
		}
	}
	if pictures == 0 {
		t.Errorf("%s shows no picture", name)
	}
	return x
}

// inJSON is a text as it stands in a notebook's file, within a string.
func inJSON(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(quoted), `"`)
}

// shown are the plain forms of what was displayed, and what was printed, in the order of the cells.
func (x *executed) shown() string {
	var all strings.Builder
	for _, c := range x.Cells {
		for _, o := range c.Outputs {
			all.WriteString(string(o.Text))
			if raw, ok := o.Data["text/plain"]; ok {
				var text lines
				if json.Unmarshal(raw, &text) == nil {
					fmt.Fprintln(&all, text)
				}
			}
		}
	}
	return all.String()
}

// expect finds patterns in what a notebook shows, one after the other, and returns what their parentheses hold.
func (x *executed) expect(t *testing.T, patterns ...string) (values []string) {
	t.Helper()
	rest := x.shown()
	for _, p := range patterns {
		at := regexp.MustCompile(p).FindStringSubmatchIndex(rest)
		if at == nil {
			t.Fatalf("no %q in what is left of\n%s", p, x.shown())
		}
		for i := 2; i+1 < len(at); i += 2 {
			values = append(values, rest[at[i]:at[i+1]])
		}
		rest = rest[at[1]:]
	}
	return values
}

func percent(t *testing.T, text string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestNotebooksAreCommittedWithoutOutputs(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "notebooks", "*.ipynb"))
	if err != nil || len(names) < 5 {
		t.Fatalf("notebooks %v, %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"output_type"`) || regexp.MustCompile(`"execution_count": \d`).Match(text) {
			t.Errorf("%s has outputs; they are stripped before it is committed", filepath.Base(name))
		}
	}
}

// TestNotebooksRun executes every notebook through the installed kernel, and some a second time, in the session that was
// kept and where the first time has left its files.
func TestNotebooksRun(t *testing.T) {
	n := openNotebooks(t)
	n.run(t, "01", "").expect(t, `what color is the star\?`, `bi-modal relevance`, `% of \d+ questions are answered right`)
	n.run(t, "02", "").expect(t, `attention maps`, `before beside after, 64 questions`, `wrote out/entropy.pdf`, `wrote out/entropy.csv`)
	n.run(t, "03", "").expect(t, `relevance\tpositive\t0\.\d+`, `random`, `spearman`, `relevance\tattention\timage\t-?0?\.?\d+`)
	n.run(t, "04", "").expect(t, `EMAP gap\tshare\t`, `V-SHAP\tshare\t.*\t0\n`, `EMAP`, `Shapley values: `, `words \d+ %, regions \d+ %`, `Shapley interactions`, `norm of cross-attention`)
	n.run(t, "05", "").expect(t, `Where what is known`, `debiased linear CKA of levels`, `fusion of words and regions`, `probe of all heads\t[01]`, `Words and regions along their main directions`)
	checkFineTuning(t, n, n.run(t, "06", ""), "vqa", "heldout", "test")
	n.run(t, "07", "").expect(t, `match \(class 1 of out.match\)\s+with the picture`, `hidden without the picture\s+\d`, `object of regions, hidden`, `yellow\s+\d+\.\d\d bits with the picture`,
		`match of sentence and picture`, `acc_r\t`)
	score := n.run(t, "08", "").expect(t, `what color is the circle\?\s+\[garden\]`, `98 pictures in`, `run: done`, `before: ([\d.]+) %`, `after:  ([\d.]+) %`,
		`BEST.pth: 137 parameters loaded, all that there are`, `2 missing in the file:\s+cls.seq_relationship.weight`,
		`10 attention maps, which differ by at most \de-\d+|this kernel was built without libtorch`)
	if before, after := percent(t, score[0]), percent(t, score[1]); after < before+20 {
		t.Errorf("own data are answered right in %g %% before training on them, %g %% after", before, after)
	}
	checkPreTraining(t, n.run(t, "09", ""))

	before, trained := sessionPID(t, n.place), stampOfRun(t, n, "toy-vqa")
	n.run(t, "01", "-again")
	checkFineTuning(t, n, n.run(t, "06", "-again"), "vqa", "heldout", "test")
	if after := sessionPID(t, n.place); after != before {
		t.Errorf("the session was process %d, then %d: it was not kept", before, after)
	}
	if again := stampOfRun(t, n, "toy-vqa"); again != trained {
		t.Errorf("running notebook 06 again replaces weights of a finished run: %s, then %s", trained, again)
	}
}

// TestTheTaskIsOneLine runs notebook 06 on the other tasks.
func TestTheTaskIsOneLine(t *testing.T) {
	n := openNotebooks(t)
	for _, c := range []struct{ task, test, handIn string }{{"gqa", "testdev", "submit"}, {"nlvr2", "valid", "test"}} {
		x := n.run(t, "06", "-"+c.task, `const task = "vqa"`, fmt.Sprintf("const task = %q", c.task))
		checkFineTuning(t, n, x, c.task, c.test, c.handIn)
	}
}

// checkFineTuning reads from notebook 06 that a run came to its end, that another was stopped on its way and went on to its
// end, and that both splits were predicted.
func checkFineTuning(t *testing.T, n *notebooks, x *executed, task, test, handIn string) {
	t.Helper()
	folder := "snap/notebook06/toy-" + task
	score := x.expect(t, folder+`: done, best validation score ([\d.]+) %`, folder+`-stopped: (stopped)`, folder+`-stopped: (done)`,
		folder+`: done\n`+test+`: \d+ predictions in .*`+test+`_predict.*, ([\d.]+) % right`, folder+`: done\n`+handIn+`: [1-9]\d* predictions`,
		test+`_predict\.\w+: [1-9]\d* predictions`)
	for _, text := range []string{score[0], score[3]} {
		if p := percent(t, text); p <= 0 || p > 100 {
			t.Errorf("%s scores %s %%", task, text)
		}
	}
	for _, split := range []string{test, handIn} {
		found, err := filepath.Glob(filepath.Join(n.folder, folder, split+"_predict.*"))
		if err != nil || len(found) != 1 {
			t.Errorf("predictions of %s %s: %v, %v", task, split, found, err)
		}
	}
}

// checkPreTraining reads from notebook 09 that the pre-trained model goes on to tell captions of other pictures apart and uses
// the picture, and that fine-tuning from it and from nothing came to an end.
func checkPreTraining(t *testing.T, x *executed) {
	t.Helper()
	folder := "snap/notebook09/toy"
	seen := x.expect(t, `lxmert pretrain --train mscoco_nominival`, folder+`: done`, `mscoco AUC ([\d.]+)`, `it gains [\d.]+ \(95 %: (-?[\d.]+) to`,
		folder+`-scratch: done`, folder+`-vqa: done`, folder+`-vqa-scratch: done`)
	if auc := percent(t, seen[0]); auc < 0.9 || auc > 1 {
		t.Errorf("the match AUC of captions is %g", auc)
	}
	if low := percent(t, seen[1]); low <= 0 {
		t.Errorf("the picture gains masked words %g or more", low)
	}
}

// stampOfRun says when the weights of a run of notebook 06 were written.
func stampOfRun(t *testing.T, n *notebooks, name string) (stamp string) {
	t.Helper()
	for _, file := range []string{"BEST.pth", "LAST.pth"} {
		info, err := os.Stat(filepath.Join(n.folder, "snap", "notebook06", name, file))
		if err != nil {
			t.Fatal(err)
		}
		stamp += info.ModTime().Format(time.StampNano) + " "
	}
	return stamp
}

func sessionPID(t *testing.T, place install.Place) int {
	t.Helper()
	c, err := client.Dial(context.Background(), client.Options{Program: place.Program("kernel"), NoStart: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s.PID
}

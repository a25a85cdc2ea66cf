package lx

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// hashOf is the hash of the call of Keep("x", …) in a program; its line is found by its text.
func hashOf(t *testing.T, source string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte("package main\n"+source), 0o666); err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut("package main\n"+source, `("x"`)
	if !ok {
		t.Fatal("no call")
	}
	return sourceOf(file, strings.Count(before, "\n")+1, "x")
}

// kept is a cell as GoNB composes it: what earlier cells have declared, and the imports that any of it uses.
const kept = `
import (
	"flag"
	"fmt"
	"math"

	"example.com/lx"
	"example.com/go-maps/v2"
)

const (
	one = iota + 1
	two
)

type point struct{ x int }

var (
	factor = 2
	other  = 7
	value  = lx.Keep("x", func() int { return helper(two).double() })
)

func (p point) double() int { return p.x * factor }

func helper(n int) point { return point{x: n + int(math.Pi) + maps.Size} }

func main() {
	flag.Parse()
	fmt.Println(value)
}
`

func TestAValueIsComputedAnewWhenWhatItReachesChanges(t *testing.T) {
	same, err := hashOf(t, kept)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string
		changes  bool
	}{
		"the call":                        {"helper(two)", "helper(one)", true},
		"a function":                      {"point{x: n", "point{x: 1 + n", true},
		"a method":                        {"p.x * factor", "p.x + factor", true},
		"a type":                          {"struct{ x int }", "struct{ x int; y int }", true},
		"a variable behind a method":      {"factor = 2", "factor = 3", true},
		"a variable that is a constant":   {"const (", "const factor = 2\nconst (", true},
		"a constant that others count":    {"iota + 1", "iota + 2", true},
		"an import that it uses":          {`"math"`, `math "example.com/other"`, true},
		"an import by its path":           {`"example.com/go-maps/v2"`, `"example.com/maps"`, true},
		"an import's name written out":    {`"math"`, `math "math"`, false},
		"an import of another cell":       {`"flag"`, "\"flag\"\n\t\"os\"\n\tstrings \"example.com/go-strings\"", false},
		"an import that is left out":      {"\t\"fmt\"\n", "", false},
		"another cell":                    {"fmt.Println(value)", "println(other)", false},
		"a variable that it does not use": {"other  = 7", "other  = 8", false},
		"a method of that name elsewhere": {"func main", "type box struct{ factor int }\nfunc (b *box) set() { b.factor = 3 }\nfunc main", false},
		"a local variable of that name":   {"flag.Parse()", "factor := 3; factor = 4; _ = factor", false},
		"a comment":                       {"func helper", "// helper helps.\nfunc helper", false},
		"an empty line":                   {"func helper", "\n\n\nfunc helper", false},
	} {
		if !strings.Contains(kept, c.old) {
			t.Fatalf("%s: the program lacks %q", name, c.old)
		}
		got, err := hashOf(t, strings.Replace(kept, c.old, c.new, 1))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if (got != same) != c.changes {
			t.Errorf("%s: the hash changes: %v, want %v", name, got != same, c.changes)
		}
	}
}

func TestAValueThatUsesAFunctionsVariableCannotBeTold(t *testing.T) {
	for name, source := range map[string]string{
		"main":       `func main() { n := read(); _ = lx.Keep("x", func() int { return n }) }`,
		"parameter":  `func f(n int) int { return lx.Keep("x", func() int { return n }) }`,
		"literal":    `var f = func(n int) int { return lx.Keep("x", func() int { return n }) }`,
		"a function": `func main() { n := read; _ = lx.Keep("x", n) }`,
	} {
		if _, err := hashOf(t, source+"\nfunc read() int { return 1 }"); err == nil || !strings.Contains(err.Error(), "it uses n, a variable of the function around it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hashOf(t, `
func main() {
	_ = lx.Keep[int]("x", func() int { n := read(); return n })
}
func read() int { return 1 }`); err != nil {
		t.Errorf("a variable of its own: %v", err)
	}
	if _, err := sourceOf("/nowhere/main.go", 1, "x"); err == nil {
		t.Error("a program without source")
	}
}

func TestTheSourceIsFoundWhileTheKernelHasItSetAside(t *testing.T) {
	const program = "package main\n\nvar _ = lx.Keep(\"x\", one)\n\nfunc one() int { return 1 }\n"
	var hashes []string
	for _, name := range []string{"main.go", "main.go" + client.AsideSuffix} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, name), program)
		hash, err := sourceOf(filepath.Join(dir, "main.go"), 3, "x")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		hashes = append(hashes, hash)
	}
	if hashes[0] != hashes[1] {
		t.Error("the name of the file counts")
	}
}

func TestAValueThatUsesWhatIsChangedCannotBeTold(t *testing.T) {
	for name, c := range map[string]struct {
		main    string // of a program that declares t, u after t, and a type
		changed bool
	}{
		"nothing":                {`_ = t`, false},
		"assigned":               {`t = 2`, true},
		"assigned in a function": {`_ = func() { t = 2 }`, true},
		"counted":                {`t++`, true},
		"added to":               {`t += 2`, true},
		"one of two":             {`_, t = 1, 2`, true},
		"its address":            {`f(&t)`, true},
		"a loop's":               {`for t = range 3 { }`, true},
		"behind a function":      {`u = 2`, true},
		"an element":             {`list[0] = 2`, true},
		"a slice of it":          {`clear(list[1:])`, true},
		"copied into":            {`copy(list, list)`, true},
		"a field":                {`box.n = 2`, true},
		"by its own method":      {`box.set(2)`, true},
		"read by its own method": {`_ = box.get()`, false},
		"by a method's method":   {`box.reset()`, true},
		"a local of that name":   {`_ = func() { t := 2; t = 3; _ = t }`, false},
		"a parameter":            {`_ = func(t int) { t = 3 }`, false},
		"another's field":        {`var other struct{ t int }; other.t = 3`, false},
		"another variable":       {`unused = 2`, false},
		"in the call itself":     {`_ = lx.Keep("y", func() int { t = 2; return 1 })`, true},
	} {
		source := `
var t, unused, list, box = 1, 1, []int{1}, counter{}
var u = 1
type counter struct{ n int }
func (c *counter) set(n int) { c.n = n }
func (c *counter) reset() { c.set(0) }
func (c *counter) get() int { return c.n }
func behind() int { return u }
func f(p *int) {}
func main() {
	` + c.main + `
	_ = lx.Keep("x", func() int { return t + behind() + list[0] + box.get() })
}`
		_, err := hashOf(t, source)
		if (err != nil) != c.changed || err != nil && !strings.Contains(err.Error(), "which is changed elsewhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInitFunctionsBelongToTheVariablesThatTheySet(t *testing.T) {
	const source = `
var t = 1
var other = 1
func init() { t = start() }
func init() { other = 2 }
func start() int { return 3 }
func main() {
	_ = lx.Keep("x", func() int { return t })
}`
	same, err := hashOf(t, source)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string
		changes  bool
	}{
		"its init function":     {"t = start()", "t = start() + 1", true},
		"what that calls":       {"return 3", "return 4", true},
		"another init function": {"other = 2", "other = 3", false},
	} {
		got, err := hashOf(t, strings.Replace(source, c.old, c.new, 1))
		if err != nil || (got != same) != c.changes {
			t.Errorf("%s: the hash changes: %v, %v", name, got != same, err)
		}
	}
	if _, err := hashOf(t, strings.Replace(source, "return 3", "t = 2; return 3", 1)); err == nil {
		t.Error("a function that an init function calls, and others may call, too, sets it")
	}
}

func TestWhatRunsAfterVariablesDoesNotChangeThem(t *testing.T) {
	const source = `
var t = 1
var value = lx.Keep("x", func() int { return t })
func init() { t = 3 }
func later() { t = 4 }
func main() {
	t = 5
	later()
}`
	if _, err := hashOf(t, source); err != nil {
		t.Error(err)
	}
	for name, more := range map[string]string{
		"an initialiser":            `var early = func() int { t = 2; return 1 }()`,
		"what an initialiser calls": `var early = before(); func before() int { later(); return 1 }`,
		"a method of its value":     `type w struct{}; func (w) do() int { t = 2; return 1 }; var early = w{}.do()`,
	} {
		if _, err := hashOf(t, source+"\n"+strings.ReplaceAll(more, "; func", "\nfunc")); err == nil {
			t.Errorf("%s may change it before", name)
		}
	}
}

func TestPackagesAreCalledByTheirPaths(t *testing.T) {
	for path, want := range map[string]string{
		"fmt": "fmt", "math/rand/v2": "rand", "gopkg.in/yaml.v3": "yaml", "example.com/go-isatty": "isatty", "example.com/x/v": "v", "v2": "v2", "github.com/a/b-go": "b",
	} {
		if got := assumedName(path); got != want {
			t.Errorf("%s is called %s, want %s", path, got, want)
		}
	}
}

// shelf keeps values in memory, if there is room.
type shelf struct {
	values    map[string]client.Value
	full, out error // of put, and of get
}

func (s shelf) get(name string) (client.Value, error) {
	v, ok := s.values[name]
	if s.out != nil {
		return v, s.out
	}
	if !ok {
		return v, client.ErrNotFound
	}
	return v, nil
}

func (s shelf) put(v client.Value) error {
	if s.full != nil {
		return s.full
	}
	s.values[v.Name] = v
	return nil
}

func TestKeepComputesOnce(t *testing.T) {
	s := shelf{values: map[string]client.Value{}}
	calls := 0
	scores := func() []analysis.Scores {
		calls++
		return []analysis.Scores{{Meta: analysis.Meta{Method: "m"}, Words: []float64{1, 2}}}
	}
	for range 3 {
		got, err := keep(t.Context(), s, "rel", "a", scores)
		if err != nil || len(got) != 1 || got[0].Words[1] != 2 || got[0].Method != "m" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if calls != 1 {
		t.Errorf("computed %d times", calls)
	}
	keep(t.Context(), s, "rel", "b", scores)
	if calls != 2 {
		t.Error("another source is not computed anew")
	}
	keep(t.Context(), s, "rel", "", scores)
	keep(t.Context(), s, "rel", "", scores)
	if calls != 4 {
		t.Error("a source that cannot be told is not computed anew")
	}
	if x, err := keep(t.Context(), s, "rel", "b", func() float64 { return 3 }); err != nil || x != 3 {
		t.Errorf("another type of that name: %v, %v", x, err)
	}
}

func TestAValueThatCannotBeKeptIsUsedAllTheSame(t *testing.T) {
	good := shelf{values: map[string]client.Value{}}
	full, gone := good, good
	full.full = errors.New("no room:\nthe value is large")
	gone.full, gone.out = client.ErrDied, client.ErrDied
	for name, s := range map[string]shelf{"full": full, "gone": gone} {
		said := stderr(t, func() {
			if x, err := keep(t.Context(), s, "v", "a", func() int { return 7 }); x != 7 || err != nil {
				t.Errorf("%s: %v, %v", name, x, err)
			}
		})
		if !strings.Contains(said, `lx.Keep: "v" is not kept, later cells compute it anew: `) || name == "full" && strings.Count(said, "\n") != 1 {
			t.Errorf("%s: it says %q", name, said)
		}
	}
	said := stderr(t, func() {
		if f, err := keep(t.Context(), good, "f", "a", func() func() int { return func() int { return 3 } }); err != nil || f() != 3 {
			t.Errorf("a function: %v", err)
		}
	})
	if !strings.Contains(said, `"f" is not kept`) || !strings.Contains(said, "keep plain data") {
		t.Errorf("of a function it says %q", said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keep(ctx, gone, "v", "a", func() int { t.Error("computed"); return 7 }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// stderr is what is written to standard error meanwhile.
func stderr(t *testing.T, do func()) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := os.Stderr
	os.Stderr = f
	defer func() { os.Stderr = before }()
	do()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFlagsAreSplitAsAShellDoes(t *testing.T) {
	got, err := splitFlags(` --train  train,nominival --name "my run" --x='a b'c `)
	if err != nil || strings.Join(got, "|") != "--train|train,nominival|--name|my run|--x=a bc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := splitFlags(`--name "my run`); err == nil {
		t.Error("a quote that does not close")
	}
}

func TestShowMakesHTMLAndAPicture(t *testing.T) {
	curve := analysis.Curve{Meta: analysis.Meta{Method: "loss"}, X: []float64{1, 2}, XName: "step", YName: "loss", Series: []analysis.CurveSeries{{Name: "a", Y: []float64{2, 1}}}}
	for _, x := range []any{
		curve,
		analysis.Table{Meta: analysis.Meta{Method: "t"}, Columns: []string{"a"}, Rows: [][]any{{1.0}}},
		analysis.Matrix{Meta: analysis.Meta{Method: "m"}, Rows: analysis.Axis{Name: "r"}, Cols: analysis.Axis{Name: "c"}, Panels: []analysis.MatrixPanel{{Values: [][]float64{{0, 1}, {1, 0}}}}},
	} {
		s, err := shownOf(x)
		if err != nil || !strings.Contains(s.html, "<") || !bytes.HasPrefix(s.png, []byte("\x89PNG")) || s.text == "" {
			t.Errorf("%T: %v", x, err)
		}
		if strings.Contains(s.html, "<html") {
			t.Errorf("%T: a whole page in a cell", x)
		}
	}
	if s, err := shownOf(3); err != nil || s.text != "3" {
		t.Errorf("%+v %v", s, err)
	}
}

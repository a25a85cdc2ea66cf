package cli

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// This file makes the runs of a sweep out of one command line and a grid of flags.

// GridHelp says how an axis of a grid is written, for whoever offers the flag.
const GridHelp = `a flag and its values, as lr=1e-5,5e-5; several --grid make every combination. A value with a comma is put in quotes: "train='train,nominival',train"`

// mostPoints bounds a grid, so that a slip of the pen does not queue months of runs.
const mostPoints = 10_000

// Axis is a flag of a grid and the values that it takes.
type Axis struct {
	Flag   string // its whole name
	Values []string
}

// Setting is the value that a flag has at a point of a grid.
type Setting struct{ Flag, Value string }

// Point is a run of a sweep.
type Point struct {
	Name     string // of its folder, made of its settings: "lr=1e-5,batchSize=16"
	Settings []Setting
	Args     []string // its command line, with --output and --resume
	Line     *Line    // what that says
}

// CutGrid takes --grid out of a command line.
func CutGrid(args []string) (rest, grid []string) {
	for i := 0; i < len(args); i++ {
		value, joined := strings.CutPrefix(args[i], "--grid=")
		switch {
		case joined:
			grid = append(grid, value)
		case args[i] == "--grid" && i+1 < len(args):
			i++
			grid = append(grid, args[i])
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, grid
}

// Points are the runs of a sweep: the command line of a task with every combination of the grid's values, each in a folder of
// its own below --output, the first axis varying slowest. All command lines are read, so that a wrong one is an error before
// any run begins. Every run resumes what its folder has: what is done is not done again.
func Points(t *dataset.Task, args, grid []string) ([]Point, error) {
	base, err := Parse(t, args)
	if err != nil {
		return nil, err
	}
	if o := base.Options; o.Overwrite || o.Test != "" {
		return nil, usage("a sweep trains, and goes on with what it has done: leave --test and --overwrite out; another --output begins anew")
	}
	axes, err := readAxes(t, grid)
	if err != nil {
		return nil, err
	}
	points := []Point{{}}
	for _, a := range axes {
		var more []Point
		for _, p := range points {
			for _, v := range a.Values {
				more = append(more, Point{Settings: append(slices.Clone(p.Settings), Setting{a.Flag, v})})
			}
		}
		if points = more; len(points) > mostPoints {
			return nil, usage("--grid: these values make more than %d runs", mostPoints)
		}
	}
	names := map[string]bool{}
	for i := range points {
		p := &points[i]
		p.Name = folderName(p.Settings)
		if names[p.Name] {
			return nil, usage("--grid: two runs would share the folder %s; give each value once", p.Name)
		}
		names[p.Name] = true
		p.Args = slices.Clone(args)
		for _, s := range p.Settings {
			p.Args = append(p.Args, "--"+s.Flag+"="+s.Value)
		}
		p.Args = Again(append(p.Args, "--output="+filepath.Join(base.Options.Output, p.Name)))
		if p.Line, err = Parse(t, p.Args); err != nil {
			return nil, err
		}
	}
	return points, nil
}

// readAxes reads the values of --grid, with whole names of flags.
func readAxes(t *dataset.Task, grid []string) ([]Axis, error) {
	if len(grid) == 0 {
		return nil, usage("--grid is missing: %s", GridHelp)
	}
	set := pflag.NewFlagSet(t.Name, pflag.ContinueOnError)
	New(t).Add(set)
	var axes []Axis
	for _, text := range grid {
		name, list, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usage("--grid %q: %s", text, GridHelp)
		}
		name = strings.TrimPrefix(Expand([]string{"--" + strings.TrimLeft(name, "-")}, set)[0], "--")
		switch f := set.Lookup(name); {
		case f == nil:
			return nil, usage("--grid %q: %s has no flag --%s", text, t.Name, name)
		case slices.Contains(notOnAxes, name):
			return nil, usage("--grid %q: --%s is not part of what a run learns; give it beside --grid", text, name)
		case slices.ContainsFunc(axes, func(a Axis) bool { return a.Flag == name }):
			return nil, usage("--grid: --%s is there twice; give all of its values in one", name)
		}
		values, err := splitValues(list)
		if err != nil {
			return nil, usage("--grid %q: %w", text, err)
		}
		axes = append(axes, Axis{name, values})
	}
	return axes, nil
}

// notOnAxes are the flags that every run of a sweep has in common.
var notOnAxes = []string{"output", "resume", "overwrite", "test", "tqdm"}

// splitValues cuts a list at its commas, but for those in quotes.
func splitValues(list string) (values []string, err error) {
	var value strings.Builder
	quote := rune(0)
	for _, r := range list {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && r == ',':
			values = append(values, value.String())
			value.Reset()
		default:
			value.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the closing %c is missing", quote)
	}
	values = append(values, value.String())
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			return nil, fmt.Errorf("the value %q is there twice", v)
		}
	}
	return values, nil
}

// longestFolder is how long the name of a run's folder gets before it ends in a hash instead; file systems stop at 255 bytes.
const longestFolder = 120

// folderName is what a run is called: its settings, with what a folder's name cannot have replaced. Names that were shortened or
// changed by that end in a hash of the settings, so that they stay apart.
func folderName(settings []Setting) string {
	var parts []string
	for _, s := range settings {
		parts = append(parts, s.Flag+"="+s.Value)
	}
	whole := strings.Join(parts, ",")
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"'<>|`, r) {
			return '_'
		}
		return r
	}, whole)
	if name == whole && len(name) <= longestFolder {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(whole))
	return fmt.Sprintf("%s~%08x", strings.ToValidUTF8(name[:min(len(name), longestFolder)], ""), h.Sum32())
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/nogpu"
	"github.com/seed-516990b0/golxmert/lxmert/internal/roofline"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file finds out without a GPU what can be found out about one: which programs it would be given, whether they compile for it,
// and what they must cost there.

// AheadOptions are those of [Ahead]. The zero value of a field is its default.
type AheadOptions struct {
	Options // Peer (a Python with JAX), Backend (a CUDA plugin; default the one that is found), Words, Regions, Sizes, Self and Log
	Dir     string
	// MaxBatch makes larger batches this large; 0: none.
	MaxBatch int
	Limit    time.Duration // for one row; default half an hour
}

// Need is what a compiled program takes of a device's memory.
type Need = nogpu.Need

// Cost is what running a compiled program must cost.
type Cost = roofline.Cost

// AheadProgram is a program that was compiled. All but its cost in seconds is the compiler's; that is reckoned.
type AheadProgram struct {
	Name string `json:"name"`
	// Fallback says what the compiler found wrong with the program before it was told to leave its matrix products to cuBLAS; "":
	// nothing.
	Fallback string  `json:"fallback,omitempty"`
	CompileS float64 `json:"compile_s"`
	Need     Need    `json:"need"`
	Cost     Cost    `json:"cost"`
}

// AheadRow is what is given to a GPU for one thing.
type AheadRow struct {
	Name     string         `json:"name"`
	Version  string         `json:"version"` // of this library
	Plugin   string         `json:"plugin"`  // that compiled
	Seconds  float64        `json:"seconds"` // that the row took
	Error    string         `json:"error,omitempty"`
	Devices  int            `json:"devices"`
	Programs []AheadProgram `json:"programs"`
	// JAX is the same, of training a whole step, as plain JAX gives it to the same compiler in one program. Nil: it was not asked for.
	JAX        *AheadProgram `json:"jax,omitempty"`
	JAXVersion string        `json:"jax_version,omitempty"`
}

// aheadRow says what a row compiles.
type aheadRow struct {
	gpuRow
	devices int
}

// aheadRows are in order of worth. Updates are the second half of every step of training; in bfloat16 they also write copies of the
// weights.
var aheadRows = []aheadRow{
	{gpuRow{what: "train", batch: 32, bf16: true}, 1},
	{gpuRow{what: updating, batch: 1, bf16: true}, 1},
	{gpuRow{what: "train", batch: 256, bf16: true}, 1},
	{gpuRow{what: "train", batch: 32, tf32: true}, 1},
	{gpuRow{what: updating, batch: 1}, 1},
	{gpuRow{what: "explain", batch: 32, bf16: true}, 1},
	{gpuRow{what: "forward", batch: 512, bf16: true}, 1},
	{gpuRow{what: "train", batch: 32, bf16: true}, 4},
	{gpuRow{what: "train", batch: 256, bf16: true}, 4},
	{gpuRow{what: "train", batch: 32}, 1},
	{gpuRow{what: "train", batch: 256, tf32: true}, 1},
	{gpuRow{what: "train", batch: 256}, 1},
	{gpuRow{what: "explain", batch: 32, tf32: true}, 1},
	{gpuRow{what: "explain", batch: 32}, 1},
	{gpuRow{what: "forward", batch: 512, tf32: true}, 1},
	{gpuRow{what: "forward", batch: 512}, 1},
}

func (r aheadRow) name() string {
	switch {
	case r.what == updating:
		return updateOf(r.bf16)
	case r.devices > 1:
		return fmt.Sprintf("%s-%d-devices", r.gpuRow.name(), r.devices)
	}
	return r.gpuRow.name()
}

// updating is what the optimizer does, updateOf the row of it.
const updating = "update"

func updateOf(bf16 bool) string {
	if bf16 {
		return updating + "-bf16"
	}
	return updating + "-float32"
}

// programs are the names of those that a row is about.
func (r aheadRow) programs() []string {
	switch r.what {
	case "train":
		return []string{"lxrt inputs", "lxrt training"}
	case updating:
		return []string{"lxrt update"}
	}
	return []string{"lxrt"}
}

// Ahead compiles what training, prediction and explanation give to a GPU, for an H100 and without one, row by row. Like [GPU] it writes
// each row into a file of its own, and goes on where it was. What the compiler made of each program is kept beside.
func Ahead(ctx context.Context, o AheadOptions) (*AheadReport, error) {
	if o.Limit == 0 {
		o.Limit = 30 * time.Minute
	}
	spec := o.Backend
	o.Backend = ""
	o.Options = o.Options.withDefaults()
	o.Sizes = forFineTuning.heads(o.Sizes)
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkRows(o.Dir, o.MaxBatch); err != nil {
		return nil, err
	}
	a := &ahead{AheadOptions: o}
	var err error
	if a.cpu, a.cuda, err = aheadPlugins(ctx, spec); err != nil {
		return nil, err
	}
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	if o.Peer != "" {
		if a.jax, err = findJAX(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
	}
	a.dir = dir
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	report := &AheadReport{Machine: thisMachine(), Dir: o.Dir, Plugin: a.cuda}
	for _, row := range o.rows() {
		found, err := a.row(ctx, row)
		if err != nil {
			return nil, err
		}
		report.Rows = append(report.Rows, *found)
	}
	report.sumUp()
	return report, nil
}

// rows are those to compile, each once.
func (o AheadOptions) rows() (rows []aheadRow) {
	for _, r := range aheadRows {
		if o.MaxBatch > 0 {
			r.batch = max(r.devices, min(r.batch, o.MaxBatch)/r.devices*r.devices)
		}
		if !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// aheadPlugins are the processor's plugin and CUDA's, which spec may name.
func aheadPlugins(ctx context.Context, spec string) (cpu, cuda string, err error) {
	if !nogpu.Here {
		return "", "", nogpu.ErrElsewhere
	}
	name, _, _ := strings.Cut(spec, ",")
	path, isPath := strings.CutPrefix(name, "xla:/")
	switch {
	case isPath:
		cuda = "/" + path
		if info, err := os.Stat(cuda); err != nil || info.IsDir() {
			return "", "", fmt.Errorf("%w: --backend %s: there is no such file", ErrOptions, spec)
		}
	case name != "" && name != "cuda" && name != string(backend.KindCUDA):
		return "", "", fmt.Errorf("%w: --backend %s: programs are compiled by CUDA's plugin, which is found or which xla:/path/xla_cuda_plugin.so names", ErrOptions, spec)
	}
	list, err := backend.List(ctx, "go")
	if err != nil {
		return "", "", err
	}
	for _, c := range list {
		switch {
		case c.Kind == backend.KindCPU && c.Path == cuda:
			return "", "", fmt.Errorf("%w: --backend %s is a plugin for the processor, not CUDA's", ErrOptions, spec)
		case c.Kind == backend.KindCPU && c.Loads && cpu == "":
			cpu = c.Path
		case c.Kind == backend.KindCUDA && cuda == "":
			cuda = c.Path
		}
	}
	switch {
	case cuda == "":
		return "", "", errors.New("no CUDA plugin is there to compile with; `lxmert backend install cuda` brings one, and needs no GPU")
	case cpu == "":
		return "", "", errors.New("no plugin for the processor is there to build programs on; `lxmert backend install cpu` brings one")
	}
	return cpu, cuda, nil
}

// ahead is a call of [Ahead] under way.
type ahead struct {
	AheadOptions
	cpu, cuda string // plugins
	dir       string // for what nobody needs afterwards
	jax       *jaxPeer
}

// row is one that was found before, or finds it. One that was found without JAX is completed.
func (a *ahead) row(ctx context.Context, row aheadRow) (*AheadRow, error) {
	file := filepath.Join(a.Dir, "compiled-"+row.name()+".json")
	r, err := readRow[AheadRow](file)
	if err != nil {
		return nil, err
	}
	compiled := r != nil && len(r.Programs) > 0
	beside := a.jax != nil && row.besideJAX()
	if compiled && (r.JAX != nil || !beside) {
		r.Error = "" // an earlier call's, of JAX, which this one does not ask for
		return r, nil
	}
	fmt.Fprintf(a.Log, "bench: %s\n", row.name())
	if !compiled {
		r = &AheadRow{Name: row.name(), Version: lxrt.Version(), Plugin: a.cuda, Devices: row.devices}
	}
	r.Error = ""
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, a.Limit)
	defer cancel()
	if !compiled {
		r.Programs, err = a.programs(limited, row)
	}
	if err == nil && beside {
		r.JAXVersion = a.jax.about.JAX
		if r.JAX, err = a.besides(limited, row); err != nil {
			err = fmt.Errorf("JAX: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err // what was cut short is no result
	}
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it took longer than %s, which --limit allows", a.Limit)
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.Seconds += time.Since(begun).Seconds()
	if err := writeRow(file, r); err != nil {
		return nil, err
	}
	fmt.Fprintf(a.Log, "bench: %s\n", r)
	return r, nil
}

// programs are what a row gives to a GPU.
func (a *ahead) programs(ctx context.Context, row aheadRow) (list []AheadProgram, err error) {
	dir, err := os.MkdirTemp(a.dir, row.name()+"-")
	if err != nil {
		return nil, spaceHint(err)
	}
	defer os.RemoveAll(dir)
	what := row.what
	if what == updating {
		what = "train"
	}
	p, err := a.Runs.ours(job{Take: &takeSpec{
		Plugin: a.cpu, Dir: dir, Sizes: a.Sizes, What: what, Batch: row.batch, Words: a.Words, Regions: a.Regions,
		Devices: row.devices, BF16: row.bf16, TF32: row.tf32,
	}}, false)
	if err != nil {
		return nil, err
	}
	var taken []takenProgram
	if _, err := p.Run(ctx, &taken); err != nil {
		return nil, err
	}
	if taken, err = named(taken, row.programs()...); err != nil {
		return nil, err
	}
	for _, t := range taken {
		one, err := a.compile(ctx, row.name()+"-"+strings.ReplaceAll(t.Name, " ", "-"), t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		list = append(list, *one)
	}
	return list, nil
}

// compile compiles a program, and where that fails once more without Triton, as programs for a GPU are. name is for the file of what
// the compiler made of it.
func (a *ahead) compile(ctx context.Context, name string, t takenProgram) (*AheadProgram, error) {
	r := &AheadProgram{Name: t.Name}
	for _, without := range []bool{false, true} {
		dir, err := os.MkdirTemp(a.dir, "dump-")
		if err != nil {
			return nil, spaceHint(err)
		}
		defer os.RemoveAll(dir)
		p, err := a.Runs.ours(job{Ahead: &aheadSpec{Plugin: a.cuda, Program: t, WithoutTriton: without, Dump: dir}}, false)
		if err != nil {
			return nil, err
		}
		var result aheadResult
		if _, err := p.Run(ctx, &result); err != nil {
			return nil, err
		}
		switch {
		case result.Error == "":
			r.CompileS, r.Need = result.Seconds, result.Need
			r.Cost, err = readOptimized(dir, filepath.Join(a.Dir, "compiled-"+name+".hlo.txt"))
			return r, err
		case without:
			return nil, fmt.Errorf("it does not compile, with products of cuBLAS neither: %s", firstLine(result.Error))
		}
		r.Fallback = firstLine(result.Error)
	}
	return r, nil
}

// readOptimized counts what the compiler made of a program and wrote into a folder, and keeps that as a file.
func readOptimized(dir, keep string) (c Cost, err error) {
	const pattern = "*gpu_after_optimizations.txt"
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return c, err
	}
	if len(files) != 1 {
		return c, fmt.Errorf("the compiler wrote %s called %s, not one", plural(len(files), "file"), pattern)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return c, err
	}
	m, err := roofline.Parse(strings.NewReader(string(text)))
	if err == nil {
		c, err = m.Cost(roofline.H100())
	}
	if err != nil {
		return c, fmt.Errorf("what the compiler made of it: %w", err)
	}
	return c, spaceHint(os.WriteFile(keep, text, 0o644))
}

// firstLine is where a compiler says what is wrong; where, and in which of its structures, comes after that.
func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if before, _, found := strings.Cut(text, ", lhs_contracting"); found {
		text = before
	}
	return text
}

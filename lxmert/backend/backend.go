package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// Backend is an open compute backend and what is known about it. GoMLX is given the embedded compute.Backend, not the
// Backend itself, since it compares backends and looks behind the interface.
type Backend struct {
	compute.Backend
	Kind       Kind
	Spec       string   // opens the same backend again, options included
	Plugin     string   // path of the XLA plugin; "" for the Go backend
	APIVersion string   // of the plugin's PJRT interface, such as "0.81"; "" for the Go backend
	Devices    []string // one description per device
	Why        string   // why this one was taken
	Note       string   // which parts of package speed are on, and why others are not; "" where there is nothing to say

	slower string // of Note, what makes it slower than it could be
}

// ErrNotFound is wrapped by errors that say no plugin of the kind asked for could be used.
var ErrNotFound = errors.New("no usable XLA plugin")

const (
	installCPU  = "`lxmert backend install cpu`"
	installCUDA = "`lxmert backend install cuda`"
)

// Open opens the backend that spec names. "" means: what GOMLX_BACKEND says; else a CUDA plugin that is installed and
// finds a GPU; else an installed XLA CPU plugin; else the Go backend. Other specs are "xla" (the best XLA), "cpu" or
// "xla:cpu", "cuda" or "xla:cuda", "xla:/path/plugin.so" (opened directly), each with options after commas as in
// "xla:cuda,tf32=true" or "cpu,devices=4" (the processor as four devices, to try data parallelism), and "go".
//
// It writes one line to log (nil: nowhere) that says what it took, and one for each plugin that it could not use. On
// CUDA, products are full float32 (tf32=false) and memory is taken as it is needed, up to nine tenths of the GPU's, unless
// the spec says otherwise. It never downloads. Errors wrap [ErrSpec] or [ErrNotFound], or say why a plugin failed to load.
func Open(ctx context.Context, spec string, log io.Writer) (*Backend, error) {
	return thisMachine().open(ctx, spec, log)
}

func (m *machine) open(ctx context.Context, spec string, log io.Writer) (*Backend, error) {
	if log == nil {
		log = io.Discard
	}
	r, err := m.request(spec)
	if err != nil {
		return nil, err
	}
	if r.note != "" {
		fmt.Fprintf(log, "backend: %s\n", r.note)
	}
	var b *Backend
	switch {
	case r.kind == KindGo:
		b, err = openGo("asked for")
	case r.path != "":
		if b, err = m.openPlugin(r, candidate{kind: r.kind, path: r.path}); err != nil {
			err = m.withoutGPU(ctx, r, err)
		}
	default:
		b, err = m.openFound(ctx, r, log)
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "backend: %s\n", b.describe())
	return b, nil
}

// withoutGPU adds to an error of a CUDA plugin that this machine has no GPU, if so.
func (m *machine) withoutGPU(ctx context.Context, r request, err error) error {
	if r.kind != KindCUDA || !m.canXLA || m.checkFile(r.path) != nil {
		return err
	}
	if hasGPU, how := m.findGPU(ctx); !hasGPU {
		return fmt.Errorf("%w; %s", err, noGPU(how))
	}
	return err
}

// request parses spec, or what GOMLX_BACKEND says where spec is empty.
func (m *machine) request(spec string) (request, error) {
	env := ""
	if strings.TrimSpace(spec) == "" {
		env = m.getenv(compute.ConfigEnvVar)
		spec = env
	}
	r, err := parseSpec(spec)
	if env != "" {
		from := fmt.Sprintf("%s=%s", compute.ConfigEnvVar, env)
		if err != nil {
			return r, fmt.Errorf("%s: %w", compute.ConfigEnvVar, err)
		}
		r.note = strings.Replace(r.note, r.from, from, 1)
		r.from = from
	}
	return r, err
}

// openFound opens the best plugin that works, and the Go backend where any will do.
func (m *machine) openFound(ctx context.Context, r request, log io.Writer) (b *Backend, err error) {
	hasGPU, gpu := m.findGPU(ctx)
	none, err := m.pick(ctx, r, hasGPU, gpu, log, func(c candidate) error {
		if b, err = m.openPlugin(r, c); err != nil {
			m.forget(c.path)
			return err
		}
		b.Why = c.where
		if c.kind == KindCPU && hasGPU && r.kind != KindCPU {
			b.Why += "; the GPU (" + gpu + ") is not used, " + installCUDA + " makes it so"
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case none == nil:
		return b, nil
	case r.kind == KindAuto:
		return openGo(none.why)
	}
	return nil, none.err(r)
}

// nothing is why no plugin was taken and what would help, and what is wrong with those that are there.
type nothing struct {
	why     string
	skipped []string
}

func (n *nothing) err(r request) error {
	err := fmt.Errorf("%s: %w: %s", r.from, ErrNotFound, n.why)
	if len(n.skipped) > 0 {
		err = fmt.Errorf("%w (%s)", err, strings.Join(n.skipped, "; "))
	}
	return err
}

// pick gives the plugins that a request may use and that work when they are tried, best first, to use until one is taken. None
// is nil if one was. The error is the context's.
func (m *machine) pick(ctx context.Context, r request, hasGPU bool, gpu string, log io.Writer, use func(c candidate) error) (none *nothing, err error) {
	none = &nothing{}
	for _, c := range m.candidates(r.kind, hasGPU) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		why := m.try(ctx, c)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if why == "" {
			err := use(c)
			if err == nil {
				return nil, nil
			}
			why = err.Error()
		}
		none.skipped = append(none.skipped, c.path+": "+why)
		fmt.Fprintf(log, "backend: skipped %s: %s\n", c.path, why)
	}
	none.why = m.nothingFound(r.kind, hasGPU, gpu, len(none.skipped))
	return none, nil
}

// nothingFound says why no plugin was taken and what would help.
func (m *machine) nothingFound(kind Kind, hasGPU bool, gpu string, broken int) string {
	install := installCPU
	if kind == KindCUDA || kind != KindCPU && hasGPU {
		install = installCUDA
	}
	switch {
	case !m.canXLA:
		return fmt.Sprintf("this program was built without XLA; a build with cgo (CGO_ENABLED=1) on Linux makes it many times faster, with %s", install)
	case kind == KindCUDA && !hasGPU && broken == 0:
		return fmt.Sprintf("no NVIDIA GPU and no CUDA plugin found; on a machine with a GPU run %s", installCUDA)
	case kind == KindCUDA && !hasGPU:
		return noGPU(gpu)
	case broken > 0:
		return fmt.Sprintf("none of the %d XLA plugins found works; %s brings one that does", broken, install)
	}
	return fmt.Sprintf("no XLA plugin is installed; %s makes it many times faster", install)
}

// noGPU says what a CUDA plugin lacks on a machine where no GPU was found, and how that is known.
func noGPU(how string) string {
	return fmt.Sprintf(`this machine has no NVIDIA GPU (%s); the backend "cpu" computes on the processor`, how)
}

func (m *machine) openPlugin(r request, c candidate) (*Backend, error) {
	if !m.canXLA {
		return nil, fmt.Errorf("%s: this program was built without XLA; build it with cgo (CGO_ENABLED=1), or use \"go\"", r.from)
	}
	if err := m.checkFile(c.path); err != nil {
		return nil, err
	}
	options := r.pluginOptions(c.kind)
	l, err := m.load(c.path, c.kind, options)
	if err != nil {
		return nil, fmt.Errorf("XLA plugin %s does not open: %s", c.path, oneLine(err.Error()))
	}
	return &Backend{
		Backend: l.backend, Kind: c.kind, Spec: strings.Join(append([]string{"xla:" + c.path}, options...), ","),
		Plugin: c.path, APIVersion: l.api, Devices: l.devices, Why: "asked for", Note: l.note, slower: l.slower,
	}, nil
}

func openGo(why string) (*Backend, error) {
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", GoSpec, err)
	}
	return &Backend{Backend: b, Kind: KindGo, Spec: GoSpec, Devices: devicesOf(b), Why: why}, nil
}

// describe is the line that a user reads: what was taken, and why.
func (b *Backend) describe() string {
	if b.Kind == KindGo {
		return fmt.Sprintf("%s, pure Go (%s)", GoSpec, b.Why)
	}
	devices := "1 device"
	if n := len(b.Devices); n != 1 {
		devices = fmt.Sprintf("%d devices", n)
	}
	line := fmt.Sprintf("%s, %s, PJRT API %s, %s (%s)", b.Kind, devices, b.APIVersion, b.Plugin, b.Why)
	if b.slower != "" {
		line += "; " + b.slower
	}
	return line
}

// loaded is a plugin opened in this process.
type loaded struct {
	backend compute.Backend
	api     string
	devices []string
	note    string
	slower  string // of note
}

func devicesOf(b compute.Backend) []string {
	devices := make([]string, b.NumDevices())
	for i := range devices {
		devices[i] = b.DeviceDescription(compute.DeviceNum(i))
	}
	return devices
}

// oneLine joins the lines of a message that comes from elsewhere, for one that goes on after it, and bounds its length.
func oneLine(s string) string {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + " …"
	}
	return s
}

package backend

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrSpec is wrapped by every error that says a spec names no backend.
var ErrSpec = errors.New("no such backend")

// specHelp ends every error about a spec.
const specHelp = `use "" (choose), "xla", "xla:cpu", "xla:cuda", "xla:/path/to/plugin.so" or "go"`

// xlaOptions are the options that XLA backends take after a comma, as in "xla:cuda,tf32=true". devices is ours: as how
// many devices the processor shows itself; the others are go-xla's.
var xlaOptions = []string{
	"allocator", "devices", "memory_fraction", "preallocate", "shared_buffers", "tf32", "use_tfrt_gpu_client", "visible_devices",
}

// TF32IsForGPUs is what a user is told who asks for TensorFloat-32 elsewhere.
const TF32IsForGPUs = "tf32 is for GPUs; the processor's products are full float32"

// request is a parsed spec.
type request struct {
	from    string   // how the user gave it, for messages
	kind    Kind     // what is asked for
	path    string   // absolute path of a plugin; "": search
	options []string // for go-xla
	note    string   // something to tell the user; "": nothing
}

// parseSpec understands "", "xla", "cpu", "xla:cpu", "cuda", "xla:cuda", "xla:PATH", "go", each but "go" with options
// after commas. "stablehlo", "shlo" and "hlo", go-xla's other names for itself, mean "xla".
func parseSpec(spec string) (request, error) {
	r := request{from: fmt.Sprintf("backend %q", spec)}
	family, target, hasTarget := strings.Cut(strings.TrimSpace(spec), ":")
	if !hasTarget {
		var options string
		family, options, _ = strings.Cut(family, ",")
		r.options = splitOptions(options)
		switch family {
		case "cpu", "cuda":
			family, target = "xla", family
		}
	}
	switch family {
	case "":
		if hasTarget || len(r.options) > 0 {
			return r, r.unknown()
		}
		return r, nil
	case "go":
		r.kind = KindGo
		if options := append(r.options, splitOptions(target)...); hasTarget && !slices.Equal(options, []string{"ops_sequential"}) || len(r.options) > 0 {
			r.note = fmt.Sprintf("%s: opened as %s instead, the only mode of the Go backend that does not deadlock on this model", r.from, GoSpec)
		}
		r.options = nil
		return r, nil
	case "xla", "stablehlo", "shlo", "hlo":
	default:
		return r, r.unknown()
	}

	if hasTarget {
		var options string
		target, options, _ = strings.Cut(target, ",")
		r.options = splitOptions(options)
	}
	switch {
	case target == "":
		r.kind = KindXLA
	case target == "cpu":
		r.kind = KindCPU
	case target == "cuda" || target == "gpu":
		r.kind = KindCUDA
	case strings.ContainsAny(target, `/\`) || isLibrary(target):
		path, err := filepath.Abs(target)
		if err != nil {
			return r, fmt.Errorf("%s: %w", r.from, err)
		}
		r.path, r.kind = path, kindOfFile(path)
	default:
		return r, r.unknown()
	}
	if r.kind == KindCPU && slices.ContainsFunc(r.options, func(o string) bool { return o == "tf32" || o == "tf32=true" }) {
		r.note = fmt.Sprintf("%s: %s", r.from, TF32IsForGPUs)
	}
	return r, r.checkOptions()
}

func (r request) unknown() error { return fmt.Errorf("%s: %w; %s", r.from, ErrSpec, specHelp) }

func (r request) checkOptions() error {
	for _, o := range r.options {
		name, _, _ := strings.Cut(o, "=")
		if !slices.Contains(xlaOptions, name) && !slices.Contains(xlaOptions, strings.TrimPrefix(name, "no")) {
			return fmt.Errorf("%s: %w: unknown option %q; XLA takes %s", r.from, ErrSpec, name, strings.Join(xlaOptions, ", "))
		}
	}
	if _, _, err := deviceOption(r.options); err != nil {
		return fmt.Errorf("%s: %w", r.from, err)
	}
	return nil
}

// deviceOption takes devices=N out of options: 0 where it is not there.
func deviceOption(options []string) (rest []string, devices int, err error) {
	for _, o := range options {
		text, ok := strings.CutPrefix(o, "devices=")
		if !ok {
			rest = append(rest, o)
			continue
		}
		if devices, err = strconv.Atoi(text); err != nil || devices < 1 || devices > 64 {
			return nil, 0, fmt.Errorf("%w: devices=%s: it is a number from 1 to 64", ErrSpec, text)
		}
	}
	return rest, devices, nil
}

// has reports whether the user set an option, as name, name=value or noname.
func (r request) has(option string) bool {
	return slices.ContainsFunc(r.options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return name == option || name == "no"+option
	})
}

// pluginOptions are the options to open a plugin of this kind with: the user's, and where the user said nothing, full
// float32 products and memory as it is needed on a GPU, and the processor as one device: the plugin's own choice is at
// least four, and its pool then has four threads, which on two cores makes everything a tenth slower. Whether device memory is shared with the host is always said,
// because go-xla would guess it from the path.
func (r request) pluginOptions(kind Kind) []string {
	options := slices.Clone(r.options)
	set := func(name, value string) {
		if !r.has(name) {
			options = append(options, name+"="+value)
		}
	}
	switch kind {
	case KindCUDA:
		set("tf32", "false")
		if !r.has("preallocate") {
			set("preallocate", "false")
			set("memory_fraction", "0.9") // no more is ever taken; the plugin's own choice is 0.75
		}
		set("shared_buffers", "false")
	case KindCPU:
		options = withoutTF32(options)
		set("shared_buffers", "true")
		set("devices", "1")
	}
	return options
}

// withoutTF32 leaves away what only GPUs have: the processor's products are always full float32, and its compiler knows no others.
func withoutTF32(options []string) []string {
	return slices.DeleteFunc(options, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return name == "tf32" || name == "notf32"
	})
}

func splitOptions(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(o string) bool { return o == "" })
}

func isLibrary(name string) bool {
	switch filepath.Ext(name) {
	case ".so", ".dylib", ".dll":
		return true
	}
	return false
}

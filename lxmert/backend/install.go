package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// InstallOptions say how [Install] works. The zero value downloads and is silent.
type InstallOptions struct {
	Log   io.Writer // progress, a line each; nil: none
	Wheel string    // a wheel that is already here, instead of downloading; it must be the very file that is expected
	// Libtorch is the folder of an unpacked libtorch 2.1 (with lib and include in it), for "libtorch"; "": it is downloaded.
	Libtorch string
}

// ErrWithoutXLA is wrapped by [Install]'s error in a program that cannot load what would be installed.
var ErrWithoutXLA = errors.New("this program was built without XLA and could not load it; build it with cgo (CGO_ENABLED=1)")

// manifestName is the file beside an installed plugin that says where it came from.
const manifestName = "manifest.json"

// manifest says where an installed plugin came from.
type manifest struct {
	Source  string `json:"source"`           // "lammps-jax-pjrt-cpu", "jax-cuda13-pjrt", "go-xla"
	Version string `json:"version"`          //
	SHA256  string `json:"sha256,omitempty"` // of the wheel
	File    string `json:"file"`             // the plugin, relative to the manifest
	FileSum string `json:"file_sha256"`
	Size    int64  `json:"size"` // of the plugin, bytes
	// Refused are the SHA-256 of the wheels that come before this one and were tried, but do not work on this machine.
	Refused []string `json:"refused,omitempty"`
}

// Install brings an XLA plugin into the user's cache folder, where [Open] finds it: "cpu", or "cuda" ("cuda12" and
// "cuda13" where the driver's answer is not to be trusted) with the NVIDIA libraries that it needs. "libtorch" is no backend of
// GoMLX, but what the engine of package torch is built with: libtorch 2.1 with its headers, and a script env.sh beside it that
// sets what Go needs to know; the log says how to build.
//
// It downloads through pip, which knows the user's index and proxy, and checks the plugin's wheel against a pinned SHA-256;
// without pip a CPU plugin comes through go-xla's installer. The plugin is tried in a process of its own before it takes the place
// of another; of several CPU plugins the newest that works on this machine is taken. A file that is there already and has the
// right checksum is left alone. When nothing can be downloaded, the error says what
// to do by hand.
func Install(ctx context.Context, kind string, opts InstallOptions) error {
	in := &installation{
		machine: thisMachine(), log: opts.Log, wheel: opts.Wheel, libtorch: opts.Libtorch, free: diskspace.Free,
		cpu: cpuWheels, cuda: cudaReleases, packs: libtorchPacks, goXLA: installWithGoXLA,
	}
	in.tryLibtorch = in.tryWithCompiler
	if in.log == nil {
		in.log = io.Discard
	}
	if err := in.install(ctx, kind); err != nil {
		return fmt.Errorf("backend install %s: %w", kind, err)
	}
	return nil
}

// installation is one run of [Install].
type installation struct {
	*machine
	log             io.Writer
	wheel, libtorch string
	free            diskspace.Meter
	cpu             map[string][]wheel // by operating system and processor, the best first
	cuda            map[int]cudaRelease
	packs           map[string][]pack // by operating system and processor
	goXLA           func(ctx context.Context, dir string) error
	// tryLibtorch builds with a libtorch and says what it is.
	tryLibtorch func(ctx context.Context, flags buildFlags) (string, error)
}

func (in *installation) install(ctx context.Context, kind string) error {
	const ofLibtorch = "libtorch"
	switch {
	case kind != ofLibtorch && in.libtorch != "":
		return fmt.Errorf("%w: --libtorch is for `lxmert backend install libtorch`", ErrSpec)
	case kind == ofLibtorch && in.wheel != "":
		return fmt.Errorf("%w: --wheel is for XLA's plugins; --libtorch names an unpacked libtorch", ErrSpec)
	case kind != ofLibtorch && !in.canXLA:
		return ErrWithoutXLA
	case in.cache == "":
		return errors.New("this system names no cache folder for the user; set HOME or XDG_CACHE_HOME")
	}
	in.sweep()
	switch kind {
	case ofLibtorch:
		return in.installLibtorch(ctx)
	case "cpu":
		return in.installCPU(ctx)
	case "cuda":
		major, hint := in.cudaMajor(ctx)
		return in.installCUDA(ctx, major, hint)
	case "cuda12":
		return in.installCUDA(ctx, 12, "")
	case "cuda13":
		return in.installCUDA(ctx, 13, "")
	}
	return fmt.Errorf(`%w: there are "cpu", "cuda" and "libtorch"`, ErrSpec)
}

func (in *installation) installCPU(ctx context.Context) error {
	wheels := in.cpu[in.os+"/"+in.arch]
	dir := in.installDir("cpu")
	if len(wheels) == 0 {
		return in.installThroughGoXLA(ctx, dir, fmt.Errorf("there is no wheel for %s/%s", in.os, in.arch))
	}
	if in.wheel != "" {
		w, err := wheelOf(in.wheel, wheels)
		if err != nil {
			return err
		}
		wheels = []wheel{w}
	}
	have, whole := installed(dir)
	var refused []string // those that were tried here, now or when what is installed was
	var missing error
	for i, w := range wheels {
		if whole && have.SHA256 == w.sha256 && have.Version == w.version {
			fmt.Fprintf(in.log, "backend: %s is already installed in %s\n", w.requirement(), dir)
			if have.Refused = refused; len(refused) == 0 {
				return nil
			}
			return writeManifest(dir, have)
		}
		if whole && slices.Contains(have.Refused, w.sha256) {
			refused = append(refused, w.sha256)
			continue
		}
		err := in.installWheel(ctx, dir, w, refused)
		last := i == len(wheels)-1
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.Is(err, errChecksum), in.wheel != "":
			return err
		case !errors.As(err, new(notFetched)):
			if last {
				return err
			}
			refused = append(refused, w.sha256)
		default:
			missing = err
		}
		fmt.Fprintf(in.log, "backend: %v\n", err)
		if !last {
			fmt.Fprintf(in.log, "backend: trying %s instead\n", wheels[i+1].requirement())
		}
	}
	return in.installThroughGoXLA(ctx, dir, missing)
}

// notFetched is an error about a wheel that could not be downloaded.
type notFetched struct{ error }

func (e notFetched) Unwrap() error { return e.error }

// installWheel brings one wheel and puts its plugin in the place of whatever is installed. refused are those before it that do not
// work here.
func (in *installation) installWheel(ctx context.Context, dir string, w wheel, refused []string) error {
	stage, err := in.stage(in.installDir(""))
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	file, err := in.fetch(ctx, w, stage)
	if err != nil {
		return err
	}
	start := time.Now()
	staged := filepath.Join(stage, filepath.Base(w.member))
	size, err := w.unpack(file, staged)
	if err != nil {
		return err
	}
	fmt.Fprintf(in.log, "backend: unpacked %s in %s\n", progress.Bytes(size), progress.Since(start))
	result, err := in.tryStaged(ctx, staged)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, filepath.Base(w.member))
	if err := in.place(manifest{Source: w.project, Version: w.version, SHA256: w.sha256, Refused: refused}, staged, path, result); err != nil {
		return err
	}
	return in.removeOthers(dir, path)
}

// fetch returns the verified wheel: the one given, or a download.
func (in *installation) fetch(ctx context.Context, w wheel, dir string) (string, error) {
	if in.wheel != "" {
		return in.wheel, w.verify(in.wheel)
	}
	p, err := in.findPip(ctx)
	if err != nil {
		return "", notFetched{err}
	}
	fmt.Fprintf(in.log, "backend: downloading %s (%s) with %s\n", w.requirement(), progress.Bytes(w.size), p)
	start := time.Now()
	file, err := p.download(ctx, w, dir)
	if err != nil {
		return "", notFetched{err}
	}
	if err := w.verify(file); err != nil {
		return "", err
	}
	fmt.Fprintf(in.log, "backend: downloaded and verified in %s\n", progress.Since(start))
	return file, nil
}

// tryStaged tries a plugin before it takes its place.
func (in *installation) tryStaged(ctx context.Context, path string) (probeResult, error) {
	if err := in.checkFile(path); err != nil {
		return probeResult{}, err
	}
	if in.probe == nil {
		return probeResult{}, nil
	}
	start := time.Now()
	r := in.probe(ctx, path)
	if r.Err != "" {
		return r, fmt.Errorf("the plugin does not work on this machine and was not installed: %s", r.Err)
	}
	fmt.Fprintf(in.log, "backend: it works: PJRT API %s, %d device(s), tried in %s\n", r.API, len(r.Devices), progress.Since(start))
	return r, nil
}

// place moves a staged plugin to its place and writes its manifest, of which m has the source. The old manifest goes first,
// so that one never describes another file.
func (in *installation) place(m manifest, staged, path string, result probeResult) error {
	sum, size, err := fileSum(staged)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, manifestName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(staged, path); err != nil {
		return err
	}
	in.remember(path, result)
	m.File, m.FileSum, m.Size = filepath.Base(path), sum, size
	err = writeManifest(dir, m)
	if err == nil {
		fmt.Fprintf(in.log, "backend: installed %s\n", path)
	}
	return err
}

// same reports whether the very plugin is there already.
func (in *installation) same(dir string, w wheel) bool {
	have, whole := installed(dir)
	return whole && have.SHA256 == w.sha256 && have.Version == w.version
}

// readManifest reads that of a folder, if there is one.
func readManifest(dir string) (m manifest, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	return m, err == nil && json.Unmarshal(text, &m) == nil && filepath.IsLocal(m.File)
}

// installed reads the manifest of a folder, and whether the plugin is still what it says.
func installed(dir string) (have manifest, whole bool) {
	have, ok := readManifest(dir)
	if !ok {
		return have, false
	}
	sum, size, err := fileSum(filepath.Join(dir, have.File))
	return have, err == nil && sum == have.FileSum && size == have.Size
}

// goXLASource is the manifest's source of a plugin that go-xla's installer brought.
const goXLASource = "go-xla"

// installThroughGoXLA is the way without pip. Because says why it is taken. go-xla's installer takes any file of the right
// name for an installed one, so it works in a folder of its own.
func (in *installation) installThroughGoXLA(ctx context.Context, dir string, because error) error {
	if have, whole := installed(dir); whole && have.Source == goXLASource {
		fmt.Fprintf(in.log, "backend: %s is already installed in %s\n", have.File, dir)
		return nil
	}
	fmt.Fprintln(in.log, "backend: trying go-xla's own installer; its download has no pinned checksum")
	stage, err := in.stage(in.installDir(""))
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	if err := in.goXLA(ctx, stage); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w; go-xla's installer failed too: %s; %s", because, oneLine(err.Error()), in.byHand())
	}
	found := in.search(KindCPU, []place{{stage, ""}})
	if len(found) == 0 {
		return fmt.Errorf("%w; go-xla's installer brought no plugin; %s", because, in.byHand())
	}
	staged, err := filepath.EvalSymlinks(found[0].path)
	if err != nil {
		return err
	}
	result, err := in.tryStaged(ctx, staged)
	if err != nil {
		return err
	}
	name := filepath.Base(staged)
	path := filepath.Join(dir, name)
	if err := in.place(manifest{Source: goXLASource, Version: name}, staged, path, result); err != nil {
		return err
	}
	return in.removeOthers(dir, path)
}

// removeOthers removes the plugins whose place another has taken: a search would go on finding them first.
func (in *installation) removeOthers(dir, path string) error {
	for _, other := range in.search(KindCPU, []place{{dir, ""}}) {
		if other.path == path {
			continue
		}
		if err := os.Remove(other.path); err != nil {
			return err
		}
		fmt.Fprintf(in.log, "backend: removed %s, whose place it takes\n", other.path)
	}
	return nil
}

// byHand says how to go on without a network.
func (in *installation) byHand() string {
	dir := in.installDir("cpu")
	wheels := in.cpu[in.os+"/"+in.arch]
	if len(wheels) == 0 {
		return fmt.Sprintf("copy a PJRT CPU plugin to %s, or set GOMLX_BACKEND=xla:/path/to/plugin", filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"))
	}
	w := wheels[0]
	return fmt.Sprintf("where there is a network, run `pip download --no-deps --only-binary=:all: --platform %s %s`, bring the wheel here and run "+
		"`lxmert backend install cpu --wheel FILE`; or copy the plugin to %s; or set GOMLX_BACKEND=xla:/path/to/plugin.so",
		w.platform, w.requirement(), filepath.Join(dir, filepath.Base(w.member)))
}

// stagePattern names the folders in which installations prepare what they then move.
const stagePattern = ".part-*"

// stage makes one of them below a folder, from which it can be moved without copying.
func (in *installation) stage(parent string) (string, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, stagePattern)
}

// sweep removes what installations left behind that were killed more than a day ago.
func (in *installation) sweep() {
	for _, parent := range []string{in.installDir(""), in.libtorchDir()} {
		old, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(parent), stagePattern))
		for _, dir := range old {
			if info, err := os.Lstat(dir); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
				os.RemoveAll(dir)
			}
		}
	}
}

func writeManifest(dir string, m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestName), append(text, '\n'))
}

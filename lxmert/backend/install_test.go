//go:build unix

package backend

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeInstallation is an installation on a machine whose pip brings the given wheel file.
func fakeInstallation(t *testing.T, wheelFile []byte) (*installation, *bytes.Buffer) {
	t.Helper()
	m, env := fakeMachine(t)
	env["PATH"] = filepath.Join(m.root, "bin")
	served := filepath.Join(m.root, "served.whl")
	putFile(t, served, string(wheelFile))
	putFile(t, filepath.Join(m.root, "bin/python3"), `#!/bin/sh
case "$3" in
--version) echo "pip 24.0 from x (python 3.12)" ;;
download) while [ "$1" != --dest ]; do shift; done; cp "`+served+`" "$2/plugin.whl" ;;
*) exit 3 ;;
esac
`)
	sum := sha256.Sum256(wheelFile)
	log := &bytes.Buffer{}
	return &installation{
		machine: m, log: log,
		cpu: map[string][]wheel{"linux/amd64": {{
			project: "plugin", version: "1", platform: "any", sha256: fmt.Sprintf("%x", sum), member: "a/xla_cpu_pjrt.so",
		}}},
		goXLA: func(context.Context, string) error { return errors.New("no network here either") },
	}, log
}

// wheelWith is a wheel (a zip file) with the given members.
func wheelWith(t *testing.T, members map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// goodWheel holds a plugin, and a member that wants to leave its folder.
func goodWheel(t *testing.T) []byte {
	t.Helper()
	plugin, err := os.ReadFile(putPlugin(t, t.TempDir(), "p.so"))
	if err != nil {
		t.Fatal(err)
	}
	return wheelWith(t, map[string]string{"a/xla_cpu_pjrt.so": string(plugin), "../../evil.so": "evil", "a/METADATA": "x"})
}

// leftovers are the files below the cache folder, relative to it.
func leftovers(t *testing.T, in *installation) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(in.cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(in.cache, path)
			if filepath.Dir(rel) == "probe" {
				rel = "probe/x"
			}
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(files, " ")
}

func TestInstallBringsThePluginAndNothingElse(t *testing.T) {
	in, log := fakeInstallation(t, goodWheel(t))
	if err := in.install(t.Context(), "cpu"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got := leftovers(t, in); got != "pjrt/cpu/manifest.json pjrt/cpu/xla_cpu_pjrt.so probe/x" {
		t.Errorf("the cache has %s", got)
	}
	var have manifest
	text, err := os.ReadFile(filepath.Join(in.cache, "pjrt/cpu/manifest.json"))
	if err != nil || json.Unmarshal(text, &have) != nil || have.SHA256 != in.cpu["linux/amd64"][0].sha256 || have.Version != "1" {
		t.Errorf("manifest %s, %v", text, err)
	}
	if b, err := in.open(t.Context(), "", nil); err != nil || b.Kind != KindCPU {
		t.Errorf("open says %+v, %v", b, err)
	}

	log.Reset()
	if err := in.install(t.Context(), "cpu"); err != nil || !strings.Contains(log.String(), "already installed") {
		t.Errorf("again: %v, %s", err, log)
	}
	plugin := filepath.Join(in.cache, "pjrt/cpu/xla_cpu_pjrt.so")
	if err := os.Truncate(plugin, 10); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	if err := in.install(t.Context(), "cpu"); err != nil || strings.Contains(log.String(), "already") {
		t.Errorf("over a damaged one: %v, %s", err, log)
	}
	if info, err := os.Stat(plugin); err != nil || info.Size() != 64 {
		t.Errorf("the damaged plugin is still there: %v", err)
	}
}

func TestFailedInstallLeavesThingsAsTheyWere(t *testing.T) {
	good := goodWheel(t)
	for _, c := range []struct {
		name  string
		wheel []byte
		spoil func(t *testing.T, in *installation)
		want  []string
	}{
		{"wrong checksum", good, func(_ *testing.T, in *installation) {
			in.cpu["linux/amd64"][0].sha256 = strings.Repeat("0", 64)
		}, []string{"checksum differs", "nothing was installed", "plugin==1"}},
		{"cut wheel", good[:len(good)/2], nil, []string{"not a whole wheel"}},
		{"damaged member", bytes.Replace(good, []byte("ELF"), []byte("EEE"), 1), nil, []string{"cannot be unpacked"}},
		{"missing member", wheelWith(t, map[string]string{"b/x.so": "x"}), nil, []string{"has no a/xla_cpu_pjrt.so inside"}},
		{"member that is not a library", wheelWith(t, map[string]string{"a/xla_cpu_pjrt.so": "prose"}), nil, []string{"is not a shared library"}},
		{"plugin that crashes", good, func(_ *testing.T, in *installation) {
			in.probe = func(context.Context, string) probeResult { return probeResult{Err: "crashes (abort)"} }
		}, []string{"does not work on this machine", "crashes (abort)"}},
		{"no pip", good, func(t *testing.T, in *installation) {
			if err := os.RemoveAll(filepath.Join(in.root, "bin")); err != nil {
				t.Fatal(err)
			}
		}, []string{"no Python 3 with pip", "no network here either", "--wheel FILE", "GOMLX_BACKEND=xla:"}},
		{"pip is broken", good, func(t *testing.T, in *installation) {
			putFile(t, filepath.Join(in.root, "bin/python3"), "#!/bin/sh\necho No module named pip >&2; exit 1\n")
		}, []string{"no Python 3 with pip"}},
		{"offline", good, func(t *testing.T, in *installation) {
			putFile(t, filepath.Join(in.root, "bin/python3"), `#!/bin/sh
[ "$3" = --version ] && { echo "pip 24.0 (python 3.12)"; exit; }
echo "WARNING: Retrying: NewConnectionError: [Errno -3] Temporary failure in name resolution" >&2
echo "ERROR: No matching distribution found for plugin==1" >&2
exit 1
`)
		}, []string{"Temporary failure in name resolution", "--wheel FILE", "/pjrt/cpu/xla_cpu_pjrt.so", "GOMLX_BACKEND=xla:"}},
		{"index without the package", good, func(t *testing.T, in *installation) {
			putFile(t, filepath.Join(in.root, "bin/python3"), `#!/bin/sh
[ "$3" = --version ] && { echo "pip 24.0 (python 3.12)"; exit; }
echo "ERROR: No matching distribution found for plugin==1" >&2
exit 1
`)
		}, []string{"No matching distribution found"}},
		{"unknown kind", good, nil, []string{`"cpu", "cuda" and "libtorch"`}},
		{"no cache folder", good, func(_ *testing.T, in *installation) { in.cache = "" }, []string{"XDG_CACHE_HOME"}},
		{"wheel file is not there", good, func(_ *testing.T, in *installation) { in.wheel = "/nowhere/p.whl" }, []string{"/nowhere/p.whl"}},
		{"another wheel file", good, func(t *testing.T, in *installation) {
			in.wheel = filepath.Join(t.TempDir(), "other.whl")
			putFile(t, in.wheel, "other")
		}, []string{"other.whl", "checksum differs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, log := fakeInstallation(t, c.wheel)
			old := putPlugin(t, in.cache, "pjrt/cpu/xla_cpu_pjrt.so")
			if c.spoil != nil {
				c.spoil(t, in)
			}
			kind := "cpu"
			if c.name == "unknown kind" {
				kind = "tpu"
			}
			err := in.install(t.Context(), kind)
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v; log %s", err, log)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q has no %q", err, w)
				}
			}
			if in.cache != "" {
				if got := leftovers(t, in); got != "pjrt/cpu/xla_cpu_pjrt.so" {
					t.Errorf("the cache has %s", got)
				}
			}
			if _, err := os.Stat(old); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInstallFromAWheelAtHand(t *testing.T) {
	in, log := fakeInstallation(t, goodWheel(t))
	in.wheel = filepath.Join(in.root, "served.whl")
	if err := os.RemoveAll(filepath.Join(in.root, "bin")); err != nil {
		t.Fatal(err)
	}
	if err := in.install(t.Context(), "cpu"); err != nil || !strings.Contains(log.String(), "installed") {
		t.Errorf("%v\n%s", err, log)
	}
}

// newerAndOlder is an installation that could bring either of two plugins, of which the newer is called pjrt_c_api_cpu_plugin.so. The
// file fetched has a line for each download.
func newerAndOlder(t *testing.T) (in *installation, log *bytes.Buffer, fetched string) {
	t.Helper()
	olderFile := goodWheel(t)
	in, log = fakeInstallation(t, olderFile)
	older := in.cpu["linux/amd64"][0]
	plugin, err := os.ReadFile(putPlugin(t, t.TempDir(), "p.so"))
	if err != nil {
		t.Fatal(err)
	}
	file := wheelWith(t, map[string]string{"b/pjrt_c_api_cpu_plugin.so": string(plugin)})
	newer := wheel{project: "newer", version: "2", platform: "any", sha256: fmt.Sprintf("%x", sha256.Sum256(file)), member: "b/pjrt_c_api_cpu_plugin.so"}
	in.cpu["linux/amd64"] = []wheel{newer, older}
	served := filepath.Join(in.root, "served")
	putFile(t, filepath.Join(served, newer.exactly()), string(file))
	putFile(t, filepath.Join(served, older.exactly()), string(olderFile))
	fetched = filepath.Join(in.root, "fetched")
	putFile(t, filepath.Join(in.root, "bin/python3"), `#!/bin/sh
[ "$3" = --version ] && { echo "pip 24.0 (python 3.12)"; exit; }
while [ "$1" != --dest ]; do shift; done
echo "$3" >>"`+fetched+`"
[ -f "`+served+`/$3" ] || { echo "ERROR: No matching distribution found for $3" >&2; exit 1; }
cp "`+served+`/$3" "$2/plugin.whl"
`)
	return in, log, fetched
}

func TestTheNewestPluginThatWorksIsTaken(t *testing.T) {
	in, log, _ := newerAndOlder(t)
	if err := in.install(t.Context(), "cpu"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if have, whole := installed(in.installDir("cpu")); !whole || have.Source != "newer" {
		t.Errorf("the newer one: %+v", have)
	}

	in, log, fetched := newerAndOlder(t)
	in.probe = func(_ context.Context, path string) probeResult {
		if filepath.Base(path) == "pjrt_c_api_cpu_plugin.so" {
			return probeResult{Err: "crashes (illegal instruction)"}
		}
		return probeResult{}
	}
	for range 2 { // what does not work is not downloaded again
		if err := in.install(t.Context(), "cpu"); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	if have, whole := installed(in.installDir("cpu")); !whole || have.Source != "plugin" || len(have.Refused) != 1 {
		t.Errorf("the newer one crashes: %+v", have)
	}
	for _, want := range []string{"crashes (illegal instruction)", "trying plugin==1 instead", "plugin==1 is already installed"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	if text, err := os.ReadFile(fetched); err != nil || string(text) != "newer===2\nplugin===1\n" {
		t.Errorf("downloaded %s, %v", text, err)
	}

	in, log, _ = newerAndOlder(t)
	if err := os.Remove(filepath.Join(in.root, "served/newer===2")); err != nil {
		t.Fatal(err)
	}
	if err := in.install(t.Context(), "cpu"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if have, whole := installed(in.installDir("cpu")); !whole || have.Source != "plugin" || len(have.Refused) != 0 {
		t.Errorf("the newer one cannot be had: %+v", have)
	}
}

func TestANewerPluginTakesThePlaceOfAnOlderOne(t *testing.T) {
	in, log, _ := newerAndOlder(t)
	both := in.cpu["linux/amd64"]
	in.cpu["linux/amd64"] = both[1:]
	if err := in.install(t.Context(), "cpu"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	in.cpu["linux/amd64"] = both
	if err := in.install(t.Context(), "cpu"); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got := leftovers(t, in); got != "pjrt/cpu/manifest.json pjrt/cpu/pjrt_c_api_cpu_plugin.so probe/x probe/x" { // what is remembered of either
		t.Errorf("the cache has %s", got)
	}
	if b, err := in.open(t.Context(), "cpu", nil); err != nil || filepath.Base(b.Plugin) != "pjrt_c_api_cpu_plugin.so" {
		t.Errorf("open says %+v, %v", b, err)
	}
}

func TestGoXLAsInstallerHelpsWithoutPip(t *testing.T) {
	for _, arch := range []string{"amd64", "riscv64"} { // with a wheel but no pip; without a wheel
		in, log := fakeInstallation(t, nil)
		if err := os.RemoveAll(filepath.Join(in.root, "bin")); err != nil {
			t.Fatal(err)
		}
		in.arch = arch
		in.goXLA = func(_ context.Context, dir string) error {
			putPlugin(t, dir, "pjrt_c_api_cpu_v9_plugin.so")
			return nil
		}
		if err := in.install(t.Context(), "cpu"); err != nil {
			t.Fatalf("%s: %v\n%s", arch, err, log)
		}
		if b, err := in.open(t.Context(), "cpu", nil); err != nil || filepath.Base(b.Plugin) != "pjrt_c_api_cpu_v9_plugin.so" {
			t.Errorf("%s: open says %+v, %v", arch, b, err)
		}
	}
}

// goXLAFake makes go-xla's installer bring a plugin as it does: under a name with a version, with a link to it and a lock,
// and only where no file of that name is.
func goXLAFake(t *testing.T, in *installation) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(in.root, "bin")); err != nil { // pip
		t.Fatal(err)
	}
	in.goXLA = func(_ context.Context, dir string) error {
		const name = "pjrt_c_api_cpu_v9_plugin.so"
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
		putPlugin(t, dir, name)
		putFile(t, filepath.Join(dir, name+".lock"), "")
		return os.Symlink(name, filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"))
	}
}

func TestGoXLAsPluginIsTriedBeforeItTakesItsPlace(t *testing.T) {
	in, _ := fakeInstallation(t, nil)
	goXLAFake(t, in)
	old := putPlugin(t, in.cache, "pjrt/cpu/xla_cpu_pjrt.so")
	tried := ""
	in.probe = func(_ context.Context, path string) probeResult {
		tried = path
		return probeResult{Err: "crashes (abort)"}
	}
	err := in.install(t.Context(), "cpu")
	if err == nil || !strings.Contains(err.Error(), "crashes (abort)") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if filepath.Base(tried) != "pjrt_c_api_cpu_v9_plugin.so" || filepath.Dir(tried) == filepath.Dir(old) {
		t.Errorf("%s was tried, not the new plugin outside of %s", tried, filepath.Dir(old))
	}
	if got := leftovers(t, in); got != "pjrt/cpu/xla_cpu_pjrt.so" {
		t.Errorf("the cache has %s", got)
	}
}

func TestGoXLAReplacesWhatIsDamaged(t *testing.T) {
	in, log := fakeInstallation(t, nil)
	goXLAFake(t, in)
	plugin := filepath.Join(in.cache, "pjrt/cpu/pjrt_c_api_cpu_v9_plugin.so")
	putFile(t, filepath.Join(in.cache, "pjrt/cpu/xla_cpu_pjrt.so"), "\x7fELF cut short")
	for _, damage := range []func(){
		func() {},
		func() { putFile(t, plugin, "\x7fELF cut short") },
		func() { os.Remove(filepath.Join(in.cache, "pjrt/cpu", manifestName)) },
	} {
		damage()
		log.Reset()
		if err := in.install(t.Context(), "cpu"); err != nil || strings.Contains(log.String(), "already") {
			t.Fatalf("%v\n%s", err, log)
		}
		if got, _, _ := strings.Cut(leftovers(t, in), " probe/"); got != "pjrt/cpu/manifest.json pjrt/cpu/pjrt_c_api_cpu_v9_plugin.so" {
			t.Errorf("the cache has %s", got)
		}
		if b, err := in.open(t.Context(), "cpu", nil); err != nil || b.Plugin != plugin {
			t.Errorf("open says %+v, %v", b, err)
		}
	}
	log.Reset()
	in.goXLA = func(context.Context, string) error { return errors.New("asked for what is there") }
	if err := in.install(t.Context(), "cpu"); err != nil || !strings.Contains(log.String(), "already installed") {
		t.Errorf("over a whole one: %v\n%s", err, log)
	}
}

func TestInterruptedInstallStops(t *testing.T) {
	in, _ := fakeInstallation(t, goodWheel(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.install(ctx, "cpu"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := leftovers(t, in); got != "" {
		t.Errorf("left %s", got)
	}
}

// fakeCUDAInstallation is one of CUDA 13 whose pip brings what CUDA 13 needs, but for some.
func fakeCUDAInstallation(t *testing.T, without ...string) (*installation, *bytes.Buffer) {
	t.Helper()
	in, log := fakeInstallation(t, goodWheel(t))
	w := in.cpu["linux/amd64"][0]
	w.member = "jax_plugins/xla_cuda13/xla_cuda_plugin.so"
	r := cudaReleases[13]
	r.wheel, r.libraries = w, []string{"nvidia-x>=13"}
	in.cuda = map[int]cudaRelease{13: r}
	files := slices.DeleteFunc(append([]string{w.member}, r.needs...), func(f string) bool { return slices.Contains(without, f) })
	putFile(t, filepath.Join(in.root, "bin/python3"), `#!/bin/sh
case "$3" in
--version) echo "pip 24.0 from x (python 3.12)" ;;
download) while [ "$1" != --dest ]; do shift; done; cp "`+in.root+`/served.whl" "$2/plugin.whl" ;;
install) while [ "$1" != --target ]; do shift; done
  for f in `+strings.Join(files, " ")+`; do mkdir -p "$2/$(dirname $f)"; cp "`+putPlugin(t, in.root, "p.so")+`" "$2/$f"; done ;;
esac
`)
	return in, log
}

func TestInstallCUDALaysOutSitePackages(t *testing.T) {
	in, log := fakeCUDAInstallation(t)
	putFile(t, filepath.Join(in.installDir("cuda"), "old"), "")
	if err := in.install(t.Context(), "cuda"); err != nil || !strings.Contains(log.String(), "2.5 GB to download and 4.0 GB in") {
		t.Fatalf("%v\n%s", err, log)
	}
	want := []string{"jax_plugins/xla_cuda13/xla_cuda_plugin.so", "manifest.json"}
	want = append(want, in.cuda[13].needs...)
	slices.Sort(want)
	if got := leftovers(t, in); got != "pjrt/cuda/"+strings.Join(want, " pjrt/cuda/") {
		t.Errorf("the cache has %s", got)
	}
	if b, err := in.open(t.Context(), "cuda", nil); err != nil || b.Kind != KindCUDA {
		t.Errorf("open says %+v, %v", b, err)
	}
	log.Reset()
	if err := in.install(t.Context(), "cuda"); err != nil || !strings.Contains(log.String(), "already installed") {
		t.Errorf("again: %v, %s", err, log)
	}
	log.Reset()
	if err := os.Remove(filepath.Join(in.installDir("cuda"), "nvidia/cu13/bin/ptxas")); err != nil {
		t.Fatal(err)
	}
	if err := in.install(t.Context(), "cuda"); err != nil || strings.Contains(log.String(), "already") {
		t.Errorf("over one without ptxas: %v, %s", err, log)
	}
}

func TestInstallCUDAMissesNothing(t *testing.T) {
	for _, file := range cudaReleases[13].needs {
		in, _ := fakeCUDAInstallation(t, file)
		if err := in.install(t.Context(), "cuda"); err == nil || !strings.Contains(err.Error(), file+" is not among the files") {
			t.Errorf("without %s: %v", file, err)
		}
		if got := leftovers(t, in); got != "" {
			t.Errorf("without %s: the cache has %s", file, got)
		}
	}
}

func TestCUDAVersionFollowsDriverAndGPU(t *testing.T) {
	const old, current = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release"
	for _, c := range []struct {
		version, smiDriver, capability string
		want                           int
		known                          bool // of the driver
	}{
		{"", "", "", 13, false},
		{old, "", "", 12, true},
		{current, "", "", 13, true},
		{current, "", "9.0\n7.0", 12, true},
		{"", "", "9.0", 13, false},
		{"", "550.54.15", "9.0", 12, true},
		{"", "580.82.07", "9.0", 13, true},
		{current, "550.54.15", "9.0", 13, true}, // the kernel's word counts
	} {
		in, _ := fakeInstallation(t, nil)
		if c.version != "" {
			putFile(t, filepath.Join(in.root, "proc/driver/nvidia/version"), c.version)
		}
		putFile(t, filepath.Join(in.root, "bin/nvidia-smi"), `#!/bin/sh
case "$1" in
--query-gpu=driver_version) printf '`+c.smiDriver+`\n' ;;
--query-gpu=compute_cap) printf '`+c.capability+`\n' ;;
esac
`)
		if got, hint := in.cudaMajor(t.Context()); got != c.want || (hint == "") != c.known {
			t.Errorf("%q, %q, %q: CUDA %d, want %d; hint %q", c.version, c.smiDriver, c.capability, got, c.want, hint)
		}
	}
}

// TestAFailedTryNamesCUDA12WhereTheDriverIsNotKnown is about WSL and containers: nothing says which CUDA the driver is for.
func TestAFailedTryNamesCUDA12WhereTheDriverIsNotKnown(t *testing.T) {
	for kind, named := range map[string]bool{"cuda": true, "cuda13": false} {
		in, _ := fakeCUDAInstallation(t)
		putFile(t, filepath.Join(in.root, "dev/nvidia0"), "")
		in.probe = func(context.Context, string) probeResult {
			return probeResult{Err: "CUDA driver version is insufficient"}
		}
		err := in.install(t.Context(), kind)
		if err == nil || !strings.Contains(err.Error(), "driver version is insufficient") || strings.Contains(err.Error(), "backend install cuda12") != named {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestPinnedWheelsAreComplete(t *testing.T) {
	for name, wheels := range cpuWheels {
		for _, w := range wheels {
			if len(w.sha256) != 64 || kindOfFile(w.member) != KindCPU || w.platform == "" || w.size == 0 {
				t.Errorf("%s: %+v", name, w)
			}
		}
	}
	for major, r := range cudaReleases {
		if len(r.sha256) != 64 || kindOfFile(r.member) != KindCUDA || len(r.libraries) < 12 || r.download < r.size || r.disk < r.download {
			t.Errorf("CUDA %d: %+v", major, r)
		}
		// What XLA's compiler starts or reads, beside the libraries.
		for _, tool := range []string{"bin/ptxas", "nvvm/libdevice/libdevice.10.bc"} {
			if !slices.ContainsFunc(r.needs, func(f string) bool { return strings.HasSuffix(f, "/"+tool) }) {
				t.Errorf("CUDA %d is installed without looking for %s", major, tool)
			}
		}
	}
}

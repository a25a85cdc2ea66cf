package install

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Finding is what [Doctor] has to say about one part of an installation.
type Finding struct {
	Part string // what was looked at
	OK   bool
	Says string // what it is, or what is wrong with it
	Mend string // what to do about it; "" if it is all right, or nothing needs to be done
}

// checkTime is how long one check may take.
const checkTime = 60 * time.Second

// Doctor looks at each part of an installation and tries it.
func Doctor(ctx context.Context, p Place) []Finding {
	in := &installation{Place: p, Options: Options{Log: io.Discard}}
	var all []Finding
	add := func(part, mend string, check func(ctx context.Context) (string, error)) bool {
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		defer cancel()
		says, err := check(ctx)
		f := Finding{Part: part, OK: err == nil, Says: says}
		if err != nil {
			f.Says, f.Mend = err.Error(), mend
		}
		all = append(all, f)
		return f.OK
	}
	const again = "`go run ./kernel install`"
	add("Go", "", func(ctx context.Context) (string, error) {
		v, err := goVersion(ctx)
		in.goVersion = v
		return v, err
	})
	add("C compiler", "", func(ctx context.Context) (string, error) {
		cc, err := compiler(ctx)
		if err != nil {
			cc = err.Error() // all works without one, if slowly
		}
		return cc, nil
	})
	add("disk", "free space (`go clean -cache` and `pip cache purge` give some back)", func(context.Context) (string, error) { return in.checkDisk() })
	if !add("folder", again, func(context.Context) (string, error) {
		_, err := os.Stat(p.Dir)
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("nothing is installed in %s", p.Dir)
		}
		return p.Dir, err
	}) {
		return all
	}
	add("write access", "`chown` or `chmod`, or let "+DirEnv+" name another folder", func(context.Context) (string, error) { return in.checkWriting() })
	add("Python", again, in.checkPython)
	for _, t := range tools {
		add(t.name, again, func(ctx context.Context) (string, error) { return t.check(ctx, in) })
	}
	add("kernel program", again, in.checkKernel)
	add("module of cells", again, in.checkPrelude)
	add("kernelspec", again, in.checkKernelspec)
	left := ""
	add("processes", "", func(context.Context) (says string, err error) {
		says, left = describeProcesses(Processes(p))
		if left != "" {
			err = errors.New(says)
		}
		return says, err
	})
	if left != "" {
		all[len(all)-1].Mend = left
	}
	return all
}

// describeProcesses says what runs from an installation, and how to end what was left behind by a kernel.
func describeProcesses(list []Process) (says, end string) {
	var running, left, pids []string
	for _, p := range list {
		if p.PID == os.Getpid() {
			continue
		}
		text := fmt.Sprintf("%s (%d)", p.Name, p.PID)
		if p.Orphan {
			left, pids = append(left, text), append(pids, strconv.Itoa(p.PID))
		} else {
			running = append(running, text)
		}
	}
	switch {
	case len(left) > 0:
		return "of kernels that have ended, these still run: " + strings.Join(left, ", "), "`kill " + strings.Join(pids, " ") + "`"
	case len(running) > 0:
		return "running: " + strings.Join(running, ", "), ""
	}
	return "none is running", ""
}

// checkWriting writes a file into each of the folders that kernels and Jupyter write into.
func (in *installation) checkWriting() (string, error) {
	for _, dir := range []string{in.Dir, in.path("steps"), in.path("jupyter"), in.goplsCache(), os.TempDir()} {
		f, err := os.CreateTemp(dir, ".doctor-*")
		if errors.Is(err, os.ErrNotExist) && dir != in.Dir && dir != os.TempDir() {
			continue // made when it is first needed
		}
		if err != nil {
			return "", fmt.Errorf("%s cannot be written: %w", dir, err)
		}
		f.Close()
		if err := os.Remove(f.Name()); err != nil {
			return "", err
		}
	}
	return "yes, also to " + os.TempDir(), nil
}

func (in *installation) checkDisk() (string, error) {
	free, known := diskspace.Free(in.Dir)
	switch {
	case !known:
		return "how much is free cannot be told", nil
	case free < reinstallSpace:
		return "", fmt.Errorf("%s are free where the installation is: cells will fail to compile", progress.Bytes(free))
	}
	return progress.Bytes(free) + " are free", nil
}

// checkNote says whether a step was done with what it would be done with today.
func (in *installation) checkNote(ctx context.Context, id string) error {
	for _, s := range steps() {
		if s.id != id {
			continue
		}
		have, err := os.ReadFile(in.note(id))
		if err != nil {
			return errors.New("it was not installed, or the installation was cut off")
		}
		want, err := s.want(ctx, in)
		if err != nil {
			return err
		}
		if string(have) != want {
			return errors.New("it is there in another version than this program wants")
		}
	}
	return nil
}

func (in *installation) checkPython(ctx context.Context) (string, error) {
	if err := in.checkNote(ctx, "python"); err != nil {
		return "", err
	}
	script := "import sys, importlib.metadata as m\nimport jupyterlab, nbclient, nbconvert, jupyter_client\n" +
		"print(sys.version.split()[0], *(a + ' ' + m.version(a) for a in ('jupyterlab', 'nbclient', 'nbconvert')), sep=', ')"
	out, err := command(ctx, "", nil, in.PythonProgram("python"), "-c", script)
	return strings.TrimSpace(out), err
}

// check tries a tool.
func (t tool) check(ctx context.Context, in *installation) (string, error) {
	if err := in.checkNote(ctx, t.name); err != nil {
		return "", err
	}
	var err error
	// What was put in its place by hand may not be a Go program at all: then it need only run.
	if info, err := buildinfo.ReadFile(in.Program(t.name)); err == nil {
		if have := info.Main.Version; have != t.version {
			return "", fmt.Errorf("it is there in version %s, %s is wanted", have, t.version)
		}
	}
	switch t.name {
	case "gonb": // its own idea of its version is not to be relied on
		_, err = command(ctx, "", nil, in.Program("gonb"), "-V")
	case "goimports":
		_, err = command(ctx, "", nil, in.Program("goimports"), "-l", in.Dir+"/steps")
	case "gopls":
		_, err = command(ctx, "", []string{goplsCacheEnv + "=" + in.goplsCache()}, in.Program("gopls"), "version")
	}
	return t.version, err
}

func (in *installation) checkKernel(ctx context.Context) (string, error) {
	out, err := command(ctx, "", nil, in.Program("kernel"), "--version")
	if err != nil {
		return "", err
	}
	says := strings.TrimSpace(out)
	if err := in.checkNote(ctx, "kernel"); err != nil {
		says += "; this program is another build"
	}
	return says, nil
}

// checkPrelude compiles a program that imports this library, without a network.
func (in *installation) checkPrelude(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "golxmert-doctor-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	files := map[string]string{"main.go": fmt.Sprintf("package main\n\nimport _ %q\n\nfunc main() {}\n", module+"/lxmert")}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(in.Prelude(), name))
		if err != nil {
			return "", errors.New("it was not installed, or the installation was cut off")
		}
		files[name] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	if _, err := command(ctx, dir, []string{"GOPROXY=off", "GOWORK=off"}, buildCell(dir)...); err != nil {
		return "", err
	}
	out, err := command(ctx, dir, []string{"GOPROXY=off", "GOWORK=off"}, "go", "list", "-f", "{{.Dir}}", module+"/lxmert")
	return "this library is taken from " + filepath.Dir(strings.TrimSpace(out)), err
}

func (in *installation) checkKernelspec(context.Context) (string, error) {
	spec, err := in.readKernelspec()
	if err != nil {
		return "", err
	}
	return spec.DisplayName + " in " + in.Kernelspec(), nil
}

package backend

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// pythonPlaces are the site-packages folders of the Python environments that the user would use, without running
// Python: the active virtual environment, the active Conda environment, the python3 on PATH (through pyenv's shims, to
// its versions), the user's own packages and the system's.
func (m *machine) pythonPlaces() []place {
	var ps []place
	prefix := func(where, dir string) {
		if dir == "" {
			return
		}
		for _, pattern := range []string{
			"lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages",
			"lib/python3/dist-packages", "Lib/site-packages",
		} {
			found, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(dir), filepath.FromSlash(pattern)))
			for _, d := range found {
				ps = append(ps, place{d, where})
			}
		}
	}
	prefix("VIRTUAL_ENV", m.getenv("VIRTUAL_ENV"))
	prefix("CONDA_PREFIX", m.getenv("CONDA_PREFIX"))

	for _, name := range []string{"python3", "python"} {
		exe := m.lookPath(name)
		if exe == "" {
			continue
		}
		const where = "the python3 on PATH"
		bin := filepath.Dir(exe)
		prefix(where, filepath.Dir(bin))
		if target, err := filepath.EvalSymlinks(exe); err == nil && filepath.Dir(target) != bin {
			prefix(where, filepath.Dir(filepath.Dir(target)))
		}
		if filepath.Base(bin) == "shims" {
			m.pyenvPrefixes(filepath.Dir(bin), func(dir string) { prefix(where, dir) })
		}
		break
	}
	if m.home != "" {
		prefix("the user's Python packages", filepath.Join(m.home, ".local"))
	}
	prefix("the system's Python packages", filepath.Join(m.root, "usr", "local"))
	prefix("the system's Python packages", filepath.Join(m.root, "usr"))
	return ps
}

// pyenvPrefixes visits the versions that pyenv would use: those chosen by PYENV_VERSION or its version file, else all.
func (m *machine) pyenvPrefixes(root string, visit func(dir string)) {
	chosen := strings.Split(m.getenv("PYENV_VERSION"), ":")
	if chosen[0] == "" {
		text, _ := os.ReadFile(filepath.Join(root, "version"))
		chosen = strings.Fields(string(text))
	}
	for _, v := range chosen {
		visit(filepath.Join(root, "versions", filepath.Base(v)))
	}
	if len(chosen) == 0 {
		all, _ := filepath.Glob(filepath.Join(filesearch.EscapeGlob(root), "versions", "*"))
		for _, dir := range all {
			visit(dir)
		}
	}
}

// lookPath finds a program in the machine's PATH; "": it is not there. Relative entries are not looked at.
func (m *machine) lookPath(name string) string {
	if m.os == "windows" {
		name += ".exe"
	}
	for _, dir := range filepath.SplitList(m.getenv("PATH")) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if !filepath.IsAbs(file) || err != nil || info.IsDir() || m.os != "windows" && info.Mode()&0o111 == 0 {
			continue
		}
		return file
	}
	return ""
}

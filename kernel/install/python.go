package install

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// requirements are all packages of the Python environment, in the versions that this was tested with. No checksums: they
// differ between the machines that it is installed on.
//
//go:embed requirements.txt
var requirements string

// oldestPython is what the packages need, as major and minor version.
var oldestPython = [2]int{3, 11}

func wantPython(context.Context, *installation) (string, error) {
	return requirements, nil
}

// installPython makes the environment anew: one that was cut off cannot be told from one that works.
func installPython(ctx context.Context, in *installation) error {
	python, err := in.findPython(ctx)
	if err != nil {
		return err
	}
	venv := in.path("venv")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	for _, id := range []string{"kernelspec", "lab"} { // what they have made was in it
		if err := os.Remove(in.note(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if _, err := command(ctx, in.Dir, nil, python, "-m", "venv", venv); err != nil {
		return err
	}
	list := in.path("steps", "requirements.txt")
	if err := writeFile(list, []byte(requirements)); err != nil {
		return err
	}
	env := []string{"PIP_CACHE_DIR=" + in.pipCache(), "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PIP_REQUIRE_VIRTUALENV=0"}
	if _, err := command(ctx, in.Dir, env, in.PythonProgram("python"), "-m", "pip", "install", "--quiet", "-r", list); err != nil {
		return err
	}
	return os.RemoveAll(in.pipCache())
}

// findPython finds a Python that is new enough.
func (in *installation) findPython(ctx context.Context) (string, error) {
	candidates := []string{"python3", "python"}
	if in.Options.Python != "" {
		candidates = []string{in.Options.Python}
	}
	var said []string
	for _, c := range candidates {
		path, err := exec.LookPath(c)
		if err != nil {
			continue
		}
		out, err := command(ctx, "", nil, path, "-c", "import sys; print('version', *sys.version_info[:2])")
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var major, minor int
		if err == nil {
			_, err = fmt.Sscanf(strings.TrimSpace(out), "version %d %d", &major, &minor)
		}
		switch {
		case err != nil:
			said = append(said, fmt.Sprintf("%s does not work", path))
		case major < oldestPython[0] || major == oldestPython[0] && minor < oldestPython[1]:
			said = append(said, fmt.Sprintf("%s is Python %d.%d", path, major, minor))
		default:
			return path, nil
		}
	}
	reason := "none was found"
	if len(said) > 0 {
		reason = strings.Join(said, ", ")
	}
	return "", fmt.Errorf("no suitable Python: %d.%d or later is needed, %s; on Debian and Ubuntu `apt-get install python3 python3-venv` brings it, --python names one", oldestPython[0], oldestPython[1], reason)
}

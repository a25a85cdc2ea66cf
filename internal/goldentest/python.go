package goldentest

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

// Python returns a Python that can import PyTorch: what LXMERT_PYTHON_TORCH names, else the system's, else the first on
// the path. Without one the test is skipped, or fails if LXMERT_REQUIRE lists "python".
func Python(t testing.TB) string {
	t.Helper()
	python := pythonWith("torch")
	Require(t, "python", python != "", "no Python with PyTorch (LXMERT_PYTHON_TORCH names one)")
	return python
}

// Transformers is [Python] if that also has Hugging Face's transformers, an implementation of LXMERT by others. Without
// them the test is skipped, or fails if LXMERT_REQUIRE lists "transformers".
func Transformers(t testing.TB) string {
	t.Helper()
	python := Python(t)
	err := exec.Command(python, "-c", "import safetensors, transformers").Run()
	Require(t, "transformers", err == nil, python+" has no transformers (LXMERT_PYTHON_TORCH names a Python that has both; .ci/run pins a version)")
	return python
}

// TensorBoard is a Python that can import TensorBoard, found as [Python] finds its own. Without one the test is skipped, or fails if
// LXMERT_REQUIRE lists "tensorboard".
func TensorBoard(t testing.TB) string {
	t.Helper()
	python := pythonWith("tensorboard")
	Require(t, "tensorboard", python != "", "no Python with TensorBoard (LXMERT_PYTHON_TORCH names one; .ci/run pins a version)")
	return python
}

// pythons are those that were found, by what they can import: importing PyTorch takes seconds, so each is tried once.
var pythons sync.Map

// pythonWith finds a Python that can import a module; "": there is none.
func pythonWith(module string) string {
	find, _ := pythons.LoadOrStore(module, sync.OnceValue(func() string { return findPython(module) }))
	return find.(func() string)()
}

func findPython(module string) string {
	candidates := []string{"/usr/bin/python3", "python3"}
	if named := os.Getenv("LXMERT_PYTHON_TORCH"); named != "" {
		candidates = []string{named}
	}
	for _, python := range candidates {
		if exec.Command(python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	return ""
}

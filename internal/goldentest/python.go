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
	python := pythonWithTorch()
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

// pythonWithTorch tries each candidate once per test binary: importing PyTorch takes seconds.
var pythonWithTorch = sync.OnceValue(func() string {
	candidates := []string{"/usr/bin/python3", "python3"}
	if named := os.Getenv("LXMERT_PYTHON_TORCH"); named != "" {
		candidates = []string{named}
	}
	for _, python := range candidates {
		if exec.Command(python, "-c", "import torch").Run() == nil {
			return python
		}
	}
	return ""
})

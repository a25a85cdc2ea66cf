// Package testneed is the one way in which tests are skipped because this machine lacks something.
//
// What may be lacking has a short name: "python" (with PyTorch), "transformers", "xla", "cuda", "cudaplugin" (CUDA's plugin, without
// a GPU), "chromium", "jupyter" (what `kernel quickstart` installs), "toy" (the toy world with its trained model), "cc" (a C compiler),
// "libtorch" (the build tag gotch), "latex" (pdflatex with booktabs), "tensorboard" (a Python with it) and "root" (the administrator's
// rights).
// LXMERT_REQUIRE, a comma-separated list of such names, says what must be there: `kernel test` sets it to what it finds.
package testneed

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Env is the environment variable with the names of what must be there.
const Env = "LXMERT_REQUIRE"

// Require skips the test if what it needs was not found, for the given reason. It fails instead if LXMERT_REQUIRE says that
// it must be there.
func Require(t testing.TB, name string, found bool, reason string) {
	t.Helper()
	switch {
	case found:
	case slices.Contains(strings.Split(os.Getenv(Env), ","), name):
		t.Fatalf("%s is required by %s: %s", name, Env, reason)
	default:
		t.Skipf("without %s: %s", name, reason)
	}
}

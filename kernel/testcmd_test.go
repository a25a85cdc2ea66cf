package main

import (
	"slices"
	"testing"
)

func TestWhatDrivesJupyterIsNeverTakenFromTheCache(t *testing.T) {
	passes := testPasses(t.Context(), "..", []string{"./internal/testneed", "./kernel/..."})
	if len(passes) != 2 || passes[1][0] != "-count=1" || slices.Contains(passes[0], "-count=1") {
		t.Fatalf("passes %q", passes)
	}
	for _, pkg := range driving {
		in := slices.ContainsFunc(passes[1][1:], func(p string) bool { return shortPackage(p) == pkg })
		if in == (pkg == "notebooks/lx") { // which was not asked for
			t.Errorf("%s is in the second pass: %v; passes %q", pkg, in, passes)
		}
	}
	if !slices.ContainsFunc(passes[0], func(p string) bool { return shortPackage(p) == "internal/testneed" }) {
		t.Errorf("passes %q", passes)
	}
	if wrong := testPasses(t.Context(), "..", []string{"./there/is/none"}); len(wrong) != 1 || !slices.Contains(wrong[0], "./there/is/none") {
		t.Errorf("what there is not is left to go test: %q", wrong)
	}
}

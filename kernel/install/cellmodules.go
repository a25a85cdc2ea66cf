package install

import (
	_ "embed"
	"strings"
)

// Cells can use modules that this library does not need: they are in the cells' go.mod as well, so that an import of one of
// their packages works at once and without a network.

//go:embed cells/cells.mod
var cellsMod string

//go:embed cells/cells.sum
var cellsSum string

// forCellsOnly lists the modules of cells.mod, "PATH VERSION" each.
func forCellsOnly() []string {
	var list []string
	for line := range strings.Lines(cellsMod) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "require" {
			list = append(list, words[1]+" "+words[2])
		}
	}
	return list
}

// libraries are the packages of other modules that cells may import, as patterns. An installation brings all that they need.
var libraries = []string{"gonum.org/v1/gonum/...", "gonum.org/v1/plot/...", "golang.org/x/image/...", "golang.org/x/exp/..."}

// usualLibraries are those of them that an installation compiles.
var usualLibraries = []string{
	"golang.org/x/image/draw", "gonum.org/v1/gonum/floats", "gonum.org/v1/gonum/mat", "gonum.org/v1/gonum/stat", "gonum.org/v1/plot",
	"gonum.org/v1/plot/plotter", "gonum.org/v1/plot/vg", "gonum.org/v1/plot/vg/draw", "gonum.org/v1/plot/vg/vgimg",
}

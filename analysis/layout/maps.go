package layout

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MapNames are the names of attention maps, such as x.4.ti, as the model computes them: language, regions, crossing; then
// by layer. Other names come last.
func MapNames[T any](all map[string]T) []string {
	place := func(name string) (stage, layer int, kind string) {
		part := strings.SplitN(name, ".", 3)
		if len(part) < 3 {
			return 3, 0, name
		}
		layer, err := strconv.Atoi(part[1])
		if err != nil {
			return 3, 0, name
		}
		return strings.Index("lrx", part[0]), layer, part[2]
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		stageA, layerA, kindA := place(a)
		stageB, layerB, kindB := place(b)
		return cmp.Or(cmp.Compare(stageA, stageB), cmp.Compare(layerA, layerB), cmp.Compare(kindA, kindB))
	})
}

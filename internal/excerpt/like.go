package excerpt

import (
	"slices"
	"strings"
)

// Like lists the names that share most with one that is not among them, the likest first, and no more than most of them.
func Like(name string, among []string, most int) string {
	names := slices.Clone(among)
	name = strings.ToLower(name)
	slices.SortStableFunc(names, func(a, b string) int { return likeness(name, b) - likeness(name, a) })
	more := ""
	if len(names) > most {
		names, more = names[:most], ", …"
	}
	return strings.Join(names, ", ") + more
}

// likeness counts the pairs of letters of a that are in b, too.
func likeness(a, b string) int {
	b = strings.ToLower(b)
	n := 0
	for i := range max(0, len(a)-1) {
		if strings.Contains(b, a[i:i+2]) {
			n++
		}
	}
	return n
}

package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// Group is methods that are listed together.
type Group struct {
	About   string      // what they have in common
	Methods [][2]string // names, each with a phrase about it
}

// Groups are all methods.
func Groups() []Group {
	var scoring [][2]string
	for _, m := range ScoringMethods() {
		scoring = append(scoring, [2]string{m.Name, m.About})
	}
	groups := []Group{
		{"score words and regions", scoring},
		{"measure attention heads", headMethods()},
		{looksAt, [][2]string{{Looks, aboutLooks}}},
	}
	list := func(about string, methods [][2]string) {
		if i := slices.IndexFunc(groups, func(g Group) bool { return g.About == about }); i >= 0 {
			groups[i].Methods = append(groups[i].Methods, methods...)
			return
		}
		groups = append(groups, Group{about, methods})
	}
	for _, m := range measurings() {
		list(m.group, [][2]string{{m.name, m.about}})
	}
	for _, g := range gatherings() {
		list(knows, [][2]string{{g.name, g.about}})
	}
	return groups
}

// What groups of methods do; see [Group].
const (
	looksAt = "measure how much the model looks at the picture"
	changes = "say what changes the answer"
	knows   = "say where what is known"
	says    = "say what the heads of pre-training know"
	// answering is about answers alone.
	answering = "say how far the answers can be trusted"
)

// methodNames are those of all methods.
func methodNames() (names []string) {
	for _, g := range Groups() {
		for _, m := range g.Methods {
			names = append(names, m[0])
		}
	}
	return names
}

// findScoring returns the scoring method of a name.
func findScoring(name string) (relevance.NamedMethod, bool) {
	return find(ScoringMethods(), name, func(m relevance.NamedMethod) string { return m.Name })
}

func findMeasuring(name string) (measuring, bool) {
	return find(measurings(), name, func(m measuring) string { return m.name })
}

func findGathering(name string) (gathering, bool) {
	return find(gatherings(), name, func(g gathering) string { return g.name })
}

func find[M any](all []M, name string, of func(M) string) (found M, ok bool) {
	i := slices.IndexFunc(all, func(m M) bool { return of(m) == name })
	if i < 0 {
		return found, false
	}
	return all[i], true
}

// scores says that a method scores words and regions.
func scores(name string) bool {
	_, ok := findScoring(name)
	return ok
}

// gathers says that one of some methods gathers states.
func gathers(methods []string) bool {
	return slices.ContainsFunc(methods, func(name string) bool { _, ok := findGathering(name); return ok })
}

// measures says that one of some methods measures examples.
func measures(methods []string) bool {
	return slices.ContainsFunc(methods, func(name string) bool { _, ok := findMeasuring(name); return ok })
}

// checkMethods says what is wrong with a list of methods.
func checkMethods(methods []string) error {
	all := methodNames()
	for i, name := range methods {
		if slices.Contains(methods[:i], name) {
			return fmt.Errorf("sweep: the method %q is named twice", name)
		}
		if !slices.Contains(all, name) {
			return fmt.Errorf("sweep: there is no method %q; there are %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

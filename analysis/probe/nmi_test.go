package probe_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

func TestMutualInformationEqualsReference(t *testing.T) {
	goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
		golden := goldencase.Open(t, folder, "nmi")
		a, b := golden.Ints("nmi.a"), golden.Ints("nmi.b")
		arithmetic, geometric, larger := probe.MutualInformation(a, b)
		golden.Compare("nmi.value", []float64{arithmetic, geometric, larger})
		// Neither the order of the two nor the names of the labels matter.
		named := make([]int, len(a))
		for i, label := range a {
			named[i] = 7 - 3*label
		}
		if x, y, z := probe.MutualInformation(b, named); !floats.EqualApprox([]float64{x, y, z}, []float64{arithmetic, geometric, larger}, 1e-12) {
			t.Errorf("the other way round it is %g, %g, %g", x, y, z)
		}
	})
}

func TestMutualInformationOfExtremes(t *testing.T) {
	for name, c := range map[string]struct {
		a, b []int
		want float64
	}{
		"the same":                {[]int{0, 1, 1, 2}, []int{5, 3, 3, 4}, 1},
		"independent":             {[]int{0, 0, 1, 1}, []int{0, 1, 0, 1}, 0},
		"one label and two":       {[]int{0, 0, 0}, []int{0, 1, 1}, 0},
		"one label each":          {[]int{3, 3}, []int{1, 1}, 1},
		"two labels and a single": {[]int{0, 1}, []int{4, 4}, 0},
	} {
		if x, y, z := probe.MutualInformation(c.a, c.b); math.Abs(x-c.want)+math.Abs(y-c.want)+math.Abs(z-c.want) > 1e-12 {
			t.Errorf("%s: %g, %g, %g", name, x, y, z)
		}
	}
}

func TestPrincipalComponentsEqualReference(t *testing.T) {
	goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
		golden, states := goldencase.Open(t, folder, "pca"), goldencase.Open(t, folder, "probe")
		x := table(states, "probe.X")
		states.Use("")
		c, err := probe.PCA(x, golden.Shape("pca.components")[0])
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare("pca.components", c.Directions.RawMatrix().Data)
		golden.Compare("pca.explained_ratio", c.Share)
		golden.Compare("pca.scores", c.Scores.RawMatrix().Data)
	})
}

func TestPrincipalComponentsOfTooLittle(t *testing.T) {
	for name, x := range map[string]*mat.Dense{
		"two rows": cloud(2, 5, 1), "constant rows": mat.NewDense(9, 3, nil), "one column": cloud(9, 1, 2),
	} {
		if c, err := probe.PCA(x, 2); err == nil {
			t.Errorf("%s have two components: %v", name, c)
		}
	}
}

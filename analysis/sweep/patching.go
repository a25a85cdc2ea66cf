package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// The roles of words and regions in a pair of inputs. Positions differ from question to question, roles do not.
const (
	roleCLS, roleSEP               = "[CLS]", "[SEP]"
	roleChanged, roleOther         = "changed words", "other words"
	roleChangedRegion, roleRegions = "changed regions", "other regions"
)

// Scores of the two runs, and how far they are apart, whichever is larger. Shares of nodes are of that, as means over means: a mean of
// each question's own shares would be that of the questions in which there is next to nothing to share.
const (
	scoreClean      = "score, clean"
	scoreCorrupted  = "score, corrupted"
	scoreDifference = "difference, absolute"
)

// effects are by how much the score of one row changes if a node is patched.
type effects struct {
	clean, corrupted float64
	of               map[patch.Node]float64
}

// exactPatching patches node after node; see patch.Pair.
func exactPatching() measuring {
	return patching("patching", "which heads, levels and sublayers carry the difference to a corrupted input: each patched",
		func(ctx context.Context, p *patch.Pair, d patch.Direction, cfg lxmert.Config) ([]effects, error) {
			var out []effects
			for row := range p.Rows() {
				b := p.Batch(d)
				e := effects{of: map[patch.Node]float64{}}
				// Nodes of a kind share a program.
				for _, nodes := range [][]patch.Node{patch.Heads(cfg), patch.Sublayers(cfg), patch.Levels(cfg, lastTrue(analysis.ValidWords(b, row)), lastTrue(analysis.ValidRegions(b, row)))} {
					changes, err := p.Patch(ctx, d, row, nodes)
					if err != nil {
						return nil, err
					}
					for i, n := range nodes {
						e.of[n] = changes[i]
					}
				}
				e.clean, e.corrupted = p.Metric(row)
				out = append(out, e)
			}
			return out, nil
		})
}

// attributionPatching estimates all nodes at once; see patch.Pair.Attribute.
func attributionPatching() measuring {
	return patching("attribution", "the same of heads and levels, all at once to first order (attribution patching, atlas)",
		func(ctx context.Context, p *patch.Pair, d patch.Direction, _ lxmert.Config) ([]effects, error) {
			all, err := p.Attribute(ctx, patch.AttributionOptions{Direction: d})
			if err != nil {
				return nil, err
			}
			var out []effects
			for _, a := range all {
				e := effects{clean: a.Clean, corrupted: a.Corrupted, of: map[patch.Node]float64{}}
				for _, x := range a.Effects {
					e.of[x.Node] = x.Estimate
				}
				out = append(out, e)
			}
			return out, nil
		})
}

// patching is a method that patches between each question and its corruption.
func patching(method, about string, of func(ctx context.Context, p *patch.Pair, d patch.Direction, cfg lxmert.Config) ([]effects, error)) measuring {
	return measuring{
		name: method, about: about, group: changes,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			cfg := r.eng.Config()
			if err := r.opt.Corrupt.check(cfg); err != nil {
				return nil, err
			}
			direction := patch.Denoising
			if r.opt.Noising {
				direction = patch.Noising
			}
			return func(ctx context.Context, a *asked) ([]numbers, error) {
				rows, corrupted, err := r.corrupted(ctx, a)
				if err != nil {
					return nil, err
				}
				found := make([]effects, a.Rows())
				if len(rows) > 0 {
					p, err := patch.NewPair(ctx, r.eng, a.Part(rows...), corrupted.Part(rows...), r.opt.Target)
					if err != nil {
						return nil, err
					}
					some, err := of(ctx, p, direction, cfg)
					if err != nil {
						return nil, err
					}
					for i, row := range rows {
						found[row] = some[i]
					}
				}
				return r.byRole(a, corrupted, found, method), nil
			}, nil
		},
		draw: func(c *collector, found *means, s *Summary) error { return c.drawPatching(method, found, s) },
	}
}

// corrupted is the corrupted batch, and the rows that pair with it: all of a question or none.
func (r *runner) corrupted(ctx context.Context, a *asked) ([]int, *lxmert.Batch, error) {
	b, err := r.opt.Corrupt.batch(ctx, r, a)
	if err != nil {
		return nil, nil, err
	}
	var rows []int
	for i := range a.index {
		var own []int
		for g := range r.settings.Rows {
			row := i*r.settings.Rows + g
			err := patch.WordsPair(a.Batch, b, row)
			if err == nil {
				err = patch.RegionsPair(a.Batch, b, row)
			}
			if errors.Is(err, patch.ErrPair) {
				r.misfit(r.opt.Corrupt.Name, err)
				break
			}
			if err != nil {
				return nil, nil, err
			}
			if !sameInput(a.Batch, b, row) {
				own = append(own, row)
			}
		}
		if len(own) == r.settings.Rows {
			r.fit(r.opt.Corrupt.Name)
			rows = append(rows, own...)
		}
	}
	return rows, b, nil
}

// sameInput says that a row is the same in two batches: there is nothing to patch.
func sameInput(a, b *lxmert.Batch, row int) bool {
	return slices.Equal(a.IDs[row], b.IDs[row]) && slices.Equal(a.Feats.Row(row).Data, b.Feats.Row(row).Data) && slices.Equal(a.Boxes.Row(row).Data, b.Boxes.Row(row).Data)
}

// roles are those of a row's words and regions; "" for padding.
func roles(clean, corrupted *lxmert.Batch, row int) (words, regions []string) {
	last := lastTrue(analysis.ValidWords(clean, row)) - 1
	for t, there := range analysis.ValidWords(clean, row) {
		role := roleOther
		switch {
		case !there:
			role = ""
		case t == 0:
			role = roleCLS
		case t == last:
			role = roleSEP
		case clean.IDs[row][t] != corrupted.IDs[row][t]:
			role = roleChanged
		}
		words = append(words, role)
	}
	for v, there := range analysis.ValidRegions(clean, row) {
		role := roleRegions
		switch {
		case !there:
			role = ""
		case !slices.Equal(clean.Feats.Row(row).Row(v).Data, corrupted.Feats.Row(row).Row(v).Data):
			role = roleChangedRegion
		}
		regions = append(regions, role)
	}
	return words, regions
}

// restored is what a change restores of the difference between the two runs, in the score's unit and towards the clean run.
func (e *effects) restored(change float64, noising bool) float64 {
	d := e.clean - e.corrupted
	x := math.Copysign(1, d) * change
	if noising { // all of it is there until a node breaks it
		x += math.Abs(d)
	}
	return x
}

// byRole are the shares of heads, sublayers and, role by role, levels: of a role's words or regions the mean.
func (r *runner) byRole(a *asked, corrupted *lxmert.Batch, found []effects, method string) []numbers {
	cfg := r.eng.Config()
	var out []numbers
	add := func(name, unit, over string, of func(row int) float64) {
		rows := make([]float64, len(found))
		for row := range rows {
			rows[row] = math.NaN()
			if found[row].of != nil {
				rows[row] = of(row)
			}
		}
		out = append(out, numbers{Name: name, Unit: unit, Values: perExample(rows, r.settings.Rows), Over: over})
	}
	unit := "logit"
	if bound, err := r.opt.Target.Prepare(cfg, a.Batch); err == nil {
		unit = bound.Unit
	}
	add(scoreClean, unit, "", func(row int) float64 { return found[row].clean })
	add(scoreCorrupted, unit, "", func(row int) float64 { return found[row].corrupted })
	add(scoreDifference, unit, "", func(row int) float64 { return math.Abs(found[row].clean - found[row].corrupted) })
	nodes := patch.Heads(cfg)
	if method == "patching" {
		nodes = append(nodes, patch.Sublayers(cfg)...)
	}
	for _, n := range nodes {
		add(n.String(), "share", scoreDifference, func(row int) float64 { return found[row].restored(found[row].of[n], r.settings.Noising) })
	}
	words, regions := make([][]string, a.Rows()), make([][]string, a.Rows())
	for row := range a.Rows() {
		words[row], regions[row] = roles(a.Batch, corrupted, row)
	}
	for _, side := range []struct {
		levels []string
		roles  []string
		of     [][]string
	}{
		{analysis.Levels(cfg, analysis.WordStream), wordRoles(), words},
		{analysis.Levels(cfg, analysis.RegionStream), regionRoles(), regions},
	} {
		for _, level := range side.levels {
			for _, role := range side.roles {
				add(level+", "+role, "share", scoreDifference, func(row int) float64 {
					var shares []float64
					for at, its := range side.of[row] {
						if its == role {
							change := found[row].of[patch.Node{Name: level, Head: patch.All, Position: at}]
							shares = append(shares, found[row].restored(change, r.settings.Noising))
						}
					}
					return analysis.Mean(shares)
				})
			}
		}
	}
	return out
}

func wordRoles() []string   { return []string{roleCLS, roleChanged, roleOther, roleSEP} }
func regionRoles() []string { return []string{roleChangedRegion, roleRegions} }

// drawPatching makes a matrix of heads, one of each stream's levels by roles, and one of sublayers, on one scale.
func (c *collector) drawPatching(method string, found *means, s *Summary) error {
	cfg := *c.settings.Config
	title := map[string]string{"patching": "activation patching", "attribution": "attribution patching"}[method]
	direction := "denoising"
	if c.settings.Noising {
		direction = "noising"
	}
	meta := c.measured(found)
	meta.N = found.of[scoreClean].N()
	meta.Notes = append(meta.Notes, "Shares are means of what is restored over the mean difference of the two runs.")
	meta.Unit, meta.Params["corruption"], meta.Params["direction"] = "share", c.settings.Corrupt, direction
	if left := c.n - meta.N; left > 0 {
		meta.Notes = append(meta.Notes, fmt.Sprintf("%d questions are left out: their corruption is no pair, or changes nothing.", left))
	}
	if meta.N == 0 {
		return fmt.Errorf("of no question has the corruption (%s) as many word pieces and the same regions: there is nothing to patch", c.settings.Corrupt)
	}
	var matrices []analysis.Matrix
	most := 1.0
	grid := func(what string, rows, cols analysis.Axis, name func(i, j int) string) {
		m := analysis.Matrix{Meta: meta, Rows: rows, Cols: cols}
		m.Method = fmt.Sprintf("%s of %s, %s", title, what, direction)
		panel := analysis.MatrixPanel{Name: what}
		for i := range rows.Labels {
			var values []float64
			for j := range cols.Labels {
				x, n := found.mean(name(i, j))
				if n == 0 {
					x = math.NaN()
				} else if !math.IsNaN(x) {
					most = max(most, math.Abs(x))
				}
				values = append(values, x)
			}
			panel.Values = append(panel.Values, values)
		}
		m.Panels = []analysis.MatrixPanel{panel}
		matrices = append(matrices, m)
	}
	heads := analysis.Axis{Name: "head"}
	for h := range cfg.Heads {
		heads.Labels = append(heads.Labels, strconv.Itoa(h))
	}
	maps := analysis.Axis{Name: "map", Labels: cfg.Maps()}
	grid("heads", heads, maps, func(i, j int) string {
		return patch.Node{Name: maps.Labels[j] + ".ctx", Head: i, Position: patch.All}.String()
	})
	for _, side := range []struct {
		what   string
		stream analysis.Stream
		roles  []string
	}{{"levels of words", analysis.WordStream, wordRoles()}, {"levels of regions", analysis.RegionStream, regionRoles()}} {
		levels, cols := analysis.Axis{Name: "level", Labels: analysis.Levels(cfg, side.stream)}, analysis.Axis{Name: "role"}
		for _, role := range side.roles {
			if _, n := found.mean(levels.Labels[0] + ", " + role); n > 0 { // there is such a word or region in some question
				cols.Labels = append(cols.Labels, role)
			}
		}
		grid(side.what, levels, cols, func(i, j int) string { return levels.Labels[i] + ", " + cols.Labels[j] })
	}
	if method == "patching" {
		kinds, layers, suffix := patch.SublayerAxes(cfg)
		grid("sublayers", kinds, layers, func(i, j int) string { return layers.Labels[j] + suffix[i] })
	}
	files := []string{"heads", "words", "regions", "sublayers"}
	for i, m := range matrices {
		m.Low, m.High = -most, most
		s.Matrices = append(s.Matrices, Named[analysis.Matrix]{method + "-" + files[i], m})
	}
	// The largest, as a table.
	scores := []string{scoreClean, scoreCorrupted, scoreDifference}
	var names []string
	for _, name := range found.names {
		if mean, n := found.mean(name); n > 0 && !math.IsNaN(mean) && !slices.Contains(scores, name) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, _ := found.mean(a)
		y, _ := found.mean(b)
		return cmp.Compare(math.Abs(y), math.Abs(x))
	})
	t := found.table(title+", "+direction+": the largest", "node", append(scores, names[:min(len(names), 20)]...))
	t.Notes = append(t.Notes, "Shares of the difference between the two runs: the mean over questions of what patching a node restores, over the mean difference. Of the words or regions of one role it is the mean of patching each alone.")
	s.Tables = append(s.Tables, Named[analysis.Table]{method, t})
	return nil
}

package check

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Report says how far engines are apart.
type Report struct {
	Weights string `json:"weights"`
	Inputs  string `json:"inputs"`
	Rows    int    `json:"rows"`
	Words   int    `json:"words"`
	Regions int    `json:"regions"`
	// Bound says in words what difference is allowed.
	Bound string `json:"bound"`
	// Reference is the engine with which all others are compared.
	Reference   string       `json:"reference"`
	Engines     []Engine     `json:"engines"`
	Activations []Activation `json:"activations"` // in the order in which they are computed
	Agree       bool         `json:"agree"`       // all engines that were compared agree with the reference

	tolerance float64
}

// Engine is what was found of one engine.
type Engine struct {
	Name    string  `json:"name"`
	About   string  `json:"about"`
	Skipped string  `json:"skipped,omitempty"` // why it was not compared
	Seconds float64 `json:"seconds"`           // to start, read weights, compile and compute
	// Compared is how many activations were: those of the wanted ones that both this engine and the reference have.
	Compared int `json:"compared"`
	// Parts is the first activation where it parts from the reference, "" where it does not.
	Parts string `json:"parts,omitempty"`
	// Worst is the activation where the difference is largest as a share of what is allowed, and Share that share.
	Worst   string `json:"worst,omitempty"`
	Share   Number `json:"share"`
	Agrees  bool   `json:"agrees"`
	Verdict string `json:"verdict"`
}

// Activation is what was found at one activation.
type Activation struct {
	Name    string  `json:"name"`
	What    string  `json:"what"`
	Largest Number  `json:"largest_entry"` // of the reference, in magnitude
	Allowed Number  `json:"allowed"`       // the largest difference that is allowed
	Apart   []Apart `json:"apart"`
}

// Apart is a difference between an engine and the reference.
type Apart struct {
	Engine   string `json:"engine"`
	Largest  Number `json:"largest"`
	Relative Number `json:"relative"` // to the reference's largest entry
	// Why says what is wrong where there is no difference to give: another shape, a number that is not finite.
	Why    string `json:"why,omitempty"`
	Agrees bool   `json:"agrees"`
}

// Number is a float64 that is null in JSON where it is not finite.
type Number float64

// MarshalJSON writes null for what is not finite.
func (n Number) MarshalJSON() ([]byte, error) {
	if x := float64(n); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%g", float64(n)), nil
}

func (c *comparison) newReport() *Report {
	r := &Report{
		Weights: c.Load, Inputs: c.Inputs, Rows: c.batch.Rows(), Words: c.batch.T(), Regions: c.batch.V(), tolerance: c.Tolerance,
		Bound: "what rounding of float32 explains with these weights and inputs",
	}
	if c.Tolerance > 0 {
		r.Bound = fmt.Sprintf("%g of an activation's largest entry", c.Tolerance)
	}
	for _, a := range c.want {
		r.Activations = append(r.Activations, Activation{Name: a.Name, What: a.What})
	}
	return r
}

// allow fills in what is allowed, by what the reference has computed and how far two engines may be apart at each activation;
// nil: a tolerance says that.
func (r *Report) allow(reference map[string]lxmert.Tensor, bounds map[string]float64) {
	for i := range r.Activations {
		a := &r.Activations[i]
		a.Largest, a.Allowed = Number(largest(reference[a.Name].Data)), Number(bounds[a.Name])
		if bounds == nil {
			a.Allowed = Number(r.tolerance) * a.Largest
		}
	}
}

// compare fills in what is found of an engine.
func (r *Report) compare(e *Engine, reference, values map[string]lxmert.Tensor) {
	for i := range r.Activations {
		a := &r.Activations[i]
		want, known := reference[a.Name]
		got, given := values[a.Name]
		if !known || !given {
			continue
		}
		d := apart(e.Name, got, want, float64(a.Allowed))
		e.Compared++
		a.Apart = append(a.Apart, d)
		if !d.Agrees && e.Parts == "" {
			e.Parts = a.Name
		}
		share := Number(math.Inf(1))
		if d.Why == "" {
			share = d.Largest / a.Allowed
			if d.Largest == 0 {
				share = 0
			}
		}
		if e.Worst == "" || share > e.Share {
			e.Worst, e.Share = a.Name, share
		}
	}
}

// apart is the difference of two tensors.
func apart(name string, got, want lxmert.Tensor, allowed float64) Apart {
	d := Apart{Engine: name}
	if !slices.Equal(got.Shape, want.Shape) {
		d.Largest, d.Relative = Number(math.NaN()), Number(math.NaN())
		d.Why = fmt.Sprintf("shape %v instead of %v", got.Shape, want.Shape)
		return d
	}
	for i, w := range want.Data {
		off := math.Abs(float64(got.Data[i]) - float64(w))
		if math.IsNaN(off) || math.IsInf(off, 0) {
			d.Largest, d.Relative = Number(math.NaN()), Number(math.NaN())
			d.Why = fmt.Sprintf("entry %d is %g and %g", i, got.Data[i], w)
			return d
		}
		d.Largest = max(d.Largest, Number(off))
	}
	if d.Largest > 0 {
		d.Relative = d.Largest / Number(largest(want.Data))
	}
	d.Agrees = float64(d.Largest) <= allowed
	return d
}

func largest(data []float32) float64 {
	most := 0.0
	for _, v := range data {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}

// judge says of each engine whether it agrees.
func (r *Report) judge() {
	r.Agree = true
	for i := range r.Engines {
		e := &r.Engines[i]
		switch {
		case e.Skipped != "":
			e.Verdict = "not compared"
		case e.Name == r.Reference:
			e.Agrees, e.Verdict = true, "the others are compared with this"
		case e.Compared == 0:
			e.Verdict = "has none of the activations"
		case e.Parts != "":
			e.Verdict = "parts at " + e.Parts
		default:
			e.Agrees, e.Verdict = true, "agrees"
			if n := len(r.Activations); e.Compared < n {
				e.Verdict += fmt.Sprintf(" (%d of %d activations compared)", e.Compared, n)
			}
		}
		r.Agree = r.Agree && (e.Agrees || e.Skipped != "")
	}
}

// Err is nil if all engines that were compared agree, else one line that says which does not, where, and by how much.
func (r *Report) Err() error {
	for _, e := range r.Engines {
		if e.Agrees || e.Skipped != "" {
			continue
		}
		if e.Compared == 0 {
			return fmt.Errorf("%s gave none of the activations that %s has", e.Name, r.Reference)
		}
		for _, a := range r.Activations {
			if a.Name != e.Parts {
				continue
			}
			d := a.Of(e.Name)
			if d.Why != "" {
				return fmt.Errorf("%s parts from %s at %s (%s): %s", e.Name, r.Reference, a.Name, a.What, d.Why)
			}
			return fmt.Errorf("%s parts from %s at %s (%s): they are %.2g apart, %.2g of the largest entry; %.2g is allowed, %s",
				e.Name, r.Reference, a.Name, a.What, d.Largest, d.Relative, a.Allowed, r.Bound)
		}
	}
	return nil
}

// Of is an engine's difference, the zero value where it was not compared.
func (a Activation) Of(engine string) Apart {
	for _, d := range a.Apart {
		if d.Engine == engine {
			return d
		}
	}
	return Apart{}
}

// Compared are the engines that were compared with the reference.
func (r *Report) Compared() []Engine {
	return slices.DeleteFunc(slices.Clone(r.Engines), func(e Engine) bool { return e.Skipped != "" || e.Name == r.Reference })
}

// Print writes a line for each activation, with the largest difference of each engine and in brackets its share of the
// reference's largest entry, and a line for each engine.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "ACTIVATION\tALLOWED")
	for _, e := range r.Compared() {
		fmt.Fprintf(t, "\t%s", strings.ToUpper(e.Name))
	}
	fmt.Fprintln(t)
	for _, a := range r.Activations {
		if len(a.Apart) == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%.1e", a.Name, a.Allowed)
		for _, e := range r.Compared() {
			d := a.Of(e.Name)
			switch {
			case d.Engine == "":
				fmt.Fprint(t, "\t-")
			case d.Why != "":
				fmt.Fprintf(t, "\t%s", d.Why)
			case d.Agrees:
				fmt.Fprintf(t, "\t%.1e (%.1e)", d.Largest, d.Relative)
			default:
				fmt.Fprintf(t, "\t%.1e (%.1e) !", d.Largest, d.Relative)
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nAllowed: %s.\n%s; %s.\n\n", r.Bound, r.Weights, r.Inputs)
	fmt.Fprint(t, "ENGINE\tVERDICT\tLARGEST\tSECONDS\tWHAT IT IS\n")
	for _, e := range r.Engines {
		if e.Skipped != "" {
			continue
		}
		worst := ""
		if e.Worst != "" {
			worst = fmt.Sprintf("%.2g of what is allowed, at %s", e.Share, e.Worst)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%s\n", e.Name, e.Verdict, worst, e.Seconds, e.About)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, e := range r.Engines {
		if e.Skipped != "" {
			if _, err := fmt.Fprintf(w, "%s: not compared: %s\n", e.Name, e.Skipped); err != nil {
				return err
			}
		}
	}
	return nil
}

package probe

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Code is the length of an online code of labels (Voita and Titov 2020): what it takes to tell somebody the labels who has
// the states and learns from every block of labels that arrives. A label that can be read easily, and from few examples,
// makes a short code; unlike accuracy that tells easy from laborious.
type Code struct {
	Blocks      []float64 // bits of each block; the first is sent at log2(classes) bits a label
	Bits        float64   // their sum
	Compression float64   // n log2(classes) / Bits; 1 or less means that the states do not help
}

// percent are the ends of blocks that Voita and Titov use, as percentages of the rows.
var percent = []float64{0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25, 50, 100}

// Cuts are the ends of an online code's blocks for n rows: at 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25, 50 and 100 percent
// of them, rounded up, without empty blocks. Each is moved on to where groups (of rows that follow each other, such as the
// regions of one picture) end; nil: it stays.
func Cuts(n int, groups []string) []int {
	var cuts []int
	for _, p := range percent {
		end := min(n, int(math.Ceil(p*float64(n)/100)))
		for groups != nil && end < n && groups[end] == groups[end-1] {
			end++
		}
		if last := len(cuts); end > 0 && (last == 0 || end > cuts[last-1]) {
			cuts = append(cuts, end)
		}
	}
	return cuts
}

// OnlineCode codes the labels y of rows x [n,D] block by block; cuts are the ends of the blocks, see [Cuts]. The classifier
// that codes a block is fitted to all rows before it, with [Logistic]'s c.
//
// A regression gives classes without a row no probability, which no code can afford. Where a of the classes have none among
// the m rows so far, each of these has 1/(m+a) and the others share the rest as the regression says.
func OnlineCode(x *mat.Dense, y []int, classes int, cuts []int, c float64) (Code, error) {
	n, dim := x.Dims()
	if err := checkRows(x, y, classes); err != nil {
		return Code{}, err
	}
	if len(cuts) == 0 || cuts[len(cuts)-1] != n {
		return Code{}, fmt.Errorf("blocks end at %v, the last must end at row %d", cuts, n)
	}
	code, from := Code{}, 0
	for i, end := range cuts {
		if end <= from {
			return Code{}, fmt.Errorf("blocks end at %v, each must end after the one before", cuts)
		}
		bits := float64(end-from) * math.Log2(float64(classes))
		if i > 0 {
			fitted, err := Logistic(x.Slice(0, from, 0, dim).(*mat.Dense), y[:from], classes, c)
			if err != nil {
				return Code{}, fmt.Errorf("the first %d rows: %w", from, err)
			}
			bits = fitted.bits(x.Slice(from, end, 0, dim).(*mat.Dense), y[from:end], from)
		}
		code.Blocks = append(code.Blocks, bits)
		code.Bits += bits
		from = end
	}
	code.Compression = float64(n) * math.Log2(float64(classes)) / code.Bits
	return code, nil
}

// bits is the length of labels in the code of a classifier that was fitted to m rows.
func (c *Classifier) bits(x *mat.Dense, y []int, m int) float64 {
	absent := 0
	for _, b := range c.Bias {
		if math.IsInf(b, -1) {
			absent++
		}
	}
	escape := math.Log2(float64(m + absent))
	known := escape - math.Log2(float64(m)) // 0 if every class was seen
	p := c.LogProb(x)
	bits := 0.0
	for i, label := range y {
		if math.IsInf(c.Bias[label], -1) {
			bits += escape
		} else {
			bits += known - p.At(i, label)/math.Ln2
		}
	}
	return bits
}

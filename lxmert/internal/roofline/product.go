package roofline

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// isProductCall says whether an instruction calls cuBLAS.
func isProductCall(in *instruction) bool {
	return in.op == "custom-call" && strings.Contains(in.attribute("custom_call_target"), "__cublas$")
}

// addProducts adds the floating-point operations of an instruction's matrix products, those inside fusions too.
func (m *Module) addProducts(flops map[string]float64, c *computation, in *instruction) error {
	switch {
	case in.op == "dot":
		return addProduct(flops, c, in, in.attribute("lhs_contracting_dims"), strings.Contains(in.attribute("operand_precision"), "highest"))
	case isProductCall(in):
		found := calledDims.FindStringSubmatch(in.attributes)
		if found == nil {
			return errors.New("cuBLAS is called without saying what is multiplied")
		}
		return addProduct(flops, c, in, found[1], strings.Contains(in.attributes, `"HIGHEST"`))
	case in.op == "fusion":
		inner, err := m.computation(in.attribute("calls"))
		if err != nil {
			return err
		}
		for _, part := range inner.list {
			if err := m.addProducts(flops, inner, part); err != nil {
				return err
			}
		}
	}
	return nil
}

var calledDims = regexp.MustCompile(`"lhs_contracting_dimensions":\[([^\]]*)\]`)

// addProduct adds 2 operations for each number of the result and each of those that it sums up. exactly says that float32 must not
// be rounded to TensorFloat-32.
func addProduct(flops map[string]float64, c *computation, in *instruction, contracted string, exactly bool) error {
	axes, err := numbers(contracted)
	if err != nil {
		return err
	}
	if len(in.operands) == 0 || c.byName[in.operands[0]] == nil {
		return errors.New("a product has no operand")
	}
	left, err := arraysOf(c.byName[in.operands[0]].shape)
	if err != nil {
		return err
	}
	result, err := arraysOf(in.shape)
	if err != nil {
		return err
	}
	if len(left) == 0 || len(result) == 0 {
		return errors.New("a product is of no arrays")
	}
	n := 2 * result[0].elements()
	for _, axis := range axes {
		if axis < 0 || axis >= len(left[0].dims) {
			return fmt.Errorf("a product sums up axis %d of %s", axis, c.byName[in.operands[0]].shape)
		}
		n *= float64(left[0].dims[axis])
	}
	element := left[0].element
	if element == "f32" && !exactly {
		element = "tf32"
	}
	flops[element] += n
	return nil
}

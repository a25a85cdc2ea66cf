//go:build cgo && (linux || darwin || windows)

package xlabuilder

import (
	"maps"
	"reflect"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/stablehlo"
)

// Outer is a builder that another one stands behind.
type Outer interface{ Inner() compute.Builder }

// innermost is the builder behind all others, nil where it is not XLA's.
func innermost(b compute.Builder) *xla.Builder {
	for {
		outer, ok := b.(Outer)
		if !ok {
			break
		}
		b = outer.Inner()
	}
	x, _ := b.(*xla.Builder)
	return x
}

// Program is what a builder of XLA's has built, nil of another's.
func Program(b compute.Builder) *stablehlo.Builder {
	x := innermost(b)
	if x == nil {
		return nil
	}
	if program := Hidden[*stablehlo.Builder](x, "builder"); program != nil {
		return *program
	}
	return nil
}

// Functions are those of a program that is not compiled yet.
func Functions(b compute.Builder) []*stablehlo.Function {
	program := Program(b)
	if program == nil {
		return nil
	}
	list := Hidden[[]*stablehlo.Function](program, "functions")
	if list == nil {
		return nil
	}
	return *list
}

// Hidden points to an unexported field of what of points to, or is nil if there is none of that type.
func Hidden[T any](of any, name string) *T {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr()))
}

// Pointer is the value of an unexported field that is a pointer, of whatever type, or nil if there is none.
func Pointer(of any, name string) unsafe.Pointer {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() || field.Kind() != reflect.Pointer {
		return nil
	}
	return field.UnsafePointer()
}

// alias lets an output of a program have the memory of an input.
func alias(b compute.Builder, outputs map[int]int) {
	for _, fn := range Functions(b) {
		if fn.Name != "main" {
			continue
		}
		for in, out := range outputs {
			with := maps.Clone(fn.Inputs[in].Attributes)
			if with == nil {
				with = map[string]any{}
			}
			with["tf.aliasing_output"] = int32(out)
			fn.Inputs[in].Attributes = with
		}
	}
}

// useTF32 has what is built from here on multiply by TensorFloat-32: the builder gets a copy of its backend that says so. Only a GPU's
// plugin understands that.
func useTF32(b compute.Builder) {
	x := innermost(b)
	if x == nil {
		return
	}
	of := Hidden[*xla.Backend](x, "backend")
	if of == nil || !(*of).IsCUDA() {
		return
	}
	with := **of
	with.DotGeneralUseTF32 = true
	*of = &with
}

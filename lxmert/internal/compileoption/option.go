package compileoption

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Option is one of XLA's debug options, such as xla_gpu_autotune_level, without dashes.
type Option struct {
	Name  string
	Value any // bool, int or string
}

// Fields of XLA's CompileOptionsProto, of its map's entries, and of OptionOverrideProto.
const (
	overridesField                       = 7
	keyField, valueField                 = 1, 2
	stringField, boolField, integerField = 1, 2, 3
)

// encode writes options as they stand in a CompileOptionsProto.
func encode(options []Option) ([]byte, error) {
	var all []byte
	for _, o := range options {
		var value []byte
		switch v := o.Value.(type) {
		case string:
			value = protowire.AppendString(protowire.AppendTag(nil, stringField, protowire.BytesType), v)
		case bool:
			value = protowire.AppendVarint(protowire.AppendTag(nil, boolField, protowire.VarintType), protowire.EncodeBool(v))
		case int:
			value = protowire.AppendVarint(protowire.AppendTag(nil, integerField, protowire.VarintType), uint64(v))
		default:
			return nil, fmt.Errorf("the compiler's option %s is a %T", o.Name, o.Value)
		}
		entry := protowire.AppendString(protowire.AppendTag(nil, keyField, protowire.BytesType), o.Name)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, valueField, protowire.BytesType), value)
		all = protowire.AppendBytes(protowire.AppendTag(all, overridesField, protowire.BytesType), entry)
	}
	return all, nil
}

// used are the plugins that [Use] was called for, by their paths: why programs can have no options there, or nil.
var used sync.Map

// withoutTriton has matrix products done by cuBLAS. Where Triton, XLA's first choice, finds no tiles for a product, the program
// does not compile at all: "Couldn't find output tile sizes" (openxla/xla, pull request 36792).
var withoutTriton = []Option{{"xla_gpu_enable_triton_gemm", false}}

// WithoutTriton are a program's options, serialized, with that added.
func WithoutTriton(options []byte) []byte {
	otherwise, _ := encode(withoutTriton) // of types that it knows
	return slices.Concat(options, otherwise)
}

// Dumping are a program's options, serialized, with those added that have the compiler write what it makes of the program into a folder, in
// text.
func Dumping(options []byte, dir string) []byte {
	dump, _ := encode([]Option{{"xla_dump_to", dir}, {"xla_dump_hlo_as_text", true}}) // of types that it knows
	return slices.Concat(options, dump)
}

// With compiles with options added, which is what f does, for a backend whose plugin [Use] was called for. A program that does not
// compile is compiled once more without Triton; then again is true. It is an error if f compiles nothing that can have options.
func With(options []Option, f func() error) (again bool, err error) {
	bytes, err := encode(options)
	if err != nil {
		return false, err
	}
	// go-xla compiles in the goroutine that asks for it, so that the thread says which program is meant.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	done := begin(bytes)
	defer func() {
		var reached bool
		if reached, again = done(); !reached && len(options) > 0 && err == nil {
			err = errors.New("the options for XLA's compiler did not reach it")
		}
	}()
	return false, f()
}

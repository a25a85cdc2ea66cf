package weights

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// This file says what the names mean that make tensors in torch.save's pickles. What the others become, extra.go says.

const (
	maxTensors = 100_000 // in one file; the published snapshot has 473
	maxAxes    = 16
	maxPairs   = 1_000_000 // that calls of OrderedDict(pairs) may copy in one file
)

// storageTypes are torch's storage classes. An untyped storage counts bytes.
var storageTypes = map[string]DType{
	"DoubleStorage": F64, "FloatStorage": F32, "HalfStorage": F16, "BFloat16Storage": BF16,
	"LongStorage": I64, "IntStorage": I32, "ShortStorage": I16, "CharStorage": I8, "ByteStorage": U8, "BoolStorage": Bool,
	"UntypedStorage": "",
}

// torchTypes are torch's dtype objects.
var torchTypes = map[string]DType{
	"float64": F64, "float32": F32, "float16": F16, "bfloat16": BF16, "int64": I64, "int32": I32, "int16": I16, "int8": I8,
	"uint64": U64, "uint32": U32, "uint16": U16, "uint8": U8, "bool": Bool,
}

// unsupportedTypes are classes of storages, and dtypes, that this package does not read. A tensor of them is an error,
// because weights must not go missing without a word.
var unsupportedTypes = map[string]bool{
	"ComplexDoubleStorage": true, "ComplexFloatStorage": true,
	"QInt8Storage": true, "QUInt8Storage": true, "QInt32Storage": true, "QUInt4x2Storage": true, "QUInt2x4Storage": true,
}

// errElements refuses a type of elements.
func errElements(name string) error {
	return fmt.Errorf("it holds tensors of type %s, which are not read; make them float32 in Python first, with tensor.float(), and save them again", short(name))
}

// storageClass is a storage type as a value of the pickle; dtype "" counts bytes.
type storageClass struct {
	name  string
	dtype DType
}

func (c storageClass) item() int64 {
	if c.dtype == "" {
		return 1
	}
	return int64(c.dtype.Size())
}

// TorchDType is a torch.dtype that a checkpoint holds as a value of its own, such as "torch.float32".
type TorchDType string

// storageRef is what a persistent id stands for: elements of a storage, or of a part of it.
type storageRef struct {
	st    *storage
	dtype DType // "": untyped
	base  int64 // first element
	count int64
}

// torchReader gives meaning to the names and persistent ids of one pickle.
type torchReader struct {
	// find returns the storage of a key that a persistent id names, with the bytes it must have.
	find    func(key string, size int64) (*storage, error)
	tensors int
	pairs   int
}

func (r *torchReader) global(module, name string) (any, error) {
	switch module {
	case "collections":
		if name == "OrderedDict" {
			return function(r.orderedDict), nil
		}
	case "torch._utils":
		switch name {
		case "_rebuild_tensor", "_rebuild_tensor_v2":
			return function(r.rebuildTensor), nil
		case "_rebuild_tensor_v3":
			return function(r.rebuildTensorV3), nil
		case "_rebuild_parameter", "_rebuild_parameter_with_state":
			return function(rebuildParameter), nil
		}
		if strings.HasPrefix(name, "_rebuild") {
			return nil, fmt.Errorf("it holds a tensor of a kind that is not read (%s.%s); make it a plain one in Python first, with tensor.dequantize(), .to_dense() or .cpu()", module, short(name))
		}
	case "torch._tensor":
		if name == "_rebuild_from_type_v2" {
			return function(rebuildFromType), nil
		}
	case "torch", "torch.storage", "torch.cuda":
		if unsupportedTypes[name] {
			return nil, errElements(module + "." + name)
		}
		if dtype, ok := storageTypes[name]; ok {
			return storageClass{module + "." + name, dtype}, nil
		}
		if module != "torch" {
			break
		}
		if _, ok := torchTypes[name]; ok || otherTypes[name] {
			return TorchDType("torch." + name), nil
		}
		switch name {
		case "Size":
			return orObject(module, name, torchSize), nil
		case "device":
			return orObject(module, name, asText), nil
		}
	case "torch.serialization":
		if name == "_get_layout" {
			return orObject(module, name, asText), nil
		}
	}
	return extraGlobal(module, name)
}

// function is a Go function that a pickle may call.
type function func(args []any) (any, error)

// Call implements [pickle.Callable].
func (f function) Call(args []any) (any, error) { return f(args) }

func (f function) String() string { return "a function" }

func (r *torchReader) orderedDict(args []any) (any, error) {
	d := &pickle.Dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*pickle.List)
	if !ok || len(args) != 1 {
		return nil, errors.New("OrderedDict takes a list of pairs")
	}
	if r.pairs += len(pairs.Items); r.pairs > maxPairs {
		return nil, fmt.Errorf("OrderedDict is given more than %d pairs", maxPairs)
	}
	for _, p := range pairs.Items {
		var items []any
		switch p := p.(type) {
		case *pickle.Tuple:
			items = p.Items
		case *pickle.List:
			items = p.Items
		}
		if len(items) != 2 {
			return nil, errors.New("OrderedDict takes a list of pairs")
		}
		if err := d.SetKey(items[0], items[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// rebuildTensor is torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...); the rest, whether the tensor
// wanted gradients and its hooks, does not matter.
func (r *torchReader) rebuildTensor(args []any) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("a tensor of %d arguments", len(args))
	}
	ref, ok := args[0].(*storageRef)
	if !ok {
		return nil, errors.New("a tensor without a storage")
	}
	if ref.dtype == "" {
		return nil, errors.New("a tensor of an untyped storage without a type")
	}
	return r.tensor(ref, ref.dtype, args)
}

// rebuildTensorV3 has an untyped storage and the type as its seventh argument.
func (r *torchReader) rebuildTensorV3(args []any) (any, error) {
	if len(args) < 7 {
		return nil, fmt.Errorf("a tensor of %d arguments", len(args))
	}
	ref, ok := args[0].(*storageRef)
	name, named := args[6].(TorchDType)
	if !ok || !named {
		return nil, errors.New("a tensor without storage or type")
	}
	dtype, ok := torchTypes[string(name[len("torch."):])]
	if !ok {
		return nil, errElements(string(name))
	}
	return r.tensor(ref, dtype, args)
}

func (r *torchReader) tensor(ref *storageRef, dtype DType, args []any) (any, error) {
	if r.tensors++; r.tensors > maxTensors {
		return nil, fmt.Errorf("more than %d tensors", maxTensors)
	}
	offset, ok := args[1].(int64)
	if !ok || offset < 0 {
		return nil, errors.New("a tensor's offset is not a whole number from 0 on")
	}
	dims, err := int64s(args[2])
	if err != nil {
		return nil, fmt.Errorf("a tensor's size: %w", err)
	}
	strides, err := int64s(args[3])
	if err != nil {
		return nil, fmt.Errorf("a tensor's stride: %w", err)
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		if int64(int(d)) != d {
			return nil, fmt.Errorf("a tensor's size %v is impossibly large", dims)
		}
		shape[i] = int(d)
	}
	// A part of a storage has bounds of its own: check against those, then point into the whole.
	refItem, item := storageClass{dtype: ref.dtype}.item(), int64(dtype.Size())
	part := &storage{src: ref.st.src, key: ref.st.key, size: ref.count * refItem}
	t, err := newView(part, dtype, offset, shape, strides)
	if err != nil {
		return nil, err
	}
	if ref.base*refItem%item != 0 {
		return nil, fmt.Errorf("a view of storage %q starts inside an element", ref.st.key)
	}
	t.storage = ref.st
	t.offset += ref.base * refItem / item
	return t, nil
}

func rebuildParameter(args []any) (any, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*Tensor); ok {
			return t, nil
		}
	}
	return nil, errors.New("a parameter without a tensor")
}

// rebuildFromType is torch._tensor._rebuild_from_type_v2(function, class, arguments, state): a tensor with attributes, or
// of a subclass, neither of which matters.
func rebuildFromType(args []any) (any, error) {
	if len(args) >= 3 {
		f, ok := args[0].(pickle.Callable)
		tuple, ok2 := args[2].(*pickle.Tuple)
		if ok && ok2 {
			return f.Call(tuple.Items)
		}
	}
	return nil, errors.New("a tensor of a class without a function that makes it")
}

func torchSize(args []any) (any, bool) {
	if len(args) != 1 {
		return nil, false
	}
	size, ok := args[0].(*pickle.Tuple)
	return size, ok
}

// asText is the name of a device or layout.
func asText(args []any) (any, bool) {
	if len(args) == 0 {
		return nil, false
	}
	s, ok := args[0].(string)
	return s, ok
}

// persistent resolves ('storage', class, key, location, number of elements[, view]). The location, such as cuda:0, says
// where the values were and does not matter. The older format also has ('module', class, ...), the class of a whole
// model with its program text.
func (r *torchReader) persistent(id any) (any, error) {
	tuple, ok := id.(*pickle.Tuple)
	if ok && len(tuple.Items) > 1 && tuple.Items[0] == any("module") {
		return tuple.Items[1], nil
	}
	if !ok || len(tuple.Items) < 5 || tuple.Items[0] != any("storage") {
		return nil, errors.New("a persistent id that is not a storage")
	}
	class, ok1 := tuple.Items[1].(storageClass)
	key, ok2 := tuple.Items[2].(string)
	count, ok3 := tuple.Items[4].(int64)
	if !ok1 || !ok2 || !ok3 {
		return nil, errors.New("a storage without class, key or number of elements")
	}
	if count < 0 || count > math.MaxInt64/16 {
		return nil, fmt.Errorf("storage %q of %d elements", short(key), count)
	}
	st, err := r.find(key, count*class.item())
	if err != nil {
		return nil, err
	}
	ref := &storageRef{st: st, dtype: class.dtype, count: count}
	if len(tuple.Items) > 5 && tuple.Items[5] != nil {
		// Files of torch before 0.4 name parts of a storage: (key of the part, first element, number of elements).
		part, ok := tuple.Items[5].(*pickle.Tuple)
		if !ok || len(part.Items) != 3 {
			return nil, fmt.Errorf("storage %q: a part that is no (key, offset, size)", short(key))
		}
		base, ok1 := part.Items[1].(int64)
		size, ok2 := part.Items[2].(int64)
		if !ok1 || !ok2 || base < 0 || size < 0 || base > count || size > count-base {
			return nil, fmt.Errorf("storage %q: a part that does not fit in its %d elements", short(key), count)
		}
		ref.base, ref.count = base, size
	}
	return ref, nil
}

func int64s(v any) ([]int64, error) {
	var items []any
	switch v := v.(type) {
	case *pickle.Tuple:
		items = v.Items
	case *pickle.List:
		items = v.Items
	default:
		return nil, errors.New("is not a tuple")
	}
	if len(items) > maxAxes {
		return nil, fmt.Errorf("%d axes, at most %d are supported", len(items), maxAxes)
	}
	ns := make([]int64, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok {
			return nil, errors.New("holds something other than whole numbers")
		}
		ns[i] = n
	}
	return ns, nil
}

// short cuts what a file says to a length that fits on a line.
func short(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

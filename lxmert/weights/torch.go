package weights

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// This file says what the names mean that occur in torch.save's pickles: a fixed list, everything else is refused.

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

var unsupportedTypes = map[string]bool{
	"ComplexDoubleStorage": true, "ComplexFloatStorage": true, "complex32": true, "complex64": true, "complex128": true,
	"QInt8Storage": true, "QUInt8Storage": true, "QInt32Storage": true, "QUInt4x2Storage": true, "QUInt2x4Storage": true,
	"float8_e4m3fn": true, "float8_e5m2": true, "float8_e4m3fnuz": true, "float8_e5m2fnuz": true, "float8_e8m0fnu": true,
	"qint8": true, "quint8": true, "qint32": true,
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
	case "torch", "torch.storage", "torch.cuda":
		if unsupportedTypes[name] {
			return nil, fmt.Errorf("elements of type %s.%s are not supported; convert the tensor in Python first", module, name)
		}
		if dtype, ok := storageTypes[name]; ok {
			return storageClass{module + "." + name, dtype}, nil
		}
		if _, ok := torchTypes[name]; ok && module == "torch" {
			return TorchDType("torch." + name), nil
		}
		if module == "torch" && name == "Size" {
			return function(torchSize), nil
		}
		if module == "torch" && name == "device" {
			return function(asText), nil
		}
	case "torch.serialization":
		if name == "_get_layout" {
			return function(asText), nil
		}
	case "builtins", "__builtin__":
		if name == "set" || name == "frozenset" {
			return function(asSet), nil
		}
	case "numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs":
		if f := numpyGlobal(module, name); f != nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("it names %q, which is not on the list of harmless names; nothing was executed. "+
		"A file that holds only tensors and plain values can be read: save model.state_dict()", short(module+"."+name))
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
		key, ok := items[0].(string)
		if !ok {
			return nil, errors.New("a key of an OrderedDict is no string")
		}
		d.Set(key, items[1])
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
	return r.tensor(ref, torchTypes[string(name[len("torch."):])], args)
}

func (r *torchReader) tensor(ref *storageRef, dtype DType, args []any) (any, error) {
	if r.tensors++; r.tensors > maxTensors {
		return nil, fmt.Errorf("more than %d tensors", maxTensors)
	}
	offset, ok := args[1].(int64)
	if !ok || offset < 0 {
		return nil, errors.New("a tensor's offset is no whole number from 0 on")
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

func torchSize(args []any) (any, error) {
	if len(args) == 1 {
		if size, ok := args[0].(*pickle.Tuple); ok {
			return size, nil
		}
	}
	return nil, errors.New("torch.Size takes a tuple")
}

func asText(args []any) (any, error) {
	if len(args) > 0 {
		if s, ok := args[0].(string); ok {
			return s, nil
		}
	}
	return nil, errors.New("a device or layout without a name")
}

func asSet(args []any) (any, error) {
	if len(args) == 0 {
		return &pickle.List{}, nil
	}
	if l, ok := args[0].(*pickle.List); ok && len(args) == 1 {
		return l, nil
	}
	return nil, errors.New("a set of something that is no list")
}

// persistent resolves ('storage', class, key, location, number of elements[, view]). The location, such as cuda:0, says
// where the values were and does not matter.
func (r *torchReader) persistent(id any) (any, error) {
	tuple, ok := id.(*pickle.Tuple)
	if !ok || len(tuple.Items) < 5 || tuple.Items[0] != any("storage") {
		return nil, errors.New("a persistent id that is no storage")
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
		return nil, errors.New("is no tuple")
	}
	if len(items) > maxAxes {
		return nil, fmt.Errorf("%d axes, at most %d are supported", len(items), maxAxes)
	}
	ns := make([]int64, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok {
			return nil, errors.New("holds something else than whole numbers")
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

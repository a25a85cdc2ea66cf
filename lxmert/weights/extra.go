package weights

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// Training loops save more than tensors: their flags, paths, dates, counters, NumPy values, objects of their own classes.
// None of that is needed for weights, so it is kept as what it is called and left alone. This file says what the names
// become that make no tensors.

// Values of a checkpoint that have no meaning here. They are names and what was given to them; nothing of that is run,
// loaded or looked up.
type (
	// Class is a class or function that a checkpoint names.
	Class = pickle.Class
	// Object is what a checkpoint makes with a class.
	Object = pickle.Object
)

// otherTypes are torch's dtypes that no tensor may have here, but that may stand beside tensors as values.
var otherTypes = map[string]bool{
	"complex32": true, "complex64": true, "complex128": true, "qint8": true, "quint8": true, "qint32": true, "quint4x2": true, "quint2x4": true,
	"float8_e4m3fn": true, "float8_e5m2": true, "float8_e4m3fnuz": true, "float8_e5m2fnuz": true, "float8_e8m0fnu": true, "float4_e2m1fn_x2": true,
}

// programModules are modules of Python whose names have no place in a checkpoint: calling them, which Python does on
// opening such a file, runs programs or changes files. They would be inert here too; a file that has them is better
// called what it is.
var programModules = map[string]bool{
	"os": true, "posix": true, "nt": true, "subprocess": true, "pty": true, "shutil": true, "socket": true, "importlib": true, "runpy": true,
	"webbrowser": true, "ctypes": true,
}

// programFunctions are the functions of that kind among Python's own.
var programFunctions = map[string]bool{
	"eval": true, "exec": true, "execfile": true, "compile": true, "__import__": true, "open": true, "file": true, "input": true, "breakpoint": true, "apply": true,
}

// extraGlobal returns what a name stands for that makes no tensor.
func extraGlobal(module, name string) (any, error) {
	switch module { // Python 3 writes the names of Python 2 where the protocol is 2
	case "__builtin__":
		module = "builtins"
	case "copy_reg":
		module = "copyreg"
	}
	if programModules[module] || module == "builtins" && programFunctions[name] {
		return nil, fmt.Errorf("it names %q, which in Python runs programs or changes files as soon as the file is opened; "+
			"nothing was executed here. Weights need no such name: do not open this file in Python", short(module+"."+name))
	}
	if known := extraFunctions[module+"."+name]; known != nil {
		return orObject(module, name, known), nil
	}
	return &Class{Module: module, Name: name}, nil
}

// extraFunctions are functions whose results are known here. They report whether they know what to make of their arguments.
var extraFunctions = map[string]func(args []any) (any, bool){
	"builtins.set": asSet, "builtins.frozenset": asFrozen, "builtins.getattr": attribute,
	"copyreg._reconstructor":       firstArgument,
	"_codecs.encode":               latin1,
	"numpy.dtype":                  numpyDType,
	"numpy.core.multiarray.scalar": numpyScalar, "numpy._core.multiarray.scalar": numpyScalar,
	"numpy.core.multiarray._reconstruct": firstArgument, "numpy._core.multiarray._reconstruct": firstArgument,
	"numpy.core.numeric._frombuffer": numpyFromBuffer, "numpy._core.numeric._frombuffer": numpyFromBuffer,
}

// orObject is a function that makes an [Object] of arguments with which f can do nothing.
func orObject(module, name string, f func(args []any) (any, bool)) function {
	return func(args []any) (any, error) {
		if v, ok := f(args); ok {
			return v, nil
		}
		return &Object{Class: &Class{Module: module, Name: name}, Args: args}, nil
	}
}

func asSet(args []any) (any, bool) {
	if len(args) == 0 {
		return &pickle.List{}, true
	}
	l, ok := args[0].(*pickle.List)
	if !ok || len(args) != 1 {
		return nil, false
	}
	return l, true
}

// asFrozen is a tuple, because a frozenset may be a dict's key.
func asFrozen(args []any) (any, bool) {
	v, ok := asSet(args)
	if !ok {
		return nil, false
	}
	return &pickle.Tuple{Items: v.(*pickle.List).Items}, true
}

// attribute is getattr(class, name), by which Python saves the members of an enum and the methods of a class: the name
// with the other in front, up to a length that programs have.
func attribute(args []any) (any, bool) {
	if len(args) != 2 {
		return nil, false
	}
	class, ok := args[0].(*Class)
	name, ok2 := args[1].(string)
	if !ok || !ok2 || len(class.Name)+len(name) > 200 {
		return nil, false
	}
	return &Class{Module: class.Module, Name: class.Name + "." + name}, true
}

// firstArgument is a function that makes an object of the class which is its first argument.
func firstArgument(args []any) (any, bool) {
	if len(args) == 0 {
		return nil, false
	}
	class, ok := args[0].(*Class)
	return &Object{Class: class, Args: args[1:]}, ok
}

package check

import (
	_ "embed"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
)

// ScriptFile is what [Script] is called, as a program and as a module of Python.
const ScriptFile = "lxmert_activations.py"

// Script is a program for Python that gives all activations of an LXMERT in PyTorch by their names here. Its help says how to
// use it alone.
//
//go:embed lxmert_activations.py
var Script []byte

// python is what FindPython needs to know about the script.
var python = process.Script{File: ScriptFile, Source: Script, Module: "torch", Product: "PyTorch", Install: "torch"}

// pythonAbout is what the script says about the Python that runs it.
type pythonAbout struct {
	Torch        string `json:"torch"`
	Transformers string `json:"transformers"` // "": it cannot be imported
}

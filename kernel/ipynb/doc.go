// Package ipynb reads Jupyter's notebooks, gives them parameters, executes them in a kernel, and writes them with what
// came out.
//
// Parameters are variables or constants of a notebook that have a type of one word: string, int, float64 or bool. They
// stand in the cell with the tag "parameters", as papermill has it, or else in the first cell of Go. New values do not
// change that cell: they come in one of their own after it, with the tag "injected-parameters", which declares them once
// more; declarations that depend on them, as initialised in each cell, follow.
package ipynb

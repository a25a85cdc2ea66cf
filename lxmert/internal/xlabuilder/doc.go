// Package xlabuilder reaches what go-xla builds between GoMLX, which describes a program, and XLA, which compiles it, and what else
// go-xla keeps in unexported fields; where a later version keeps it elsewhere, programs stay as they are.
package xlabuilder

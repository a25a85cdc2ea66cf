// Package xlabuilder reaches what go-xla builds between GoMLX, which describes a program, and XLA, which compiles it. go-xla keeps it
// in unexported fields; where a later version keeps it elsewhere, programs stay as they are.
package xlabuilder

//go:build !(cgo && (linux || darwin || windows))

package xlabuilder

import "github.com/gomlx/compute"

func alias(compute.Builder, map[int]int) {}

func useTF32(compute.Builder) {}

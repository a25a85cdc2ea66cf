package nogpu

import (
	_ "embed"
	"errors"
)

// ErrElsewhere is what programs say of all this that cannot do it.
var ErrElsewhere = errors.New("programs for a GPU that is not there are built and compiled by this program with cgo (CGO_ENABLED=1) on Linux")

// Program is what XLA is given to compile.
type Program struct {
	Name    string
	Text    []byte // StableHLO
	Options []byte // a serialized CompileOptionsProto
	Devices int    // that it runs on
}

// Need is how many bytes of a device's memory a compiled program takes.
type Need struct {
	Arguments int64 `json:"argument_bytes"`
	Outputs   int64 `json:"output_bytes"`
	Aliased   int64 `json:"aliased_bytes"` // of the outputs, those that have the memory of arguments
	Temporary int64 `json:"temporary_bytes"`
}

// H100 describes NVIDIA's H100 SXM with 80 GB to XLA's compiler, as a GpuTargetConfigProto.
//
//go:embed h100.txtpb
var H100 string

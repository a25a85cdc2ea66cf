package backend

import (
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
)

// Kind says what computes.
type Kind string

// The kinds of backend. KindXLA stands for XLA without saying on what: in a spec the best one found, in a [Backend] a
// plugin whose file name does not tell.
const (
	KindAuto Kind = ""
	KindXLA  Kind = "xla"
	KindCPU  Kind = "xla:cpu"
	KindCUDA Kind = "xla:cuda"
	KindGo   Kind = "go"
)

// GoSpec is how the Go backend is always opened: in its other modes it deadlocks on this model.
const GoSpec = "go:ops_sequential"

// KindOf tells the kind of a backend from GoMLX's side of it, which names its plugin.
func KindOf(b compute.Backend) Kind {
	if x, ok := b.(interface{ PluginName() string }); ok {
		return kindOfFile(x.PluginName())
	}
	return KindGo
}

// kindOfFile tells a plugin's kind by its file name, and where that does not tell, by its folder's.
func kindOfFile(path string) Kind {
	dir, name := filepath.Split(path)
	for _, s := range []string{name, filepath.Base(dir)} {
		s = strings.ToLower(s)
		switch {
		case strings.Contains(s, "cuda"), strings.Contains(s, "nvidia"):
			return KindCUDA
		case strings.Contains(s, "cpu"):
			return KindCPU
		}
	}
	return KindXLA
}

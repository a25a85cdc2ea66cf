package bench

import (
	"context"
	"fmt"
	"os"
)

// setting is one way of running PyTorch.
type setting struct {
	env     string // variables of the process, separated by spaces
	compile bool   // with torch.compile
}

// passive keeps OpenMP's threads from spinning while they wait, which is sometimes faster and sometimes slower.
const passive = "OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0"

const compiled = "torch.compile"

// String is how reports call the setting.
func (s setting) String() string {
	if s.compile {
		return compiled
	}
	return s.env
}

// torchName is how tables and progress call PyTorch under a setting.
func torchName(setting string) string {
	switch setting {
	case passive:
		return "torch, passive"
	case compiled:
		return "torch, compiled"
	}
	return "torch"
}

// takeTurns runs our engine before each of the peer's settings, or once where there is no peer. Which settings there are
// is asked when our engine has run.
func takeTurns(ctx context.Context, ours func(context.Context) error, settings func() []setting, theirs func(context.Context, setting) error) error {
	for turn := 0; ; turn++ {
		if err := ours(ctx); err != nil {
			return err
		}
		list := settings()
		if turn < len(list) {
			if err := theirs(ctx, list[turn]); err != nil {
				return err
			}
		}
		if turn+1 >= len(list) {
			return nil
		}
	}
}

// temporary makes the folder of a measurement's files; remove deletes it.
func temporary() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "lxmert-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("no folder for temporary files: %w; TMPDIR names another", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

package install

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os/exec"
	"strings"
)

const (
	// oldestGo is the oldest Go that compiles this library.
	oldestGo = "go1.26.5"
	// installSpace is what an installation into an empty folder takes, with what Go caches meanwhile, in bytes.
	installSpace = 1500 << 20
	// reinstallSpace is what another run of it needs.
	reinstallSpace = 100 << 20
)

// look checks what cannot be installed here: Go, a C compiler, room on the disk.
func (in *installation) look(ctx context.Context) error {
	v, err := goVersion(ctx)
	if err != nil {
		return err
	}
	in.goVersion = v
	fmt.Fprintf(in.Log, "install: Go: %s\n", v)
	if cc, err := compiler(ctx); err != nil {
		fmt.Fprintf(in.Log, "install: C compiler: %v\n", err)
	} else {
		fmt.Fprintf(in.Log, "install: C compiler: %s\n", cc)
	}
	need := int64(reinstallSpace)
	if in.Check() != nil {
		need = installSpace
	}
	if err := RoomFor(in.Dir, need); err != nil {
		return fmt.Errorf("install: %w; or let %s name a folder elsewhere", err, DirEnv)
	}
	in.source, err = findSource(in.Source)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return nil
}

// goVersion is the version of the Go on the path, "go1.26.8".
func goVersion(ctx context.Context) (string, error) {
	const advice = "install Go from go.dev/dl and put its bin folder on PATH"
	out, err := command(ctx, "", []string{"GOTOOLCHAIN=local"}, "go", "env", "GOVERSION")
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) || err != nil && strings.Contains(err.Error(), "not found") {
		return "", fmt.Errorf("there is no Go: %s", advice)
	}
	if err != nil {
		return "", err
	}
	v := strings.TrimSpace(out)
	if version.IsValid(v) && version.Compare(v, oldestGo) < 0 {
		return "", fmt.Errorf("%s is too old, %s is needed: %s", v, oldestGo, advice)
	}
	return v, nil
}

// BringCompiler is what to do about a missing C compiler.
const BringCompiler = "on Debian and Ubuntu `apt-get install gcc libc6-dev` brings one, then run it again"

// compiler is the C compiler that Go would use. Without one the error says what follows.
func compiler(ctx context.Context) (string, error) {
	out, err := command(ctx, "", nil, "go", "env", "CC")
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if words := strings.Fields(out); err == nil && len(words) > 0 {
		if path, err := exec.LookPath(words[0]); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is none: the slow Go backend computes; " + BringCompiler)
}

package install

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

// tool is a Go program that is built from a module of its own, with the checksums of everything that goes into it.
type tool struct{ name, version string }

// tools are what the kernel runs. They have a module each, as they cannot agree on the versions of what they need. GoNB is
// of the version whose gonbui cells import, which go.mod has from GoMLX.
var tools = []tool{{"gonb", "v0.11.5"}, {"goimports", "v0.52.0"}, {"gopls", "v0.21.1"}}

// modules hold NAME.mod and NAME.sum for each tool. A folder with a go.mod could not be embedded.
//
//go:embed tools
var modules embed.FS

func (t tool) files() (mod, sum []byte, err error) {
	if mod, err = modules.ReadFile("tools/" + t.name + ".mod"); err != nil {
		return nil, nil, err
	}
	sum, err = modules.ReadFile("tools/" + t.name + ".sum")
	return mod, sum, err
}

func (t tool) want(_ context.Context, in *installation) (string, error) {
	mod, sum, err := t.files()
	return fmt.Sprintf("%s %s with %s\n%s%s", t.name, t.version, in.goVersion, mod, sum), err
}

func (t tool) install(ctx context.Context, in *installation) error {
	mod, sum, err := t.files()
	if err != nil {
		return err
	}
	stage, err := os.MkdirTemp(in.Dir, ".tool-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	for name, text := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(stage, name), text, 0o666); err != nil {
			return err
		}
	}
	env := []string{"GOBIN=" + stage, "GOFLAGS=-mod=readonly", "GOWORK=off", "GOOS=", "GOARCH="}
	if _, err := command(ctx, stage, env, "go", "install", "tool"); err != nil {
		return err
	}
	if err := os.MkdirAll(in.path("bin"), 0o777); err != nil {
		return err
	}
	return os.Rename(filepath.Join(stage, t.name), in.Program(t.name))
}

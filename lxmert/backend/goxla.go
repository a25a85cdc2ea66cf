//go:build cgo && (linux || darwin || windows)

package backend

import (
	"context"

	"github.com/gomlx/go-xla/installer"
)

// installWithGoXLA lets go-xla's installer bring the CPU plugin that it was tested with into dir. It cannot be
// interrupted: when ctx ends, it is left to finish alone.
func installWithGoXLA(ctx context.Context, dir string) error {
	done := make(chan error, 1)
	go func() { done <- installer.CPUAutoInstall(dir, false, installer.Quiet) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

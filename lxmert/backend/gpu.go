package backend

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// findGPU reports whether this machine has an NVIDIA GPU, and how it knows. It looks for the driver's device files first
// and asks nvidia-smi only where there are none, as under WSL.
func (m *machine) findGPU(ctx context.Context) (found bool, how string) {
	for _, pattern := range []string{"dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*"} {
		if files, _ := filepath.Glob(filepath.Join(m.root, pattern)); len(files) > 0 {
			n := fmt.Sprintf("%d", len(files))
			if len(files) == 1 {
				n = "one"
			}
			return true, fmt.Sprintf("%s in /%s", n, filepath.Dir(pattern))
		}
	}
	smi := m.lookPath("nvidia-smi")
	if smi == "" {
		return false, "no /dev/nvidia*, no nvidia-smi"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, smi, "-L").Output()
	if err != nil || !strings.Contains(string(out), "GPU ") {
		return false, "nvidia-smi lists no GPU"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	line, _, _ = strings.Cut(line, " (UUID")
	return true, line
}

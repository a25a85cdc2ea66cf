package compileoption

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
)

// Deterministic are the options with which programs of a backend give the same bits each time: operations whose order of
// adding up varies are replaced, and which kernel is the fastest, which timing them says, is written down for later processes.
// There are none where programs are like that anyway, because [Use] was not called for the backend's plugin.
func Deterministic(b compute.Backend) ([]Option, error) {
	x, ok := b.(interface{ PluginName() string })
	if !ok {
		return nil, nil
	}
	why, ok := used.Load(x.PluginName())
	if !ok {
		return nil, nil
	}
	if err, _ := why.(error); err != nil {
		return nil, fmt.Errorf("deterministic operations cannot be asked for: %w", err)
	}
	dir, err := choices(x.PluginName())
	if err != nil {
		return nil, fmt.Errorf("deterministic operations need a folder for the compiler's choices: %w (XDG_CACHE_HOME names another)", err)
	}
	return []Option{{"xla_gpu_exclude_nondeterministic_ops", true}, {"xla_gpu_per_fusion_autotune_cache_dir", dir}}, nil
}

// choices is the folder for what a plugin's compiler has chosen: golxmert/autotune in the user's cache folder has one for each
// plugin's file, whose names of kernels mean nothing to others.
func choices(plugin string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file, err := os.Stat(plugin)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", plugin, file.Size(), file.ModTime().UnixNano()))
	dir := filepath.Join(cache, "golxmert", "autotune", fmt.Sprintf("%x", sum[:6]))
	return dir, os.MkdirAll(dir, 0o755)
}

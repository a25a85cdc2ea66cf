package compileoption

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
)

// For are the options of a backend's programs. Which kernels are the fastest, which timing them says, is written down for later
// processes. Deterministic programs give the same bits each time: operations whose order of adding up varies are replaced, and the
// kernels must be those that were written down. There are no options where [Use] was not called for the backend's plugin; programs
// are deterministic there anyway.
func For(b compute.Backend, deterministic bool) ([]Option, error) {
	x, ok := b.(interface{ PluginName() string })
	if !ok {
		return nil, nil
	}
	why, ok := used.Load(x.PluginName())
	if !ok {
		return nil, nil
	}
	err, _ := why.(error)
	dir, missing := "", error(nil)
	if err == nil {
		dir, missing = choices(x.PluginName())
	}
	switch {
	case !deterministic && (err != nil || missing != nil):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("deterministic operations cannot be asked for: %w", err)
	case missing != nil:
		return nil, fmt.Errorf("deterministic operations need a folder for the compiler's choices: %w (XDG_CACHE_HOME names another)", missing)
	}
	options := []Option{{"xla_gpu_per_fusion_autotune_cache_dir", dir}}
	if deterministic {
		options = append(options, Option{"xla_gpu_exclude_nondeterministic_ops", true})
	}
	return options, nil
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

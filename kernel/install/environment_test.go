package install

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatJupyterWritesIsInTheInstallation(t *testing.T) {
	p := Place{t.TempDir()}
	t.Setenv("JUPYTER_CONFIG_DIR", "/somewhere/else")
	t.Setenv("UNTOUCHED", "a=b")
	env := p.Environment()
	for _, name := range []string{"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
		"JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR", "PIP_CACHE_DIR", "npm_config_cache", "GOPLSCACHE"} {
		var values []string
		for _, entry := range env {
			if v, ok := strings.CutPrefix(entry, name+"="); ok {
				values = append(values, v)
			}
		}
		if len(values) != 1 || !strings.HasPrefix(values[0], p.Dir+"/") {
			t.Errorf("%s is %q", name, values)
		}
	}
	if !slices.Contains(env, "UNTOUCHED=a=b") {
		t.Error("a variable of the user's is lost")
	}
}

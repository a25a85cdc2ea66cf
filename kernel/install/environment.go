package install

import (
	"os"
	"slices"
	"strings"
)

// Environment is what Jupyter's programs of this installation are run with: this process's environment, with all that
// Jupyter, IPython, pip and npm would write into the user's home inside the installation's folder, where [Uninstall] finds it.
func (p Place) Environment() []string {
	own := p.ownFolders()
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, replaced := own[name]
		return replaced
	})
	for name, dir := range own {
		env = append(env, name+"="+dir)
	}
	slices.Sort(env)
	return env
}

// ownFolders are the folders of the installation by the environment variable that names each.
func (p Place) ownFolders() map[string]string {
	return map[string]string{
		"JUPYTER_CONFIG_DIR":        p.path("jupyter", "config"),
		"JUPYTER_DATA_DIR":          p.path("jupyter", "data"),
		"JUPYTER_RUNTIME_DIR":       p.path("jupyter", "runtime"),
		"JUPYTERLAB_SETTINGS_DIR":   p.path("jupyter", "settings"),
		"JUPYTERLAB_WORKSPACES_DIR": p.path("jupyter", "workspaces"),
		"IPYTHONDIR":                p.path("jupyter", "ipython"),
		"PIP_CACHE_DIR":             p.pipCache(),
		"npm_config_cache":          p.path("jupyter", "npm"), // jupyter-lsp asks npm where it keeps language servers
		goplsCacheEnv:               p.goplsCache(),
	}
}

// goplsCacheEnv names the folder in which gopls keeps what it has found out about packages.
const goplsCacheEnv = "GOPLSCACHE"

func (p Place) goplsCache() string { return p.path("gopls") }

// pipCache keeps downloads until they are installed, so that an installation that was cut off goes on where it was.
func (p Place) pipCache() string { return p.path("pip") }

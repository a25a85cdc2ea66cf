package install

import (
	"context"
)

// labSettings are settings of JupyterLab that differ from its own, until the user changes them: it asks nobody whether it may
// fetch news, fetches none, and does not say that there is a newer JupyterLab, as the installation is of one version.
const labSettings = `{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
`

func wantLab(context.Context, *installation) (string, error) { return labSettings, nil }

func installLab(_ context.Context, in *installation) error {
	return writeFile(in.path("venv", "share", "jupyter", "lab", "settings", "overrides.json"), []byte(labSettings))
}

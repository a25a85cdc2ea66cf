package install

import (
	"context"
)

// labSettings are settings of JupyterLab that differ from its own, until the user changes them: it asks nobody whether it may
// fetch news, and fetches none.
const labSettings = `{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
`

func wantLab(context.Context, *installation) (string, error) { return labSettings, nil }

func installLab(_ context.Context, in *installation) error {
	return writeFile(in.path("venv", "share", "jupyter", "lab", "settings", "overrides.json"), []byte(labSettings))
}

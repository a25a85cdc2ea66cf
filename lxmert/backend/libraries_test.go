package backend

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAPluginsReleaseIsThatOfTheManifestAboveIt(t *testing.T) {
	dir := t.TempDir()
	plugin := filepath.Join(dir, "jax_plugins", "xla_cuda13", "plugin.so")
	if got := pluginRelease(plugin); got != "plugin.so" {
		t.Errorf("without a manifest %q", got)
	}
	if err := writeManifest(dir, manifest{Source: "jax-cuda13-pjrt", Version: "0.7.2", File: "jax_plugins/xla_cuda13/plugin.so"}); err != nil {
		t.Fatal(err)
	}
	if got := pluginRelease(plugin); got != "jax-cuda13-pjrt 0.7.2" {
		t.Errorf("%q", got)
	}
	if got := pluginRelease(filepath.Join(dir, "another.so")); got != "another.so" {
		t.Errorf("a plugin that the manifest is not about is %q", got)
	}
	b := &Backend{Plugin: plugin, APIVersion: "0.81"}
	if got := b.Libraries(); !strings.HasSuffix(got, "jax-cuda13-pjrt 0.7.2, PJRT API 0.81") {
		t.Errorf("%q", got)
	}
}

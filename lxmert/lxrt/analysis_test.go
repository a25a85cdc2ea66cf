package lxrt

import (
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// analysisCase is the model of an analysis golden folder and its inputs.
func analysisCase(t *testing.T, b *backend.Backend, folder string) (*Model, *lxmert.Batch) {
	m := openModel(t, b, filepath.Join(folder, "weights.safetensors"), Options{})
	return m, readBatch(t, filepath.Join(folder, "inputs.safetensors"))
}

func TestAnalysisForwardEqualsReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		enginetest.AnalysisForward(t, m, onGo(t, folder), batch, folder)
	})
}

func TestMapGradientsEqualReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		enginetest.MapGradients(t, m, onGo(t, folder), batch, folder)
	})
}

// onGo is the model of an analysis golden folder on the backend that compiles nothing.
func onGo(t *testing.T, folder string) *Model {
	plain, _ := analysisCase(t, backendtest.Open(t, "go"), folder)
	return plain
}

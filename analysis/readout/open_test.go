package readout_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

var (
	eachGolden = lxrttest.EachGolden
	onGo       = lxrttest.OnGo
	reach      = lxrttest.Reach
)

// eachTiny runs a test on every backend with the tiny pre-trained model of every golden folder of models.
func eachTiny(t *testing.T, test func(t *testing.T, eng lxmert.Engine, tiny string)) {
	backendtest.Each(t, func(t *testing.T, back *backend.Backend) {
		for _, folder := range goldentest.Folders(t, "model") {
			t.Run(filepath.Base(folder), func(t *testing.T) {
				m, err := lxrt.Open(back, filepath.Join(folder, "tiny", "weights.safetensors"), filepath.Join(folder, "config.json"), lxrt.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				test(t, m, filepath.Join(folder, "tiny"))
			})
		}
	})
}

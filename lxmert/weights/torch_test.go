package weights_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// runPython runs a script and returns what it printed.
func runPython(t *testing.T, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command(goldentest.Python(t), append([]string{"-W", "ignore", "-c", script}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestReadsWhatTrainingLoopsSave: a checkpoint around the weights, with an optimiser, NumPy scalars, sets, sizes and
// types beside them, in both formats and several pickle protocols.
func TestReadsWhatTrainingLoopsSave(t *testing.T) {
	dir := t.TempDir()
	out := runPython(t, `
import sys, json, torch, numpy as np
from collections import OrderedDict
net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
opt = torch.optim.Adam(net.parameters(), lr=0.5)
net(torch.ones(4, 3)).sum().backward(); opt.step()
x = torch.arange(24.).reshape(4, 6)
d = {"epoch": 3, "model": OrderedDict(("module." + k, v) for k, v in net.state_dict().items()), "optimizer": opt.state_dict(),
     "best": np.float64(0.25), "count": np.int64(-7), "seen": {5}, "size": x.size(), "dtype": torch.float16, "device": torch.device("cpu"),
     "raw": b"\x00\xff", "big": 2**70, "view": x.t()[1:3], "expanded": torch.tensor([1., 2.]).expand(3, 2), "none": None, "param": torch.nn.Parameter(x[0])}
torch.save(d, sys.argv[1] + "/zip.pth")
torch.save(d, sys.argv[1] + "/legacy.pth", _use_new_zipfile_serialization=False)
for p in (3, 4, 5): torch.save(d, sys.argv[1] + "/p%d.pth" % p, pickle_protocol=p)
torch.save(x, sys.argv[1] + "/one.pth")
print(json.dumps({"w": net[0].weight.flatten().tolist(), "m": opt.state_dict()["state"][0]["exp_avg"].flatten().tolist()}))
`, dir)
	var want struct{ W, M []float32 }
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"zip", "legacy", "p3", "p4", "p5"} {
		f := open(t, filepath.Join(dir, name+".pth"))
		if got := floats(t, tensor(t, f, "model.module.0.weight")); !slices.Equal(got, want.W) {
			t.Errorf("%s: weight %v, want %v", name, got, want.W)
		}
		if got := floats(t, tensor(t, f, "optimizer.state.0.exp_avg")); !slices.Equal(got, want.M) {
			t.Errorf("%s: moment %v, want %v", name, got, want.M)
		}
		if got := floats(t, tensor(t, f, "view")); !slices.Equal(got, []float32{1, 7, 13, 19, 2, 8, 14, 20}) {
			t.Errorf("%s: view %v", name, got)
		}
		if got := floats(t, tensor(t, f, "expanded")); !slices.Equal(got, []float32{1, 2, 1, 2, 1, 2}) {
			t.Errorf("%s: expanded %v", name, got)
		}
		d := f.Object.(*weights.Dict)
		for key, want := range map[string]any{
			"epoch": int64(3), "best": 0.25, "count": int64(-7), "dtype": weights.TorchDType("torch.float16"), "device": "cpu", "none": nil, "raw": weights.Bytes("\x00\xff"),
		} {
			if got, ok := d.Get(key); !ok || got != want {
				t.Errorf("%s: %s is %v, want %v", name, key, got, want)
			}
		}
		if size, _ := d.Get("size"); len(size.(*weights.Tuple).Items) != 2 {
			t.Errorf("%s: size %v", name, size)
		}
	}
	if got := floats(t, tensor(t, open(t, filepath.Join(dir, "one.pth")), "tensor")); len(got) != 24 {
		t.Errorf("one tensor: %v", got)
	}
}

// TestReadsNewerTypes: unsigned types, which torch saves another way, where this torch has them.
func TestReadsNewerTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pth")
	if runPython(t, `
import sys, torch
if hasattr(torch, "uint16"):
    torch.save({"a": torch.tensor([1, 65535], dtype=torch.uint16), "s": torch.zeros(4).untyped_storage()}, sys.argv[1]); print("saved")
`, path) == "" {
		t.Skip("this PyTorch has no uint16")
	}
	x := tensor(t, open(t, path), "a")
	if v, err := x.Int64s(); err != nil || x.DType != weights.U16 || !slices.Equal(v, []int64{1, 65535}) {
		t.Errorf("%s %v %v", x.DType, v, err)
	}
}

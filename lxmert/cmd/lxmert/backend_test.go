package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

func TestBackendTableSaysWhatWorksAndWhatIsTaken(t *testing.T) {
	var out bytes.Buffer
	printBackends(&out, []backend.Candidate{
		{Kind: backend.KindCUDA, Path: "/a/xla_cuda_plugin.so", Err: "not tried: no NVIDIA GPU"},
		{Kind: backend.KindCPU, Path: "/b/xla_cpu_pjrt.so", APIVersion: "0.81", Devices: []string{"CPU_0 [x]", "CPU_1"}, Loads: true, Chosen: true, Why: "found"},
		{Kind: backend.KindGo, Loads: true, Why: "always there"},
	})
	want := `  KIND      API   DEVICES         WORKS  WHERE
  xla:cuda  -     -               no     /a/xla_cuda_plugin.so
* xla:cpu   0.81  2 (CPU_0, ...)  yes    /b/xla_cpu_pjrt.so
  go        -     -               yes    go:ops_sequential

/a/xla_cuda_plugin.so: not tried: no NVIDIA GPU
* xla:cpu: found
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	printBackends(&out, []backend.Candidate{{Kind: backend.KindGo, Loads: true}})
	if !strings.Contains(out.String(), "lxmert backend install cpu") || !strings.Contains(out.String(), "None of these") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestBackendInstallRefusesOtherKinds(t *testing.T) {
	cmd := backendCommand()
	cmd.SetArgs([]string{"install", "tpu"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "install tpu") {
		t.Errorf("error %v", err)
	}
}

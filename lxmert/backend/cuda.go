package backend

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
)

// nvidiaFolder is where a CUDA plugin's own NVIDIA libraries are: Python packages and go-xla put them in a folder
// "nvidia" one or two levels above the plugin, where its RPATH looks. "": it uses those of the system.
func nvidiaFolder(plugin string) string {
	dir := filepath.Dir(plugin)
	for _, up := range []string{"../..", ".."} {
		if nvidia := filepath.Join(dir, up, "nvidia"); isDir(nvidia) {
			return nvidia
		}
	}
	return ""
}

// cudaDataDir is the folder with bin/ptxas and nvvm/libdevice, which XLA's compiler needs.
func cudaDataDir(nvidia string) string {
	for _, name := range []string{"cu13", "cuda_nvcc"} {
		if dir := filepath.Join(nvidia, name); isDir(dir) {
			return dir
		}
	}
	return nvidia
}

// withCUDAData adds the data folder to XLA's flags unless they name one.
func withCUDAData(flags, dir string) string {
	const flag = "--xla_gpu_cuda_data_dir="
	if strings.Contains(flags, flag) {
		return flags
	}
	if strings.ContainsAny(dir, " \t") {
		dir = `"` + dir + `"`
	}
	return strings.TrimSpace(flags + " " + flag + dir)
}

// nvidiaLibraries are the libraries to load before the plugin, in JAX's order, relative to the nvidia folder. The
// libraries need one another and do not all know where the others are; one that is loaded is found.
func nvidiaLibraries(nvidia string) []string {
	var found []string
	for _, name := range []string{
		"cuda_runtime/lib/libcudart.so.12", "cu13/lib/libcudart.so.13",
		"cuda_nvrtc/lib/libnvrtc.so.12", "cu13/lib/libnvrtc.so.13",
		"cublas/lib/libcublas.so.12", "cublas/lib/libcublasLt.so.12", "cu13/lib/libcublas.so.13", "cu13/lib/libcublasLt.so.13",
		"nccl/lib/libnccl.so.2",
		"cuda_cupti/lib/libcupti.so.12", "cu13/lib/libcupti.so.13",
		"cusparse/lib/libcusparse.so.12", "cu13/lib/libcusparse.so.12",
		"cusolver/lib/libcusolver.so.11", "cu13/lib/libcusolver.so.12",
		"cufft/lib/libcufft.so.11", "cu13/lib/libcufft.so.12",
		"nvshmem/lib/libnvshmem_host.so.3", "cudnn/lib/libcudnn.so.9",
	} {
		if path := filepath.Join(nvidia, filepath.FromSlash(name)); filesearch.IsFile(path) {
			found = append(found, path)
		}
	}
	return found
}

// prepareCUDA readies this process for a CUDA plugin: where XLA's compiler finds its tools, and the NVIDIA libraries.
// What the user set stands. go-xla's own check, which knows only its own layout and warns otherwise, is switched off.
func prepareCUDA(plugin string) error {
	nvidia := nvidiaFolder(plugin)
	if nvidia == "" {
		return nil
	}
	if err := os.Setenv("XLA_FLAGS", withCUDAData(os.Getenv("XLA_FLAGS"), cudaDataDir(nvidia))); err != nil {
		return err
	}
	if os.Getenv("GOPJRT_CUDA_CHECKS") == "" {
		if err := os.Setenv("GOPJRT_CUDA_CHECKS", "no"); err != nil {
			return err
		}
	}
	for _, library := range nvidiaLibraries(nvidia) {
		preload(library)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

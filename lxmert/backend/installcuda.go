package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/progress"
)

// cudaRelease is a CUDA plugin with the NVIDIA libraries that it loads, as JAX's packages of the same version ask for
// them. The plugin finds the libraries relative to its own place, so all of it is one folder laid out as site-packages.
type cudaRelease struct {
	wheel
	libraries []string // pip requirements; a major version ahead has other file names
	needs     []string // files without which it cannot compile or compute, relative to the folder
	download  int64    // bytes, about
	disk      int64    // bytes, about
}

// cudaReleases are by major version of CUDA. 13 wants driver 580 and a GPU of compute capability 7.5; 12 serves older ones.
var cudaReleases = map[int]cudaRelease{
	13: {
		wheel: wheel{
			project: "jax-cuda13-pjrt", version: "0.10.2", platform: "manylinux_2_27_x86_64", size: 124_395_292,
			sha256: "a97e9cabe0e21d8dbcc70bd909ca1c34cd546d3ce2d94b4cd907a8d4f6179f6a",
			member: "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
		},
		libraries: []string{
			"nvidia-cublas>=13.0.0.19,<14", "nvidia-cuda-cupti>=13.0.48,<14", "nvidia-cuda-nvcc>=13.0.48,<14",
			"nvidia-cuda-runtime>=13.0.48,<14", "nvidia-cudnn-cu13>=9.12.0.46,<10", "nvidia-cufft>=12.0.0.15,<13",
			"nvidia-cusolver>=12.0.3.29,<13", "nvidia-cusparse>=12.6.2.49,<13", "nvidia-nccl-cu13>=2.27.7,<3",
			"nvidia-nvjitlink>=13.0.39,<14", "nvidia-cuda-nvrtc>=13.0.48,<14", "nvidia-nvshmem-cu13>=3.3.20,<4",
			"nvidia-nvvm>=13,<14",
		},
		needs: []string{
			"nvidia/cu13/lib/libcublas.so.13", "nvidia/cu13/lib/libcudart.so.13", "nvidia/cudnn/lib/libcudnn.so.9",
			"nvidia/cu13/bin/ptxas", "nvidia/cu13/bin/nvlink", "nvidia/cu13/nvvm/libdevice/libdevice.10.bc",
		},
		download: 2_470_000_000, disk: 4_010_000_000,
	},
	12: {
		wheel: wheel{
			project: "jax-cuda12-pjrt", version: "0.10.2", platform: "manylinux_2_27_x86_64", size: 174_364_763,
			sha256: "806d1fd29038b6acf5a2b289dd62192abea977ee26aef60ea295b1d28a23acf8",
			member: "jax_plugins/xla_cuda12/xla_cuda_plugin.so",
		},
		libraries: []string{
			"nvidia-cublas-cu12>=12.1.3.1,<13", "nvidia-cuda-cupti-cu12>=12.1.105,<13", "nvidia-cuda-nvcc-cu12>=12.6.85,<13",
			"nvidia-cuda-runtime-cu12>=12.1.105,<13", "nvidia-cudnn-cu12>=9.8,<10", "nvidia-cufft-cu12>=11.0.2.54,<12",
			"nvidia-cusolver-cu12>=11.4.5.107,<12", "nvidia-cusparse-cu12>=12.1.0.106,<13", "nvidia-nccl-cu12>=2.18.1,<3",
			"nvidia-nvjitlink-cu12>=12.1.105,<13", "nvidia-cuda-nvrtc-cu12>=12.1.55,<13", "nvidia-nvshmem-cu12>=3.2.5,<4",
		},
		needs: []string{
			"nvidia/cublas/lib/libcublas.so.12", "nvidia/cuda_runtime/lib/libcudart.so.12", "nvidia/cudnn/lib/libcudnn.so.9",
			"nvidia/cuda_nvcc/bin/ptxas", "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc", // these packages have no nvlink; XLA links without it
		},
		download: 3_190_000_000, disk: 5_160_000_000,
	},
}

// installCUDA brings the plugin of a major version. What else may help where that does not work, hint says.
func (in *installation) installCUDA(ctx context.Context, major int, hint string) error {
	if in.os != "linux" || in.arch != "amd64" {
		return fmt.Errorf("CUDA plugins are there for linux/amd64, not for %s/%s", in.os, in.arch)
	}
	r := in.cuda[major]
	dir := in.installDir("cuda")
	if in.same(dir, r.wheel) && missing(dir, r.needs) == "" {
		fmt.Fprintf(in.log, "backend: %s is already installed in %s\n", r.requirement(), dir)
		return nil
	}
	hasGPU, gpu := in.findGPU(ctx)
	if hasGPU {
		fmt.Fprintf(in.log, "backend: NVIDIA GPU found (%s)\n", gpu)
	} else {
		fmt.Fprintf(in.log, "backend: no NVIDIA GPU found (%s); the plugin will be installed but not tried\n", gpu)
	}
	p, err := in.findPip(ctx)
	if err != nil {
		return fmt.Errorf("%w; install one, or install JAX for CUDA in a Python environment, where the plugin is found too", err)
	}
	fmt.Fprintf(in.log, "backend: CUDA %d takes about %.1f GB to download and %.1f GB in %s\n", major, float64(r.download)/1e9, float64(r.disk)/1e9, dir)

	stage, err := in.stage(in.installDir(""))
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	wheels, site := filepath.Join(stage, "wheel"), filepath.Join(stage, "site")
	if err := os.Mkdir(wheels, 0o755); err != nil {
		return err
	}
	file, err := in.fetch(ctx, r.wheel, wheels)
	if err != nil {
		if errors.Is(err, errChecksum) || ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w; %s", err, cudaByHand)
	}
	start := time.Now()
	args := append([]string{"install", "--target", site, "--no-deps", "--no-compile", "--only-binary=:all:", "--progress-bar", "off", file}, r.libraries...)
	if out, err := p.run(ctx, 2*time.Hour, in.log, args...); err != nil {
		return fmt.Errorf("`%s install` of the NVIDIA libraries failed: %s; %s", p, pipTrouble(out, err), cudaByHand)
	}
	fmt.Fprintf(in.log, "backend: libraries brought in %s\n", progress.Since(start))
	if file := missing(site, append([]string{r.member}, r.needs...)); file != "" {
		return fmt.Errorf("%s is not among the files that pip installed; %s", file, cudaByHand)
	}
	plugin := filepath.Join(site, filepath.FromSlash(r.member))
	if hasGPU {
		if _, err := in.tryStaged(ctx, plugin); err != nil {
			if hint != "" {
				err = fmt.Errorf("%w; %s", err, hint)
			}
			return err
		}
	} else if err := in.checkFile(plugin); err != nil {
		return err
	}
	sum, size, err := fileSum(plugin)
	if err != nil {
		return err
	}
	if err := writeManifest(site, manifest{r.project, r.version, r.sha256, r.member, sum, size, nil}); err != nil {
		return err
	}
	if err := swapFolder(site, dir, filepath.Join(stage, "old")); err != nil {
		return err
	}
	fmt.Fprintf(in.log, "backend: installed %s\n", filepath.Join(dir, filepath.FromSlash(r.member)))
	return nil
}

const cudaByHand = "install JAX for CUDA in a Python environment (its plugin is found there), or set GOMLX_BACKEND=xla:/path/to/xla_cuda_plugin.so"

// swapFolder puts a folder in the place of another, which goes to old; when that fails, the other is put back.
func swapFolder(from, to, old string) error {
	err := os.Rename(to, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	had := err == nil
	if err := os.Rename(from, to); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, to))
		}
		return err
	}
	return nil
}

// missing is the first of files that is not in dir; "": all are.
func missing(dir string, files []string) string {
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f))); err != nil {
			return f
		}
	}
	return ""
}

var driverVersion = regexp.MustCompile(`\b(\d{3})\.\d+`)

// unknownDriver is the hint where CUDA 13 was chosen without looking.
const unknownDriver = "the driver's version cannot be found here (no /proc/driver/nvidia/version and nothing from nvidia-smi, as under WSL and in some containers), " +
	"so CUDA 13 was taken; for a driver before 580 or a GPU before Turing it is `lxmert backend install cuda12`"

// cudaMajor chooses between CUDA 12 and 13 by the driver's version and the oldest GPU. The hint is for where that turns out
// wrong.
func (in *installation) cudaMajor(ctx context.Context) (major int, hint string) {
	text, _ := os.ReadFile(filepath.Join(in.root, "proc/driver/nvidia/version"))
	driver := driverVersion.FindSubmatch(text)
	if driver == nil {
		driver = driverVersion.FindSubmatch([]byte(in.smi(ctx, "driver_version")))
	}
	if driver == nil {
		hint = unknownDriver
	} else if v, _ := strconv.Atoi(string(driver[1])); v < 580 {
		fmt.Fprintf(in.log, "backend: the NVIDIA driver is %s; CUDA 13 wants 580, so CUDA 12 it is\n", driver[0])
		return 12, ""
	}
	for _, field := range strings.Fields(in.smi(ctx, "compute_cap")) {
		if v, err := strconv.ParseFloat(field, 64); err == nil && v < 7.5 {
			fmt.Fprintf(in.log, "backend: a GPU has compute capability %s; CUDA 13 wants 7.5, so CUDA 12 it is\n", field)
			return 12, ""
		}
	}
	return 13, hint
}

// smi asks nvidia-smi for a property of all GPUs, a line each; "": there is no answer.
func (in *installation) smi(ctx context.Context, property string) string {
	smi := in.lookPath("nvidia-smi")
	if smi == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, smi, "--query-gpu="+property, "--format=csv,noheader").Output()
	return string(out)
}

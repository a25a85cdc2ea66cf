package backend

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// wheel is a Python package file that holds a plugin, or libraries. Nothing else is ever taken out of it.
type wheel struct {
	project  string // as pip calls it
	version  string
	platform string // pip's tag
	python   string // the Python that it is for; "": any
	sha256   string // of the wheel, hexadecimal
	size     int64  // of the wheel, bytes
	member   string // the plugin's name inside
}

// cpuWheels are the XLA CPU plugins that [Install] fetches, by operating system and processor: the first that can be had and
// works is taken.
var cpuWheels = map[string][]wheel{
	"linux/amd64": {{
		project: "lammps-jax-pjrt-cpu", version: "0.11.2", platform: "manylinux_2_27_x86_64", size: 62_700_000,
		sha256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		member: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
	}, {
		project: "xla-cpu-pjrt", version: "0.0.1", platform: "manylinux_2_27_x86_64", size: 63_500_000,
		sha256: "55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc",
		member: "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
	}},
	"linux/arm64": {{
		project: "xla-cpu-pjrt", version: "0.0.1", platform: "manylinux_2_27_aarch64", size: 49_500_000,
		sha256: "8f613be6e891858f40d64f9799319502fff42689661944fc18a6ffd8210b30c9",
		member: "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
	}},
}

// requirement is the wheel as people ask pip for it.
func (w wheel) requirement() string { return w.project + "==" + w.version }

// exactly is the wheel as pip is asked for it: "==" would also take the builds that another index of the user's has of this
// version, such as 2.1.0+cpu.
func (w wheel) exactly() string { return w.project + "===" + w.version }

// largestPlugin bounds what unpacking may write; XLA plugins have 200 to 500 MB.
const largestPlugin = 2 << 30

// errChecksum is wrapped by the error about a file that is not the one expected.
var errChecksum = errors.New("checksum differs")

// wheelOf finds which of the wheels a file is, by its SHA-256.
func wheelOf(path string, wheels []wheel) (wheel, error) {
	sum, _, err := fileSum(path)
	if err != nil {
		return wheel{}, fmt.Errorf("the wheel cannot be read: %w", err)
	}
	var expected []string
	for _, w := range wheels {
		if w.sha256 == sum {
			return w, nil
		}
		expected = append(expected, fmt.Sprintf("%s has %s", w.requirement(), w.sha256))
	}
	return wheel{}, fmt.Errorf("%s: %w: its SHA-256 is %s, %s; it was cut short or is another file, nothing was installed",
		filepath.Base(path), errChecksum, sum, strings.Join(expected, " and "))
}

// verify compares a file's SHA-256 with the wheel's.
func (w wheel) verify(path string) error {
	_, err := wheelOf(path, []wheel{w})
	return err
}

// unpack writes the plugin inside the wheel file to a file that must not exist yet, and syncs it.
func (w wheel) unpack(path, to string) (written int64, err error) {
	name := filepath.Base(path)
	z, err := zip.OpenReader(path)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole wheel: %w; delete it and try again", name, err)
	}
	defer z.Close()
	var member *zip.File
	for _, f := range z.File {
		if f.Name == w.member {
			member = f
		}
	}
	if member == nil {
		return 0, fmt.Errorf("%s has no %s inside", name, w.member)
	}
	written, err = extract(member, to, largestPlugin)
	if err != nil {
		return written, fmt.Errorf("%s: %w", name, err)
	}
	return written, nil
}

// unpackTree writes what is taken of the wheel file below a folder.
func (p pack) unpackTree(ctx context.Context, file, dir string) (written int64, err error) {
	name := filepath.Base(file)
	z, err := zip.OpenReader(file)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole wheel: %w; delete it and try again", name, err)
	}
	defer z.Close()
	for _, f := range z.File {
		to := p.place(f.Name)
		if to == "" || !filepath.IsLocal(to) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return written, err
		}
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return written, err
		}
		n, err := extract(f, to, largestPlugin-written)
		if err != nil {
			return written, fmt.Errorf("%s: %w", name, err)
		}
		written += n
	}
	if written == 0 {
		return 0, fmt.Errorf("%s has nothing below %s inside", name, p.from)
	}
	return written, nil
}

// extract writes a member to a file that must not exist yet, and syncs it. Larger ones than limit, in bytes, are refused.
func extract(member *zip.File, to string, limit int64) (written int64, err error) {
	if !member.Mode().IsRegular() || member.UncompressedSize64 > uint64(limit) {
		return 0, fmt.Errorf("%s is not what it should be (%s, %d bytes)", member.Name, member.Mode(), member.UncompressedSize64)
	}
	in, err := member.Open()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", member.Name, err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(to)
		}
	}()
	written, err = io.Copy(out, io.LimitReader(in, limit))
	if err != nil {
		return written, fmt.Errorf("%s cannot be unpacked: %w", member.Name, err)
	}
	return written, out.Sync()
}

// fileSum is the SHA-256 and the size of a file.
func fileSum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

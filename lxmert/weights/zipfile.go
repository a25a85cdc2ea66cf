package weights

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

var errBigEndian = errors.New("the file was written on a big-endian machine, which is not supported; save it again on a little-endian one")

// readZip returns the object of a file that torch.save of version 1.6 or later wrote: <root>/data.pkl is a pickle,
// <root>/data/<key> are the storages.
func readZip(src *source) (any, error) {
	members, err := readDirectory(src)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*member, len(members))
	root, found := "", false
	for i := range members {
		m := &members[i]
		byName[m.name] = m
		if r, ok := strings.CutSuffix(m.name, "/data.pkl"); ok && !strings.Contains(r, "/") {
			if found {
				return nil, fmt.Errorf("two pickles, %q and %q", short(root), short(r))
			}
			root, found = r, true
		}
	}
	if !found {
		return nil, errors.New("a zip file without data.pkl, so torch.save did not write it")
	}
	if byName[root+"/constants.pkl"] != nil {
		return nil, errors.New("a TorchScript program, not weights; in Python, torch.save(torch.jit.load(file).state_dict(), ...) makes a file of weights")
	}
	if m := byName[root+"/byteorder"]; m != nil {
		if b, err := src.bytes(m.off, min(m.size, 16)); err != nil || string(b) != "little" {
			return nil, errors.Join(errBigEndian, err)
		}
	}
	storages := map[string]*storage{}
	reader := &torchReader{find: func(key string, size int64) (*storage, error) {
		st, ok := storages[key]
		if !ok {
			m := byName[root+"/data/"+key]
			if m == nil {
				return nil, fmt.Errorf("storage %q is not in the file", short(key))
			}
			st = &storage{src: src, key: key, off: m.off, size: m.size, crc: m.crc}
			storages[key] = st
		}
		if st.size != size {
			return nil, fmt.Errorf("storage %q has %d bytes in the file where its tensors say %d", short(key), st.size, size)
		}
		return st, nil
	}}
	p := byName[root+"/data.pkl"]
	whole := storage{src: src, key: "data.pkl", off: p.off, size: p.size, crc: p.crc}
	if _, err := whole.bytes(); err != nil {
		return nil, err
	}
	m := pickle.NewMachine(src, p.off, p.off+p.size)
	m.Global, m.Persistent = reader.global, reader.persistent
	object, err := m.Load()
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	return object, nil
}

package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// Files that torch.save wrote before version 1.6, like the published LXMERT snapshots: five pickles (a magic number, a
// protocol version, system facts, the object, the keys of the storages), then each storage as an int64 element count
// and its values.

const legacyProtocol = 1001

// readLegacy returns the object of a file.
func readLegacy(src *source) (any, error) {
	plain := pickle.NewMachine(src, 0, src.size)
	magic, err := plain.Load()
	if err != nil {
		return nil, err
	}
	if n, ok := magic.(*big.Int); !ok || n.Text(16) != "1950a86a20f9469cfc6c" {
		return nil, errors.New("offset 0: torch's magic number is missing")
	}
	version, err := plain.Load()
	if err != nil {
		return nil, err
	}
	if version != any(int64(legacyProtocol)) {
		return nil, fmt.Errorf("protocol version %v is not supported, only %d is", version, legacyProtocol)
	}
	facts, err := plain.Load()
	if err != nil {
		return nil, err
	}
	if d, ok := facts.(*pickle.Dict); ok {
		if little, ok := d.Get("little_endian"); ok && little != any(true) {
			return nil, errBigEndian
		}
	} else {
		return nil, errors.New("the system facts are not a dict")
	}

	storages := map[string]*storage{}
	items := map[string]int64{} // bytes per element
	reader := &torchReader{find: func(key string, size int64) (*storage, error) {
		if st, ok := storages[key]; ok {
			if st.size != size {
				return nil, fmt.Errorf("storage %q has two sizes, %d and %d bytes", short(key), st.size, size)
			}
			return st, nil
		}
		st := &storage{src: src, key: key, size: size, off: -1}
		storages[key] = st
		return st, nil
	}}
	m := pickle.NewMachine(src, plain.Offset(), src.size)
	m.Global = reader.global
	m.Persistent = func(id any) (any, error) {
		v, err := reader.persistent(id)
		if ref, ok := v.(*storageRef); ok {
			item := storageClass{dtype: ref.dtype}.item()
			if was, ok := items[ref.st.key]; ok && was != item {
				return nil, fmt.Errorf("storage %q has elements of two sizes", short(ref.st.key))
			}
			items[ref.st.key] = item
		}
		return v, err
	}
	object, err := m.Load()
	if err != nil {
		return nil, err
	}
	plain = pickle.NewMachine(src, m.Offset(), src.size)
	keys, err := plain.Load()
	if err != nil {
		return nil, err
	}
	list, ok := keys.(*pickle.List)
	if !ok {
		return nil, errors.New("the keys of the storages are not a list")
	}
	return object, placeStorages(src, plain.Offset(), list.Items, storages, items)
}

// placeStorages walks through the values behind the pickles.
func placeStorages(src *source, at int64, keys []any, storages map[string]*storage, items map[string]int64) error {
	for _, k := range keys {
		key, _ := k.(string)
		st := storages[key]
		if st == nil {
			return fmt.Errorf("offset %d: a storage %q that no tensor uses", at, short(fmt.Sprint(k)))
		}
		if st.off >= 0 {
			return fmt.Errorf("offset %d: storage %q occurs twice", at, short(key))
		}
		head, err := src.bytes(at, 8)
		if err != nil {
			return fmt.Errorf("offset %d: storage %q is missing; the file was cut short", at, short(key))
		}
		count := int64(binary.LittleEndian.Uint64(head))
		at += 8
		if count < 0 || count > src.size || count*items[key] != st.size {
			return fmt.Errorf("offset %d: storage %q has %d elements where its tensors say %d", at-8, short(key), count, st.size/items[key])
		}
		if st.size > src.size-at {
			return fmt.Errorf("offset %d: storage %q has %d bytes but %d are left; the file was cut short", at, short(key), st.size, src.size-at)
		}
		st.off = at
		at += st.size
	}
	for key, st := range storages {
		if st.off < 0 {
			return fmt.Errorf("storage %q is not in the list of storages", short(key))
		}
	}
	return nil
}

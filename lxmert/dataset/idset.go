package dataset

import "strconv"

// idSet holds ids of questions, of which there may be millions: those of digits, which most are, in 16 bytes each.
type idSet struct {
	numbers map[uint64]bool
	others  map[string]bool
}

// add reports whether an id is a new one.
func (s *idSet) add(id string) bool {
	const maxDigits = 16 // digits, so that their number fits in six bits and they in 58
	if n, err := strconv.ParseUint(id, 10, 58); err == nil && len(id) <= maxDigits && id[0] != '+' {
		key := uint64(len(id))<<58 | n // 07 is not 7
		if s.numbers == nil {
			s.numbers = map[uint64]bool{}
		}
		before := s.numbers[key]
		s.numbers[key] = true
		return !before
	}
	if s.others == nil {
		s.others = map[string]bool{}
	}
	before := s.others[id]
	s.others[id] = true
	return !before
}

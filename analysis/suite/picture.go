package suite

import (
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/question"
)

// Pictures finds a suite's pictures among the ids of feature files: by their own names, or of twelve digits, as COCO of 2017
// names its pictures, by any id that ends in them, such as COCO_val2014_000000544519.
func Pictures(ids []string) func(name string) (id string, ok bool) {
	known, ends := map[string]bool{}, map[string]string{}
	for _, id := range ids {
		known[id] = true
		if digits := id[strings.LastIndexByte(id, '_')+1:]; isCOCO(digits) && digits != id {
			if _, taken := ends[digits]; !taken {
				ends[digits] = id
			}
		}
	}
	return func(name string) (string, bool) {
		for _, form := range question.IDForms(name) {
			if known[form] {
				return form, true
			}
		}
		digits := name[strings.LastIndexByte(name, '_')+1:]
		if isCOCO(digits) && known[digits] {
			return digits, true
		}
		id, ok := ends[digits]
		return id, ok
	}
}

// isCOCO says that a text is twelve digits.
func isCOCO(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

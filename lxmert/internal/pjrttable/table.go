//go:build cgo

package pjrttable

import (
	"reflect"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"
)

// Of points to a plugin's pointer to its functions, an unexported field of go-xla's. It is nil if a later version of go-xla
// keeps it elsewhere.
func Of(plugin *pjrt.Plugin) *unsafe.Pointer {
	field := reflect.ValueOf(plugin).Elem().FieldByName("api")
	if !field.IsValid() || field.Kind() != reflect.Pointer || field.IsNil() {
		return nil
	}
	return (*unsafe.Pointer)(unsafe.Pointer(field.UnsafeAddr()))
}

//go:build cgo

package pjrttable

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"
)

// Of points to a plugin's pointer to its functions, an unexported field of go-xla's. It is an error if a later version of go-xla
// keeps it elsewhere.
func Of(plugin *pjrt.Plugin) (*unsafe.Pointer, error) {
	field := reflect.ValueOf(plugin).Elem().FieldByName("api")
	if !field.IsValid() || field.Kind() != reflect.Pointer || field.IsNil() {
		return nil, errors.New("this version of go-xla keeps its plugins in another way")
	}
	return (*unsafe.Pointer)(unsafe.Pointer(field.UnsafeAddr())), nil
}

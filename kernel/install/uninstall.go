package install

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// Uninstall removes an installation's folder and everything in it. A folder that holds other things is left as it is.
func Uninstall(p Place, log io.Writer) error {
	if log == nil {
		log = io.Discard
	}
	entries, err := os.ReadDir(p.Dir)
	if os.IsNotExist(err) {
		fmt.Fprintf(log, "uninstall: nothing is installed in %s\n", p.Dir)
		return nil
	}
	if err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Contains(names, "steps") && len(names) > 0 {
		return fmt.Errorf("uninstall: %s holds no installation, and other things; it was left as it is", p.Dir)
	}
	if err := os.RemoveAll(p.Dir); err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	fmt.Fprintf(log, "uninstall: removed %s\n", p.Dir)
	return nil
}

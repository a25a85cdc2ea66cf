package install

import (
	"fmt"
	"os"
	"strings"
)

// Start is how Jupyter starts the installed kernel: the words of its command, with {connection_file} for that file's name,
// and its environment.
func (p Place) Start() (argv, env []string, err error) {
	spec, err := p.readKernelspec()
	if err != nil {
		return nil, nil, fmt.Errorf("the kernel in %s: %w; `kernel install` mends it", p.Dir, err)
	}
	env = p.Environment()
	for name, value := range spec.Env {
		env = append(env, name+"="+strings.ReplaceAll(value, "${"+name+"}", os.Getenv(name)))
	}
	return spec.Argv, env, nil
}
